/**
 * The names of the bundle's files, and how to build the bundle from a test.
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
