/**
 * The modules that are loaded only when they are needed, and the function that loads them. Most of
 * these modules import packages from a registry. The import paths of these modules are computed at
 * run time. Therefore Deno needs a package only when the package is used, and not when the program
 * starts. This helps hosts that cannot reach a registry. In the bundle, the packages are included.
 *
 * @module
 */

import { HintedError, PermissionError, toPermissionError } from "./errors.ts";
import { importModule, LATE_DIRECTORY } from "./program_files.ts";
import { quoteForShell } from "./shell_word.ts";

/**
 * The paths of the modules that are loaded only when they are needed, relative to `src/`.
 * `cli/main.ts` is in the list, because programs that import only the library do not need the
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
 * @throws {PermissionError} if Deno denies access to the module
 * @throws {HintedError} if a package of the module cannot be loaded; the hint contains the command
 * that downloads the package
 */
export async function loadLate<Module>(path: LateModule): Promise<Module> {
  try {
    return await importModule<Module>(path);
  } catch (error) {
    const denial = toPermissionError(`load ${path}`, error);
    if (denial instanceof PermissionError) {
      throw new PermissionError(denial.message, { cause: error, hint: `run the program with ${lateFlag()}` });
    }
    if (path === "cli/main.ts") throw error;
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new HintedError(`Cannot load the library of ${path}: ${reason}`, {
      hint: `run once as this user: ${installCommand()}`,
      cause: error,
    });
  }
}

/** Returns the flag of Deno that permits loading the modules. */
function lateFlag(): string {
  const { protocol, pathname, host } = new URL(LATE_DIRECTORY);
  if (protocol !== "file:") return `--allow-import=${host}`;
  return `--allow-read=${decodeURIComponent(pathname).replace(/\/$/, "")}`;
}

/** Returns the command that downloads all packages of the program into the cache of Deno. */
function installCommand(): string {
  const url = new URL("../", import.meta.url);
  const isFile = url.protocol === "file:";
  const base = isFile ? decodeURIComponent(url.pathname) : url.href;
  const words = isFile ? [base] : LATE_MODULES.map((path) => `${base}${path}`);
  return `deno cache ${words.map(quoteForShell).join(" ")}`;
}
