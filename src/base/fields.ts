/** Reading foreign objects field by field, with the dotted path of the field in every error. */

import { ConfigError, type HintOptions } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** An error about one field. */
export class FieldError extends ConfigError {
  /** The field's own name; that of the field it stands in, when that is an object. */
  readonly key: string;

  constructor(key: string, message: string, options?: HintOptions) {
    super(message, options);
    this.key = key;
  }
}

/** An object whose fields are taken out one by one; what is left over is an error. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #names: Readonly<Record<string, string>>;
  readonly #known = new Set<string>();
  /** The field that all of this stands in, where errors name that one. */
  #within: string | undefined;

  /**
   * @param value what should be an object
   * @param path where it stands, for errors; empty for the top
   * @param names how fields are called in errors when they came from elsewhere: from an environment variable
   * @throws {ConfigError} when it is no object
   */
  constructor(value: unknown, path: string, names: Readonly<Record<string, string>> = {}) {
    if (!isObject(value)) {
      throw new ConfigError(`Cannot use ${path || "the configuration"}: it must be an object`);
    }
    this.#values = { ...value };
    this.#path = path;
    this.#names = names;
  }

  /** How a field is called in errors. */
  nameOf(key: string): string {
    return this.#names[key] ?? (this.#path === "" ? key : `${this.#path}.${key}`);
  }

  /** A text field; undefined when it is absent. */
  text(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined || (typeof value === "string" && value.trim() !== "")) return value?.trim();
    throw this.error(key, typeof value === "string" ? "it is empty" : "it must be text");
  }

  /** A text field that must be there. */
  requiredText(key: string, hint?: string): string {
    const value = this.text(key);
    if (value !== undefined) return value;
    throw this.missing(key, hint);
  }

  /** A yes or no. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.#take(key);
    if (value === undefined) return fallback;
    if (typeof value === "boolean") return value;
    throw this.error(key, "it must be true or false");
  }

  /** A whole number within limits; undefined when it is absent. */
  integer(key: string, min: number, max: number): number | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.error(key, `it must be a whole number from ${min} to ${max}`);
  }

  /** A list of texts, or one text in its place; empty when it is absent. */
  texts(key: string): readonly string[] {
    const given = this.#take(key);
    const values = given === undefined ? [] : [given].flat();
    const texts = values.map((value) => typeof value === "string" ? value.trim() : "");
    if (!texts.includes("") && new Set(texts).size === texts.length) return texts;
    throw this.error(key, "it must be text, or a list of different texts, none of them empty");
  }

  /** A field of any form, for whoever looks at it more closely. */
  value(key: string): unknown {
    return this.#take(key);
  }

  /** A nested object's entries; none when it is absent. */
  objects(key: string): [string, unknown][] {
    const value = this.#take(key);
    if (value === undefined) return [];
    if (isObject(value)) return Object.entries(value);
    throw this.error(key, "it must be an object");
  }

  /** A field that is an object with fields of its own; undefined when it is absent. */
  nested(key: string): Fields | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.error(key, "it must be an object");
    const fields = new Fields(value, this.nameOf(key));
    fields.#within = this.#within ?? key;
    return fields;
  }

  /** The names of all that is there. */
  keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** The same, with other values where there are none here. */
  over(values: Readonly<Record<string, unknown>>): Fields {
    const fields = new Fields({ ...values, ...this.#values }, this.#path, this.#names);
    fields.#within = this.#within;
    return fields;
  }

  /** An error about one field. */
  error(key: string, state: string, hint?: string): FieldError {
    return new FieldError(this.#within ?? key, `Cannot use ${this.nameOf(key)}: ${state}`, { hint });
  }

  /** An error about a field that must be there. */
  missing(key: string, hint?: string): FieldError {
    return new FieldError(this.#within ?? key, `Cannot do without ${this.nameOf(key)}: it is not set`, { hint });
  }

  /** Nothing may be left that nobody asked for. */
  end(): void {
    for (const key of Object.keys(this.#values)) {
      if (this.#known.has(key)) continue;
      const near = nearest(key, this.#known);
      throw this.error(
        key,
        "there is no such key",
        near ? `did you mean "${near}"?` : `known here: ${[...this.#known].join(", ")}`,
      );
    }
  }

  #take(key: string): unknown {
    this.#known.add(key);
    return this.#values[key];
  }
}

/** Whether it is an object with keys, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses a JSON object; undefined for anything else, never an exception. */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
