/**
 * Finds the name of the link that started the program: a link named `sendmail` runs the command
 * `sendmail`. The name is read from Node's `process`, for two reasons: `Deno.execPath()` returns
 * the target of the link, and Deno can read `/proc/self/cmdline` only with all permissions. This
 * module is loaded only if the first word is not a command, because loading `node:process` needs
 * some milliseconds.
 *
 * @module
 */

/** Inserts the word `sendmail` at the beginning if the program was started as `sendmail`. */
export async function addCommandOfName(argv: readonly string[]): Promise<readonly string[]> {
  const { default: process } = await import("node:process");
  return withCommandOf(process.argv0, argv);
}

/**
 * Inserts the word `sendmail` at the beginning if the last part of the path `name` is `sendmail`.
 */
export function withCommandOf(name: string, argv: readonly string[]): readonly string[] {
  return name.slice(name.lastIndexOf("/") + 1) === "sendmail" ? ["sendmail", ...argv] : argv;
}
