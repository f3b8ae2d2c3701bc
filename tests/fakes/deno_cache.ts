/** The cache of Deno for programs that a test starts. */

import { denoDirectory } from "../../src/runtime/program.ts";

/**
 * Returns the directory of the cache of this test. With another one, Deno would compile all modules
 * again.
 */
export function denoCache(): string {
  const path = denoDirectory((name) => Deno.env.get(name));
  if (path === undefined) throw new Error("Cannot find the cache of Deno: HOME is not set");
  return path;
}
