/** Fields of the configuration as data: what the published schema, `config check` and `config show` know of them. */

/** What a value may be, in the words of JSON Schema (draft 2020-12). */
export interface FieldSchema {
  readonly type: "string" | "boolean" | "integer" | "array" | "object" | readonly string[];
  /** What it is for, in a few words. */
  readonly description: string;
  /** Values that can be used. */
  readonly examples: readonly [unknown, ...unknown[]];
  /** What counts where there is none. */
  readonly default?: unknown;
  /** Any other keyword: `enum`, `pattern`, `minimum`, `items`. */
  readonly [keyword: string]: unknown;
}

/** A field of a channel. */
export interface FieldSpec {
  /** Whether there must be one. @default {false} */
  readonly isRequired?: boolean;
  /** Whether it is never shown. @default {false} */
  readonly isSecret?: boolean;
  /** Whether it can be in a file instead, which a second field names that has `File` behind its name. @default {false} */
  readonly hasFile?: boolean;
  /** The field that stands for this one: beside it this one need not be there. */
  readonly unless?: string;
  /** The field that must not be there too. */
  readonly excludes?: string;
  /** The field that must be there too. */
  readonly needs?: string;
  readonly schema: FieldSchema;
}

/** Fields by name. */
export type FieldSpecs = Readonly<Record<string, FieldSpec>>;
