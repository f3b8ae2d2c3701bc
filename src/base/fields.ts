/**
 * Reads untrusted objects field by field. Every error contains the dotted path of the field, such
 * as `channels.ntfy.topic`.
 *
 * A {@linkcode Fields} object either throws an error at the first problem, or collects all
 * problems. `config check` collects all problems and prints the list.
 *
 * @module
 */

import { ConfigError, type ConfigPlace } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * An object whose fields are read one after the other. A field that is never read counts as
 * unknown, and {@linkcode Fields.end} reports it as a problem.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #names: Readonly<Record<string, string>>;
  readonly #known = new Set<string>();
  readonly #problems: ConfigError[] | undefined;

  /**
   * @param value the object
   * @param path the dotted path of the object, for errors; empty for the outermost object
   * @param names for each field that an environment variable or a command-line option has set: the
   * name of the variable or the option. Errors show this name instead of the field's path.
   * @param problems the list to which {@linkcode Fields.attempt} and {@linkcode Fields.end} add
   * problems. Without a list, these methods throw the first problem.
   * @throws {ConfigError} if the value is not an object
   */
  constructor(value: unknown, path: string, names: Readonly<Record<string, string>> = {}, problems?: ConfigError[]) {
    if (!isObject(value)) {
      throw new ConfigError(`Cannot use ${path || "the configuration"}: it must be a JSON object`, {
        place: { setting: path },
      });
    }
    this.#values = { ...value };
    this.#path = path;
    this.#names = names;
    this.#problems = problems;
  }

  /** The dotted path of the object. */
  get path(): string {
    return this.#path;
  }

  /** Returns the name that errors show for a field. */
  formatName(key: string): string {
    if (Object.hasOwn(this.#names, key)) return this.#names[key];
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }

  /** Reads a text. Returns undefined if the field is absent. */
  text(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined || (typeof value === "string" && value.trim() !== "")) return value?.trim();
    throw this.error(key, typeof value === "string" ? "it is empty" : "it must be a string");
  }

  /** Reads a required text. */
  requiredText(key: string, hint?: string): string {
    const value = this.text(key);
    if (value !== undefined) return value;
    throw this.missing(key, hint);
  }

  /** Reads `true` or `false`. Returns `fallback` if the field is absent. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.#take(key);
    if (value === undefined) return fallback;
    if (typeof value === "boolean") return value;
    throw this.error(key, "it must be true or false");
  }

  /** Reads a whole number from `min` to `max`. Returns undefined if the field is absent. */
  integer(key: string, min: number, max: number): number | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.error(key, `it must be a whole number from ${min} to ${max}`);
  }

  /**
   * Reads a list of texts, or one text instead of a list. Returns an empty list if the field is
   * absent.
   */
  texts(key: string): readonly string[] {
    const given = this.#take(key);
    const values = given === undefined ? [] : [given].flat();
    const texts = values.map((value) => typeof value === "string" ? value.trim() : "");
    if (!texts.includes("") && new Set(texts).size === texts.length) return texts;
    throw this.error(key, "it must be a string or an array of strings, without empty or repeated strings");
  }

  /** Reads a value of any type. */
  value(key: string): unknown {
    return this.#take(key);
  }

  /**
   * Reads the names and values of the fields of a nested object. Returns an empty list if the field
   * is absent.
   */
  objects(key: string): [string, unknown][] {
    const value = this.#take(key);
    if (value === undefined) return [];
    if (isObject(value)) return Object.entries(value);
    throw this.error(key, "it must be a JSON object");
  }

  /** Reads a nested object as {@linkcode Fields}. Returns undefined if the field is absent. */
  nested(key: string): Fields | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.error(key, "it must be a JSON object");
    return new Fields(value, this.formatName(key), {}, this.#problems);
  }

  /**
   * Wraps an item of a list as {@linkcode Fields}. `at` is the index of the item. The problems of
   * the item are added to `problems`.
   */
  item(key: string, at: number, value: unknown, problems: ConfigError[]): Fields {
    return new Fields(value, `${this.formatName(key)}[${at}]`, {}, problems);
  }

  /** Returns the names of all fields. */
  keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** Returns a copy that takes absent fields from `values`. */
  over(values: Readonly<Record<string, unknown>>): Fields {
    return new Fields({ ...values, ...this.#values }, this.#path, this.#names, this.#problems);
  }

  /** Creates an error about a field. */
  error(key: string, state: string, hint?: string): ConfigError {
    return new ConfigError(`Cannot use ${this.formatName(key)}: ${state}`, { hint, place: this.#place(key) });
  }

  /** Creates an error about a missing field. */
  missing(key: string, hint?: string): ConfigError {
    return new ConfigError(`Missing ${this.formatName(key)}`, { hint, place: this.#place(key) });
  }

  /**
   * Returns the place of a field in the configuration file; empty if the value does not come from
   * this file.
   */
  #place(key: string): ConfigPlace {
    return Object.hasOwn(this.#names, key) ? {} : { setting: this.formatName(key) };
  }

  /**
   * Runs a function that reads fields. If this object collects problems, an error from the function
   * is added to the list and is not thrown.
   *
   * @returns the result of the function; undefined after a problem
   */
  attempt<Result>(read: () => Result): Result | undefined {
    if (this.#problems === undefined) return read();
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const { message } = error;
      if (!this.#problems.some((problem) => problem.message === message)) this.#problems.push(error);
      return undefined;
    }
  }

  /** The number of collected problems; always 0 if this object does not collect problems. */
  get problemCount(): number {
    return this.#problems?.length ?? 0;
  }

  /** Reports a problem for every field that was not read, because such a field is unknown. */
  end(): void {
    for (const key of Object.keys(this.#values)) if (!this.#known.has(key)) this.attempt(() => this.#rejectKey(key));
  }

  #rejectKey(key: string): never {
    const near = nearest(key, this.#known);
    const hint = near ? `did you mean "${near}"?` : `known keys: ${[...this.#known].join(", ")}`;
    throw this.error(key, "there is no such key", hint);
  }

  #take(key: string): unknown {
    this.#known.add(key);
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }
}

/** Returns true if a value is an object. An array and `null` do not count as objects. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The maximum nesting of a parsed JSON object. Functions such as `JSON.stringify` fail at a nesting
 * of several thousand levels.
 */
export const MAX_JSON_DEPTH = 100;

/**
 * Parses a JSON object. Returns undefined if the text is not a JSON object, or if its nesting is
 * deeper than 100 levels.
 */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return isObject(value) && isNestedWithin(value, MAX_JSON_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns true if an object or array is nested at most `depth` levels. */
export function isNestedWithin(value: object, depth: number): boolean {
  return depth > 0 &&
    Object.values(value).every((child) =>
      typeof child !== "object" || child === null || isNestedWithin(child, depth - 1)
    );
}
