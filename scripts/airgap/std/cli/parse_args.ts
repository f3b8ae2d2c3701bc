/**
 * A stand-in for `@std/cli/parse-args` with the same results for the options in {@linkcode
 * ParseOptions}. Names with dots, which the original turns into nested objects, are ordinary names
 * here. It imports nothing, because `send` waits for it.
 *
 * @module
 */

import { Names } from "./names.ts";
import type { Args, ParseOptions, Values } from "./types.ts";

export type { Args, ParseOptions } from "./types.ts";

/**
 * Splits a command line into options and positional arguments.
 *
 * @param args the arguments, without the name of the program
 * @param options the names and kinds of options
 * @returns the values by option name and alias; positional arguments in `_`
 */
export function parseArgs<
  B extends string | boolean | undefined = undefined,
  S extends string | undefined = undefined,
  C extends string | undefined = undefined,
  N extends string | undefined = undefined,
  D extends Record<string, unknown> | undefined = undefined,
  DD extends boolean | undefined = undefined,
>(
  args: readonly string[],
  options: ParseOptions<B, S, C, N, D, DD> = {},
): Args<Values<B, S, C, N, D>, DD> {
  const end = args.indexOf("--");
  const rest = end < 0 ? [] : args.slice(end + 1);
  const parser = new Parser(options);
  parser.parse(end < 0 ? args : args.slice(0, end));
  const { values, positional } = parser;
  if (!options["--"]) positional.push(...rest);
  const result = { ...values, _: positional, ...(options["--"] ? { "--": rest } : {}) };
  return result as Args<Values<B, S, C, N, D>, DD>;
}

class Parser {
  readonly values: Record<string, unknown> = {};
  readonly positional: (string | number)[] = [];
  readonly #names: Names;
  readonly #options: ParseOptions;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#names = new Names(options);
  }

  parse(args: readonly string[]): void {
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (/^--./s.test(arg)) i += this.#long(arg, args[i + 1]);
      else if (/^-./s.test(arg)) i += this.#short(arg, args[i + 1]);
      else {
        if (this.#options.unknown?.(arg) !== false) {
          this.positional.push(this.#names.text.has("_") ? arg : numeric(arg));
        }
        if (this.#options.stopEarly) {
          this.positional.push(...args.slice(i + 1));
          break;
        }
      }
    }
    this.#fillIn();
  }

  /**
   * Returns how many of the following arguments it used: 1 if the next one is the value of the
   * option.
   */
  #long(arg: string, next: string | undefined): 0 | 1 {
    const negated = /^--no-./s.test(arg);
    const start = negated ? 5 : 2;
    const equals = arg.indexOf("=", start + 1);
    const key = equals < 0 ? arg.slice(start) : arg.slice(start, equals);
    const flag = this.#names.flags.has(key);
    if (equals >= 0) {
      const value = arg.slice(equals + 1);
      this.#set(key, flag ? value !== "false" : value, arg);
      return 0;
    }
    if (negated && this.#names.negatable.has(key)) {
      this.#set(key, false, arg, { collect: false });
      return 0;
    }
    const takesValue = !this.#names.flags.has(arg.slice(2)) && this.#options.boolean !== true && !next?.startsWith("-");
    return this.#setFromNext(arg.slice(2), arg, next, takesValue);
  }

  /** Parses combined letters until one of them has a value. */
  #short(arg: string, next: string | undefined): 0 | 1 {
    const last = arg.length - 1;
    for (let i = 1; i < last; i++) {
      const [letter, rest] = [arg[i], arg.slice(i + 1)];
      const value = attachedValue(letter, rest);
      if (value !== undefined) {
        this.#set(letter, value, arg);
        if (rest !== "-") return 0;
      } else this.#set(letter, this.#names.text.has(letter) ? "" : true, arg);
    }
    const key = arg[last];
    if (key === "-") return 0;
    const takesValue = !this.#names.flags.has(key) && !/^--?[^-]/.test(next ?? "");
    return this.#setFromNext(key, arg, next, takesValue);
  }

  #setFromNext(key: string, arg: string, next: string | undefined, takesValue: boolean): 0 | 1 {
    if (next && (takesValue || next === "true" || next === "false")) {
      this.#set(key, takesValue ? next : next === "true", arg);
      return 1;
    }
    this.#set(key, this.#names.text.has(key) ? "" : true, arg);
    return 0;
  }

  #set(key: string, value: string | boolean, arg: string, { collect = true } = {}): void {
    const known = this.#names.knows(key) || (this.#options.boolean === true && /^--[^=]+$/.test(arg));
    if (!known && this.#options.unknown?.(arg, key, value) === false) return;
    const typed = typeof value === "string" && !this.#names.text.has(key) ? numeric(value) : value;
    for (const name of [key, ...this.#names.aliasesOf(key)]) {
      this.#assign(name, collect && this.#names.lists.has(key) ? appended(this.values[name], typed) : typed);
    }
  }

  #fillIn(): void {
    for (const [key, value] of Object.entries(this.#options.default ?? {})) {
      if (Object.hasOwn(this.values, key)) continue;
      for (const name of [key, ...this.#names.aliasesOf(key)]) this.#assign(name, value);
    }
    for (const name of [...this.#names.flags, ...this.#names.text]) {
      if (Object.hasOwn(this.values, name)) continue;
      if (this.#names.lists.has(name)) this.#assign(name, []);
      else if (this.#names.flags.has(name)) this.#assign(name, false);
    }
  }

  #assign(name: string, value: unknown): void {
    if (name !== "__proto__") this.values[name] = value;
  }
}

function attachedValue(letter: string, rest: string): string | undefined {
  if (rest === "-") return rest;
  if (rest === "=") return "";
  if (/[A-Za-z]/.test(letter)) {
    const afterEquals = /=(.+)/.exec(rest)?.[1];
    if (afterEquals !== undefined) return afterEquals;
    if (/-?\d+(\.\d*)?(e-?\d+)?$/.test(rest)) return rest;
  }
  return rest.length > 1 && /\W/.test(rest[0]) ? rest : undefined;
}

function numeric(text: string): string | number {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function appended(before: unknown, value: unknown): unknown[] {
  if (Array.isArray(before)) return [...before, value];
  return before ? [before, value] : [value];
}
