type Keyed = Map<unknown, unknown> | Set<unknown>;

/**
 * Whether two values are deeply equal: of the same class, with equal properties. Zero equals minus
 * zero, and NaN equals NaN. Functions and objects with hidden content are equal only to themselves.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (prototypeOf(a) !== prototypeOf(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
  }
  if (isText(a)) return String(a) === String(b);
  if (isBytes(a) && isBytes(b)) return equalItems(itemsOf(a), itemsOf(b));
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  if (isKeyed(a) && isKeyed(b)) return equalEntries(a, b, seen);
  const keys = new Set([...keysOf(a), ...keysOf(b)]);
  return [...keys].every((key) => key in a === key in b && compare(Reflect.get(a, key), Reflect.get(b, key), seen));
}

/** An object without a prototype counts as an ordinary object. */
function prototypeOf(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function isText(value: object): boolean {
  return [RegExp, URL, URLSearchParams].some((type) => value instanceof type);
}

function isBytes(value: object): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function itemsOf(value: ArrayBuffer | ArrayBufferView): ArrayLike<unknown> {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof DataView) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value as Uint8Array;
}

function equalItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (item, i) => item === b[i] || Object.is(item, b[i]));
}

function isKeyed(value: object): value is Keyed {
  return value instanceof Map || value instanceof Set;
}

function equalEntries(a: Keyed, b: Keyed, seen: Map<object, object>): boolean {
  if (a.size !== b.size) return false;
  const candidates = [...b.entries()];
  return [...a.entries()].every((entry) => candidates.some((other) => compare(entry, other, seen)));
}

/** Lists all property names of an object and its classes, except those of `Object` and `Array`. */
function keysOf(value: object): (string | symbol)[] {
  const keys: (string | symbol)[] = [];
  for (let at: object | null = value; at && at !== Object.prototype && at !== Array.prototype;) {
    keys.push(...Reflect.ownKeys(at));
    at = Object.getPrototypeOf(at);
  }
  return keys;
}
