/**
 * Finds the name of the link that started the program: a link named `sendmail` runs the command
 * `sendmail`. The name is read from Node's `process`, because `Deno.execPath()` returns the target
 * of the link and `/proc/self/cmdline` needs all permissions. Loading `node:process` takes some
 * milliseconds, so this module is loaded only if the first word is not a command.
 *
 * @module
 */

/** Inserts the command `sendmail` before the words if the program was started by that name. */
export async function addCommandOfName(argv: readonly string[]): Promise<readonly string[]> {
  const { default: process } = await import("node:process");
  return withCommandOf(process.argv0, argv);
}

/** Inserts the command `sendmail` before the words if `name` is `sendmail` or a path to it. */
export function withCommandOf(name: string, argv: readonly string[]): readonly string[] {
  return name.slice(name.lastIndexOf("/") + 1) === "sendmail" ? ["sendmail", ...argv] : argv;
}
