import { AssertionError, withNote } from "./assertion_error.ts";

/** Fails if the expression is falsy. */
export function assert(expression: unknown, message = ""): asserts expression {
  if (!expression) throw new AssertionError(message);
}

/** Fails if the value is `undefined` or `null`. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError(withNote(`Expected a value, got ${actual}`, message));
  }
}

/** Fails always, for code that must not be reached. */
export function fail(message?: string): never {
  throw new AssertionError(withNote("Failed assertion", message));
}
