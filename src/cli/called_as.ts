/**
 * By which name the program was called: a link named `sendmail` makes it one. `Deno.execPath()` says where the link leads, and `/proc/self/cmdline` cannot be
 * read with less than all permissions, so that only Node's `process` tells. It costs some milliseconds, so it is asked only where there is no command.
 *
 * @module
 */

/** Returns the words of a command line that begins with a command, if the name that the program was called by is one. */
export async function wordsAsCalled(argv: readonly string[]): Promise<readonly string[]> {
  const { default: process } = await import("node:process");
  return wordsFor(process.argv0, argv);
}

/** The words for a program that was called by a name, which may be a path. */
export function wordsFor(name: string, argv: readonly string[]): readonly string[] {
  return name.slice(name.lastIndexOf("/") + 1) === "sendmail" ? ["sendmail", ...argv] : argv;
}
