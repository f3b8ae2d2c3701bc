/**
 * Settings as data. A table of settings describes an object of the configuration file. The parser,
 * the TypeScript type of the parsed values, the JSON schema, the documentation, `config show` and
 * `config check` all use this table.
 *
 * ```ts ignore
 * const SETTINGS = { topic: text({ help: "the topic", examples: ["alerts"] }), token: secret({ ... }) };
 * type Settings = SettingsOf<typeof SETTINGS>; // { readonly topic: string; readonly token: Secret }
 * const settings = readSettings(SETTINGS, fields, context);
 * ```
 *
 * Functions such as {@linkcode text} create the schema and the parser of a setting from the same
 * options. For special settings, pass a schema and a parser to {@linkcode setting}.
 *
 * @module
 */

import type { AccountSession } from "../../accounts/session.ts";
import { parseDuration } from "../../base/duration.ts";
import type { Fields } from "../../base/fields.ts";

/** The JSON schema of a value (draft 2020-12). */
export interface SettingSchema {
  readonly type: "string" | "boolean" | "integer" | "array" | "object" | readonly string[];
  /** A short description of the setting, beginning with a lower-case letter. */
  readonly description: string;
  /** Examples of valid values. */
  readonly examples: readonly [unknown, ...unknown[]];
  readonly default?: unknown;
  /** Any other keyword of JSON Schema: `enum`, `pattern`, `minimum`, `items`. */
  readonly [keyword: string]: unknown;
}

/** The dependencies of a setting on other settings in the same table. */
export interface SettingRelations {
  /** True if the setting may be absent. @default {false} */
  readonly optional?: boolean;
  /**
   * The name of an alternative setting. If the alternative setting is absent, this setting is
   * required.
   */
  readonly unless?: string;
  /** The name of a setting that must not be used together with this setting. */
  readonly excludes?: string;
  /** The name of a setting that must be used together with this setting. */
  readonly needs?: string;
}

/** One setting. */
export interface Setting<Value = unknown> extends SettingRelations {
  readonly schema: SettingSchema;
  /** True if the value must never be shown. @default {false} */
  readonly isSecret?: boolean;
  /** True if parts of the value may be secrets, see `concealed.ts`. @default {false} */
  readonly mayContainSecrets?: boolean;
  /**
   * True if the value can also be in a file. In this case, a second setting, whose name ends with
   * `File`, contains the path of the file.
   *
   * @default {false}
   */
  readonly hasFile?: boolean;
  /**
   * Reads the value; returns undefined if the value is absent. {@linkcode readSettings} reports a
   * required setting that is absent.
   *
   * @throws {ConfigError} if the value is not valid
   */
  read(fields: Fields, key: string, context: ParseContext): Value;
}

/** The settings of an object, by key. */
export type SettingTable = Readonly<Record<string, Setting>>;

/** The parsed values of a table. */
export type SettingsOf<Table extends SettingTable> = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer Value> ? Value : never;
};

/** The input of the parser, in addition to the configuration file. */
export interface ParseContext {
  /** True if plain http to hosts other than this one is allowed. */
  readonly insecureHttp: boolean;
  /**
   * Opens a Matrix account that is logged in on this host. The tokens of the account are read when
   * they are used.
   */
  account(userId: string): AccountSession;
}

/**
 * Reads the values of all settings in a table, and checks their dependencies. The object `fields`
 * either throws an error at the first problem or collects all problems. If `fields` has collected a
 * problem, the result is incomplete.
 *
 * @throws {ConfigError} if a setting is missing or not valid; the message contains its dotted path
 */
export function readSettings<Table extends SettingTable>(
  table: Table,
  fields: Fields,
  context: ParseContext,
): SettingsOf<Table> {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(table)) {
    values[key] = fields.attempt(() => {
      const value = setting.read(fields, key, context);
      checkRelations(table, key, fields);
      return value;
    });
  }
  return values as SettingsOf<Table>;
}

function checkRelations(table: SettingTable, key: string, fields: Fields): void {
  const { optional, unless, excludes, needs, hasFile, isSecret } = table[key];
  if (optional && excludes === undefined && needs === undefined) return;
  const used = usedKey(table, key, fields);
  if (used === undefined) {
    const isReplaced = unless !== undefined && usedKey(table, unless, fields) !== undefined;
    if (optional || isReplaced) return;
    const ways = [
      isSecret ? "set it" : `set it${forExample(table[key].schema.examples)}`,
      ...hasFile ? [`set ${fields.formatName(`${key}File`)} to a file that contains it`] : [],
      ...unless === undefined
        ? []
        : [`set ${fields.formatName(unless)} instead${forExample(table[unless].schema.examples)}`],
    ];
    throw fields.missing(key, ways.join("; or "));
  }
  const excluded = excludes === undefined ? undefined : usedKey(table, excludes, fields);
  if (excluded !== undefined) throw fields.error(used, `${fields.formatName(excluded)} is set too`, "keep one of them");
  if (needs !== undefined && usedKey(table, needs, fields) === undefined) {
    throw fields.error(used, `${fields.formatName(needs)} is not set`, "set both or neither");
  }
}

