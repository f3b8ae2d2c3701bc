/** Passwords in files. */

import { ConfigError } from "../base/errors.ts";
import { requireSecretFile } from "../base/secret.ts";

/**
 * Reads a password: the whole file but for the line break at its end.
 *
 * @throws {ConfigError} when there is none, or the world can read it
 */
export function readPassword(path: string): string {
  const password = requireSecretFile(path, "password file").replace(/\r?\n$/, "");
  if (password === "" || /[\r\n]/.test(password)) {
    throw new ConfigError(`Cannot use password file ${path}: it must hold one line with the password and nothing else`);
  }
  return password;
}

/** When a file was changed last, milliseconds since 1970; undefined when there is none. */
export function changedAt(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(`Cannot use password file ${path}: it cannot be read`, { cause: error });
  }
}
