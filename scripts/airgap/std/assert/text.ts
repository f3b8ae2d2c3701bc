import { AssertionError, withNote } from "./assertion_error.ts";

/** Fails unless the text matches the pattern. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(withNote(`Expected text that matches ${expected}, got "${actual}"`, message));
}

/** Fails when the text matches the pattern. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(withNote(`Expected text that does not match ${expected}, got "${actual}"`, message));
}

/** Fails unless the text holds the other. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(withNote(`Expected text with "${expected}" in it, got "${actual}"`, message));
}
