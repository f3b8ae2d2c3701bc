/** What a failed assertion throws. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Puts a message of the caller's own behind what went wrong. */
export function withNote(what: string, note: string | undefined): string {
  return note ? `${what}: ${note}` : `${what}.`;
}