/** Formats an example value for the hint about a missing setting. */
function forExample([example]: readonly unknown[]): string {
  return `, for example ${JSON.stringify(example)}`;
}

/**
 * Returns the key that the configuration contains for a setting, for example `token` or
 * `tokenFile`. Returns undefined if the configuration contains neither key.
 */
function usedKey(table: SettingTable, key: string, fields: Fields): string | undefined {
  const keys = table[key]?.hasFile ? [key, `${key}File`] : [key];
  return keys.find((name) => fields.value(name) !== undefined);
}

/**
 * The type of a parsed value. The type includes undefined if the options allow the setting to be
 * absent.
 */
export type ValueOf<Value, Options> = Options extends { readonly default: unknown } ? Value
  : Options extends { readonly optional: true } | { readonly unless: string } ? Value | undefined
  : Value;

/** The options that all settings have. */
export interface SettingOptions<Example = unknown> extends SettingRelations {
  /** A short description of the setting, beginning with a lower-case letter. */
  readonly help: string;
  /** Examples of valid values. */
  readonly examples: readonly [Example, ...Example[]];
}

/** The schema of a setting, without its description and its examples. */
type OwnSchema = Omit<SettingSchema, "description" | "examples">;

/**
 * Creates a setting from its schema and its parser.
 *
 * @param schema the schema, or a function that creates the schema when a command needs it
 */
export function setting<Value>(
  { help, examples, optional, unless, excludes, needs, schema, ...rest }: SettingOptions & {
    readonly schema: OwnSchema | (() => OwnSchema);
    readonly isSecret?: boolean;
    readonly mayContainSecrets?: boolean;
    readonly hasFile?: boolean;
    readonly read: (fields: Fields, key: string, context: ParseContext) => Value | undefined;
  },
): Setting<Value> {
  const hasDefault = typeof schema === "object" && schema.default !== undefined;
  return {
    ...rest,
    ...{ optional: optional || hasDefault, unless, excludes, needs },
    get schema(): SettingSchema {
      const { type, ...keywords } = typeof schema === "function" ? schema() : schema;
      return { type, description: help, examples, ...keywords } as SettingSchema;
    },
  } as Setting<Value>;
}

/** Options of a text. */
export interface TextOptions extends SettingOptions<string> {
  readonly default?: string;
  /**
   * The pattern of a valid text, for the parser and the JSON schema. @default any text that is not
   * empty
   */
  readonly pattern?: RegExp;
  /**
   * A more precise check that the parser uses instead of the pattern. @default the parser uses the
   * pattern
   */
  readonly isValid?: (text: string) => boolean;
  /** The problem to report if a text is not valid. */
  readonly problem?: string;
  readonly hint?: string;
}

/** Creates the setting for a text. White space around the text is removed. */
export function text<const Options extends TextOptions>(options: Options): Setting<ValueOf<string, Options>> {
  const { pattern, isValid = (value) => pattern?.test(value) ?? true, problem = "it is not valid", hint } =
    options as TextOptions;
  return setting<string>({
    ...options,
    schema: { type: "string", pattern: pattern?.source ?? "\\S", ...defaultOf(options) },
    read(fields, key) {
      const value = fields.text(key) ?? options.default;
      if (value === undefined || isValid(value)) return value;
      throw fields.error(key, problem, hint);
    },
  }) as Setting<ValueOf<string, Options>>;
}

/** Options of a list of texts. */
export interface ListOptions extends Omit<TextOptions, "default" | "examples"> {
  readonly examples: readonly [string | readonly string[], ...(string | readonly string[])[]];
  /** The largest number of texts. @default no limit */
  readonly max?: number;
}

/**
 * Creates a setting whose value is one text, or a list of texts without duplicates. If an optional
 * list is absent, its value is an empty list.
 */
