/**
 * The files of the program. In the bundle, another module replaces this module, because the bundle
 * has other files. A test checks that the two modules have the same exports.
 *
 * @module
 */

/** The URL of the file that starts the program. */
export const ENTRY: string = new URL("../../mod.ts", import.meta.url).href;

/** The URL of the directory with the modules that are loaded late. */
export const LATE_DIRECTORY: string = new URL("../", import.meta.url).href;

/**
 * The URL of the file that pins the npm packages. Undefined in the bundle, which contains the
 * packages.
 */
export const LOCK: string | undefined = new URL("../../deno.lock", import.meta.url).href;

/**
 * Imports a module. The path is computed at run time, so Deno loads the module only when this
 * function is called.
 *
 * @param path the path of the module, relative to `src/`
 */
export async function importModule<Module>(path: string): Promise<Module> {
  return await import(new URL(`../${path}`, import.meta.url).href);
}
