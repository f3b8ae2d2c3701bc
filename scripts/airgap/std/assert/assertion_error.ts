/** The error of a failed assertion. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Appends the caller's note to a message. */
export function withNote(what: string, note: string | undefined): string {
  return note ? `${what}: ${note}` : `${what}.`;
}