export function list(options: ListOptions): Setting<readonly string[]> {
  const { optional, pattern = /\S/, isValid = (value) => pattern.test(value), problem = "it is not valid", hint, max } =
    options;
  return setting({
    ...options,
    schema: {
      type: ["string", "array"],
      pattern: pattern.source,
      items: { type: "string", pattern: pattern.source },
      ...(optional ? {} : { minItems: 1 }),
      ...(max === undefined ? {} : { maxItems: max }),
      uniqueItems: true,
    },
    read(fields, key) {
      const values = fields.texts(key);
      if (values.length === 0 && !optional) {
        fields.requiredText(key, `set it${forExample(options.examples)}${hint === undefined ? "" : `; ${hint}`}`);
      }
      if (!values.every(isValid)) throw fields.error(key, problem, hint);
      if (max !== undefined && values.length > max) {
        throw fields.error(key, `it has ${values.length} entries: the limit is ${max}`);
      }
      return values;
    },
  });
}

/** Options of a choice. */
export interface ChoiceOptions extends SettingOptions<string> {
  readonly values: readonly [string, ...string[]];
  readonly default?: string;
}

/** Creates a setting whose value must be one of several words. */
export function choice<const Options extends ChoiceOptions>(
  options: Options,
): Setting<ValueOf<Options["values"][number], Options>> {
  const { values } = options;
  return setting<string>({
    ...options,
    schema: { type: "string", ...defaultOf(options), enum: values },
    read(fields, key) {
      const word = fields.text(key) ?? options.default;
      if (word === undefined || values.includes(word)) return word;
      const quoted = values.map((value) => `"${value}"`);
      throw fields.error(key, `it must be ${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`);
    },
  }) as Setting<ValueOf<Options["values"][number], Options>>;
}

/** Options of a flag. */
export interface FlagOptions extends SettingOptions<boolean> {
  readonly default: boolean;
}

/** Creates a setting whose value must be `true` or `false`. */
export function flag(options: FlagOptions): Setting<boolean> {
  return setting({
    ...options,
    schema: { type: "boolean", default: options.default },
    read: (fields, key) => fields.flag(key, options.default),
  });
}

/** Options of a whole number. */
export interface IntegerOptions extends SettingOptions<number> {
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}

/** Creates the setting for a whole number. */
export function integer<const Options extends IntegerOptions>(options: Options): Setting<ValueOf<number, Options>> {
  const { min, max } = options;
  return setting<number>({
    ...options,
    schema: { type: "integer", minimum: min, maximum: max, ...defaultOf(options) },
    read: (fields, key) => fields.integer(key, min, max) ?? options.default,
  }) as Setting<ValueOf<number, Options>>;
}

/** Options of a duration. */
export interface DurationOptions extends SettingOptions<string> {
  /** The longest duration, in milliseconds. @default no limit */
  readonly maxMs?: number;
  readonly default?: string;
  /** The problem to report if a value is not valid. @default it is not a duration above zero */
  readonly problem?: string;
}

/**
 * Creates the setting for a duration above zero: `30s`, `1h 30m`. The parsed value is in
 * milliseconds.
 */
export function duration<const Options extends DurationOptions>(options: Options): Setting<ValueOf<number, Options>> {
  const { maxMs = Infinity, problem } = options as DurationOptions;
  return setting<number>({
    ...options,
    schema: {
      type: "string",
      pattern: "^(?=[^1-9]*[1-9])\\s*(\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d|w)\\s*)+$",
      ...defaultOf(options),
    },
    read(fields, key) {
      const given = fields.text(key) ?? options.default;
      const ms = given === undefined ? undefined : parseDuration(given);
      if (given === undefined || ms !== undefined && ms > 0 && ms <= maxMs) return ms;
      throw fields.error(key, problem ?? `"${given}" is not a duration above zero`, "write it as 10s, 5m or 1h");
    },
  }) as Setting<ValueOf<number, Options>>;
}

/** Reads an object with the settings of a table. Returns undefined if the object has a mistake. */
function readObject<Table extends SettingTable>(
  { settings, check }: {
    readonly settings: Table;
    readonly check?: (values: SettingsOf<Table>, fields: Fields) => void;
  },
  fields: Fields,
  context: ParseContext,
): SettingsOf<Table> | undefined {
  const before = fields.problemCount;
  const values = readSettings(settings, fields, context);
  fields.end();
  if (fields.problemCount > before) return undefined;
  check?.(values, fields);
  return values;
}

/**
 * Creates the setting for a nested object. The option `title` is the name of the TypeScript type of
 * the object.
 */
