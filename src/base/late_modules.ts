/**
 * The modules that are loaded only when they are needed, and the function that loads them. Most of
 * these modules import packages from a registry. The import paths of these modules are computed at
 * run time. Therefore Deno downloads a package only when the package is used, and not when the
 * program starts. This helps hosts that cannot reach a registry. The build reads
 * {@linkcode LATE_MODULES}, because a bundler cannot find computed import paths.
 *
 * @module
 */

/**
 * The paths of the modules that are loaded only when they are needed, relative to `src/`.
 * `cli/main.ts` is in the list so that a program that imports the library does not download the
 * command line.
 */
export const LATE_MODULES = [
  "cli/main.ts",
  "cli/qr_code.ts",
  "channels/email/smtp.ts",
  "markup/html.ts",
  "markup/markdown.ts",
] as const;

/** A path of {@linkcode LATE_MODULES}. */
export type LateModule = typeof LATE_MODULES[number];

/**
 * Loads a module from {@linkcode LATE_MODULES}. The caller gives the type of the module:
 * `loadLate<typeof import("./smtp.ts")>("channels/email/smtp.ts")`.
 *
 * @throws {TypeError} if a package of the module is not cached and cannot be downloaded
 */
export async function loadLate<Module>(path: LateModule): Promise<Module> {
  return await import(new URL(`../${path}`, import.meta.url).href);
}
