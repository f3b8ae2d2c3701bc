import { AssertionError, withNote } from "./assertion_error.ts";

// The type of a constructor needs `any`: `unknown[]` rejects constructors with parameters.
// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

/** Fails if the value is not an instance of the class. */
export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expected) return;
  throw new AssertionError(withNote(`Expected an instance of ${expected.name}, got ${kindOf(actual)}`, message));
}

/** Fails if the function does not throw. */
export function assertThrows(fn: () => unknown, message?: string): unknown;
/**
 * Fails if the function does not throw an error of the class with the text in its message; returns
 * the error.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  text?: string,
  message?: string,
): E;
export function assertThrows(fn: () => unknown, ...expected: Expected): unknown {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = { error };
  }
  return checked(thrown, "to throw", expected);
}

/** Fails if the promise of the function is not rejected. */
export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
/**
 * Fails if the promise is not rejected with an error of the class with the text in its message;
 * returns the error.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  text?: string,
  message?: string,
): Promise<E>;
export async function assertRejects(fn: () => PromiseLike<unknown>, ...expected: Expected): Promise<unknown> {
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    // An error that is thrown before there is a promise is not a rejection. It is handled below.
  }
  if (typeof promise?.then !== "function") {
    throw new AssertionError(
      withNote("Expected function to reject: it threw or returned no promise", noteOf(expected)),
    );
  }
  const thrown = await promise.then(() => undefined, (error: unknown) => ({ error }));
  return checked(thrown, "to reject", expected);
}

type Expected = [message?: string] | [ErrorClass: Class<Error> | undefined, text?: string, message?: string];

function noteOf([first, , third]: Expected): string | undefined {
  return typeof first === "string" ? first : third;
}

function checked(thrown: unknown, verb: string, expected: Expected): unknown {
  const note = noteOf(expected);
  if (!(thrown instanceof Object && "error" in thrown)) {
    throw new AssertionError(withNote(`Expected function ${verb}`, note));
  }
  const [ErrorClass, text] = expected;
  if (typeof ErrorClass === "function") checkError(thrown.error, ErrorClass, text, note);
  return thrown.error;
}

function checkError(
  error: unknown,
  ErrorClass: Class<Error>,
  text: string | undefined,
  note: string | undefined,
): void {
  if (!(error instanceof ErrorClass)) {
    const what = `Expected an error of class ${ErrorClass.name}, got ${kindOf(error)} (${error})`;
    throw new AssertionError(withNote(what, note), { cause: error });
  }
  if (text !== undefined && !error.message.includes(text)) {
    const what = `Expected an error whose message includes "${text}", got "${error.message}"`;
    throw new AssertionError(withNote(what, note), { cause: error });
  }
}

function kindOf(value: unknown): string {
  return value instanceof Object ? value.constructor.name : value === null ? "null" : typeof value;
}
