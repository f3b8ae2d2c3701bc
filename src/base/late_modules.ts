/**
 * The modules that import packages from a registry, and the function that loads them. Their
 * specifiers are computed, so that no other module has them in its graph: an importer of the
 * library, or a host that cannot reach a registry, pays for them only when they are used. The build
 * reads the table, because a bundler cannot find them by itself.
 *
 * @module
 */

/**
 * Paths from `src/`. `cli/main.ts` is here because the command line parses its arguments with
 * `@std/cli`.
 */
export const LATE_MODULES = [
  "cli/main.ts",
  "cli/qr_code.ts",
  "channels/email/smtp.ts",
  "ingest/mail/mime.ts",
  "markup/html.ts",
  "markup/markdown.ts",
] as const;

/** A path of {@linkcode LATE_MODULES}. */
export type LateModule = typeof LATE_MODULES[number];

/**
 * Loads a module of the table. The caller names its type: `loadLate<typeof
 * import("./smtp.ts")>("channels/email/smtp.ts")`.
 *
 * @throws {TypeError} when one of its packages is neither cached nor can be downloaded
 */
export async function loadLate<Module>(path: LateModule): Promise<Module> {
  return await import(new URL(`../${path}`, import.meta.url).href);
}
