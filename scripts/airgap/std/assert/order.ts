import { AssertionError } from "./assertion_error.ts";
import { shown } from "./difference.ts";

/** Fails unless `actual` is greater. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) throw orderError(actual, ">", expected, message);
}

/** Fails unless `actual` is greater or equal. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual >= expected)) throw orderError(actual, ">=", expected, message);
}

/** Fails unless `actual` is less. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) throw orderError(actual, "<", expected, message);
}

/** Fails unless `actual` is less or equal. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual <= expected)) throw orderError(actual, "<=", expected, message);
}

function orderError(actual: unknown, sign: string, expected: unknown, message?: string): AssertionError {
  return new AssertionError(message ?? `Expected ${shown(actual)} ${sign} ${shown(expected)}`);
}
