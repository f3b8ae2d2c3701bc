/**
 * The name by which the program was called: a link named `sendmail` runs the command `sendmail`.
 * `Deno.execPath()` returns the target of the link, and `/proc/self/cmdline` needs all permissions, so
 * that only Node's `process` has the name. It costs some milliseconds, so it is loaded late.
 *
 * @module
 */

/** Puts the command first that the name of the program stands for, if it does. */
export async function addCommandOfName(argv: readonly string[]): Promise<readonly string[]> {
  const { default: process } = await import("node:process");
  return withCommandOf(process.argv0, argv);
}

/** Does the same for a given name, which can be a path. */
export function withCommandOf(name: string, argv: readonly string[]): readonly string[] {
  return name.slice(name.lastIndexOf("/") + 1) === "sendmail" ? ["sendmail", ...argv] : argv;
}
