import type { ParseOptions } from "./types.ts";

/** The names of all options: their aliases and their kinds. */
export class Names {
  readonly flags: ReadonlySet<string>;
  readonly text: ReadonlySet<string>;
  readonly lists: ReadonlySet<string>;
  readonly negatable: ReadonlySet<string>;
  readonly #aliases = new Map<string, readonly string[]>();

  constructor(options: ParseOptions) {
    for (const [key, value] of Object.entries(options.alias ?? {})) {
      const names = [key, ...list(value)];
      for (const name of names) this.#aliases.set(name, names.filter((other) => other !== name));
    }
    this.flags = this.#withAliases(typeof options.boolean === "boolean" ? [] : list(options.boolean));
    this.text = this.#withAliases(list(options.string));
    this.lists = this.#withAliases(list(options.collect));
    this.negatable = this.#withAliases(list(options.negatable));
  }

  knows(name: string): boolean {
    return [this.flags, this.text, this.lists, this.#aliases].some((names) => names.has(name));
  }

  aliasesOf(name: string): readonly string[] {
    return this.#aliases.get(name) ?? [];
  }

  #withAliases(names: readonly string[]): ReadonlySet<string> {
    return new Set(names.flatMap((name) => [name, ...this.aliasesOf(name)]));
  }
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return (typeof value === "string" ? [value] : value ?? []).filter((name) => name !== "");
}
