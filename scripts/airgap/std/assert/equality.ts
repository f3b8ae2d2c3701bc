import { AssertionError, withNote } from "./assertion_error.ts";
import { difference, shown } from "./difference.ts";
import { equal } from "./equal.ts";

/** Options of {@linkcode assertEquals}, for the signature of the original. */
export interface AssertEqualsOptions {
  /** Formats a value for the message. */
  formatter?: (value: unknown) => string;
}

/** Fails if the values are not deeply equal, and prints the difference. */
export function assertEquals<T>(actual: T, expected: T, message?: string, options: AssertEqualsOptions = {}): void {
  if (equal(actual, expected)) return;
  const [before, after] = [actual, expected].map(options.formatter ?? lines);
  throw new AssertionError(`${withNote("Values are not equal", message)}\n${difference(before, after)}`);
}

/** A text with several lines is printed as it is, not escaped. */
function lines(value: unknown): string {
  return typeof value === "string" && value.includes("\n") ? value : shown(value);
}

/** Fails if the values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(withNote(`Expected something else than ${shown(actual)}`, message));
}

/** Fails if the values are not the same object or primitive value. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const [before, after] = [shown(actual), shown(expected)];
  const what = before === after ? "Values look the same but are not the same object" : "Values are not strictly equal";
  throw new AssertionError(`${withNote(what, message)}\n${difference(before, after)}`);
}
