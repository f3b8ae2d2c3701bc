/**
 * The names and the encoding of the bundle's files, and how to build the bundle from a test.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { inheritedConfig } from "../std/argv.ts";

/** The folder of the bundle that contains all files except the first. */
export const FOLDER = "matrix-notify";

/** The name of the file that starts the program. */
export const BUNDLE = `${FOLDER}.js`;

/**
 * Builds the bundle in another process, because the bundler needs more permissions than tests have.
 *
 * @throws {Error} if the bundle cannot be built
 */
export async function buildBundle(directory: string): Promise<void> {
  await buildRelease(directory, "--bundle");
}

/** Like {@linkcode buildBundle}, with the npm package for `--npm`. */
export async function buildRelease(directory: string, what: "--bundle" | "--npm"): Promise<void> {
  const script = fromFileUrl(new URL("../build.ts", import.meta.url));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", ...inheritedConfig(), script, what, "--out", directory],
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}

/**
 * Replaces the characters outside of ASCII in JavaScript code by escapes.
 *
 * @throws {Error} if `String.raw` contains such a character: there, an escape has another meaning
 */
export function toAscii(code: string): string {
  const [raw] = /String\.raw`[^`]*[^\0-\x7f`][^`]*`/.exec(code) ?? [];
  if (raw !== undefined) throw new Error(`Cannot escape ${raw}: it contains a character outside of ASCII`);
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
