import { AssertionError, withNote } from "./assertion_error.ts";
import { difference, shown } from "./difference.ts";
import { equal } from "./equal.ts";

/** Options of {@linkcode assertEquals}, kept for the original's signature. */
export interface AssertEqualsOptions {
  /** How a value is shown in the message of a failure. */
  formatter?: (value: unknown) => string;
}

/** Fails unless both are deeply equal, and shows where they differ. */
export function assertEquals<T>(actual: T, expected: T, message?: string, options: AssertEqualsOptions = {}): void {
  if (equal(actual, expected)) return;
  const [before, after] = [actual, expected].map(options.formatter ?? lines);
  throw new AssertionError(`${withNote("Values are not equal", message)}\n${difference(before, after)}`);
}

/** A text of several lines is shown as it is, where escaped ends of lines would make it one line. */
function lines(value: unknown): string {
  return typeof value === "string" && value.includes("\n") ? value : shown(value);
}

/** Fails when both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(withNote(`Expected something else than ${shown(actual)}`, message));
}

/** Fails unless both are the same: the same object, or the same primitive value. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const [before, after] = [shown(actual), shown(expected)];
  const what = before === after ? "Values look the same but are not the same object" : "Values are not strictly equal";
  throw new AssertionError(`${withNote(what, message)}\n${difference(before, after)}`);
}
