/**
 * The values of RouterOS scripts, and the commands that convert them. Texts are bytes, one
 * character for each.
 */

/** A value. `undefined` is `nothing`. */
export type Value = undefined | string | number | boolean | Table | Func;

/** An array of RouterOS. Elements without a key come first; the others are sorted by their keys. */
export type Table = { readonly list: Value[]; readonly keyed: Map<string, Value> };

/** A function, with its arguments from `$0`. */
export type Func = (args: readonly Value[]) => Promise<Value>;

/** The named and unnamed arguments of a menu command. */
export interface CommandArguments {
  readonly named: ReadonlyMap<string, Value>;
  readonly unnamed: readonly Value[];
}

/** The commands of the router, by path: `/tool/fetch`. */
export type Commands = Readonly<Record<string, (args: CommandArguments) => Value | Promise<Value>>>;

/** Creates an array with keys. */
export function table(entries: Readonly<Record<string, Value>>): Table {
  return { list: [], keyed: new Map(Object.entries(entries)) };
}

/** Returns the elements of an array in the order of `:foreach`. */
export function elementsOf({ list, keyed }: Table): readonly (readonly [key: Value, value: Value])[] {
  return [...list.map((value, key) => [key, value] as const), ...[...keyed].sort(([a], [b]) => a < b ? -1 : 1)];
}

/** Returns true for an array. */
export function isTable(value: Value): value is Table {
  return typeof value === "object";
}

/** Converts a value to text, as `.` and `:tostr` do. */
export function toText(value: Value): string {
  if (value === undefined) return "";
  return isTable(value) ? elementsOf(value).map(([, item]) => toText(item)).join(";") : String(value);
}

/** What the operators do. */
export const OPERATIONS: Readonly<Record<string, (left: Value, right: Value) => Value>> = {
  "||": (left, right) => left === true || right === true,
  "&&": (left, right) => left === true && right === true,
  "=": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  "<": (left, right) => Number(left) < Number(right),
  ">": (left, right) => Number(left) > Number(right),
  "<=": (left, right) => Number(left) <= Number(right),
  ">=": (left, right) => Number(left) >= Number(right),
  ".": (left, right) => toText(left) + toText(right),
  "+": (left, right) => Number(left) + Number(right),
  "-": (left, right) => Number(left) - Number(right),
  "*": (left, right) => Number(left) * Number(right),
  "/": (left, right) => Math.floor(Number(left) / Number(right)),
};

/** Returns an element of an array; `nothing` if there is none. */
export function element(target: Value, key: Value): Value {
  if (target === undefined || !isTable(target) || key === undefined) return undefined;
  return typeof key === "number" ? target.list[key] : target.keyed.get(toText(key));
}

function typeOf(value: Value): string {
  if (value === undefined) return "nothing";
  if (isTable(value)) return "array";
  return { string: "str", number: "num", boolean: "bool", function: "code" }[typeof value as "string"];
}

/** The commands that convert values, with their first argument, the others and all named ones. */
export const CONVERSIONS: Readonly<
  Record<string, (first: Value, rest: readonly Value[], args: CommandArguments) => Value>
> = {
  ":len": (value) => value !== undefined && isTable(value) ? elementsOf(value).length : toText(value).length,
  ":typeof": typeOf,
  ":tostr": toText,
  ":toarray": () => table({}),
  ":pick": (value, [start, end]) => toText(value).slice(Number(start), Number(end)),
  ":rndstr": (_, __, { named }) => crypto.randomUUID().replaceAll("-", "").slice(0, Number(named.get("length"))),
  ":serialize": (_, __, { named }) => serialize(named.get("value"), named.get("options")),
  ":convert": (value) =>
    toText(value).replace(/[^A-Za-z0-9]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`),
};

/** A text that `:serialize` of the test refuses, as it may refuse bytes that are not UTF-8. */
export const UNSERIALIZABLE = "\xfe\xff";

/** `:serialize to=json`. Without the option, it converts a text that looks like a number. */
function serialize(value: Value, options?: Value): string {
  if (value === undefined || typeof value === "function") return "null";
  if (isTable(value)) {
    return `{${elementsOf(value).map(([key, item]) => `"${toText(key)}":${serialize(item, options)}`).join(",")}}`;
  }
  if (typeof value !== "string") return String(value);
  if (value.includes(UNSERIALIZABLE)) throw new Error("the value cannot be serialized");
  if (options !== "json.no-string-conversion" && /^\d+$/.test(value)) return `${value}.000000`;
  return `"${
    value.replace(/["\\]/g, "\\$&").replace(/[^ -\xff]/g, (unit) =>
      `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  }"`;
}