export function object<Table extends SettingTable>(
  options: SettingOptions & {
    readonly title: string;
    readonly settings: Table;
    /** True if the value can also be `false`, which turns the feature off. @default {false} */
    readonly orFalse?: boolean;
    readonly check?: (values: SettingsOf<Table>, fields: Fields) => void;
  },
): Setting<SettingsOf<Table> | false | undefined> {
  const { title, settings, orFalse = false } = options;
  return setting({
    ...options,
    schema: () => ({
      type: orFalse ? ["object", "boolean"] : "object",
      title,
      ...(orFalse ? { not: { const: true } } : {}),
      ...objectSchema(settings),
    }),
    read(fields, key, context) {
      if (orFalse && fields.value(key) === false) return false;
      const nested = fields.nested(key);
      return nested && readObject(options, nested, context);
    },
  });
}

/**
 * Creates the setting for a group of named objects: each key is a name, and each value is an
 * object. All these objects use the same table of settings. The parsed value leaves out objects
 * with mistakes.
 */
export function objects<Table extends SettingTable>(
  options: SettingOptions & {
    readonly settings: Table;
    /** The pattern of a valid name. */
    readonly names: RegExp;
    readonly check?: (values: SettingsOf<Table>, fields: Fields) => void;
  },
): Setting<ReadonlyMap<string, SettingsOf<Table>>> {
  const { settings, names } = options;
  return setting({
    ...options,
    schema: () => ({
      type: "object",
      propertyNames: { pattern: names.source },
      additionalProperties: { type: "object", ...objectSchema(settings) },
    }),
    read(fields, key, context) {
      const parsed = new Map<string, SettingsOf<Table>>();
      const outer = fields.nested(key);
      if (outer === undefined) return parsed;
      for (const name of outer.keys()) {
        const nested = outer.nested(name);
        if (nested === undefined) continue;
        if (!names.test(name)) throw outer.error(name, "the name is not valid", "use letters, digits, _ and -");
        const values = readObject(options, nested, context);
        if (values !== undefined) parsed.set(name, values);
      }
      return parsed;
    },
  });
}

/** Creates the JSON schema of an object with the settings of a table. */
export function objectSchema(table: SettingTable): Readonly<Record<string, unknown>> {
  const entries = Object.entries(table);
  const required = entries.filter(([, { optional, hasFile, unless }]) => !optional && !hasFile && !unless)
    .map(([key]) => key);
  const needs = entries.flatMap(([key, { needs, hasFile }]) =>
    needs === undefined ? [] : (hasFile ? [key, `${key}File`] : [key]).map((name) => [name, isPresent(table, needs)])
  );
  const rules = entries.flatMap(([key, setting]) => relationRules(table, key, setting));
  return {
    properties: Object.fromEntries(entries.flatMap(([key, setting]) => properties(key, setting))),
    ...(required.length > 0 ? { required } : {}),
    ...(needs.length > 0 ? { dependentSchemas: Object.fromEntries(needs) } : {}),
    ...(rules.length > 0 ? { allOf: rules } : {}),
    additionalProperties: false,
  };
}

/**
 * Returns the keys of a setting in the configuration (`token`, `tokenFile`) with their schemas. The
 * second key exists only if the value of the setting can be in a file.
 */
export function properties(key: string, { schema, hasFile }: Setting): [string, SettingSchema][] {
  if (!hasFile) return [[key, schema]];
  return [[key, schema], [`${key}File`, {
    type: "string",
    description: `a file that contains only the value of \`${key}\`; other users must not be able to read it`,
    examples: [`/etc/matrix-notify/${key}`],
    pattern: "\\S",
  }]];
}

function isPresent(table: SettingTable, key: string): Readonly<Record<string, unknown>> {
  return table[key].hasFile ? { anyOf: [{ required: [key] }, { required: [`${key}File`] }] } : { required: [key] };
}

/** Creates the schema rules for dependencies that the schema keyword `required` cannot express. */
function relationRules(
  table: SettingTable,
  key: string,
  { optional, hasFile, unless, excludes }: Setting,
): Readonly<Record<string, unknown>>[] {
  const names = hasFile ? [key, `${key}File`] : [key];
  const others = excludes === undefined ? [] : table[excludes].hasFile ? [excludes, `${excludes}File`] : [excludes];
  const rules: Readonly<Record<string, unknown>>[] = names.flatMap((name) =>
    others.map((other) => ({ not: { required: [name, other] } }))
  );
  if (hasFile && optional) rules.push({ not: { required: names } });
  if (optional || (!hasFile && unless === undefined)) return rules;
  const present = { oneOf: names.map((name) => ({ required: [name] })) };
  return [...rules, unless === undefined ? present : { anyOf: [{ required: [unless] }, present] }];
}

function defaultOf({ default: value }: { readonly default?: unknown }): { readonly default?: unknown } {
  return value === undefined ? {} : { default: value };
}
