/**
 * Finds a program that tests need, such as a shell or mandoc.
 *
 * @throws {Error} if it is not installed
 */
export async function findProgram(name: string): Promise<string> {
  const { success, stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'command -v "$1"', "sh", name],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot find ${name}: install the Debian package ${name}`);
  return new TextDecoder().decode(stdout).trim();
}
