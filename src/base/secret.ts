/**
 * Secrets: values that never appear in output. A secret is read each time it is used, so that a new
 * token works without a restart. Secrets are read only from files that other users cannot read.
 *
 * @module
 */

import { ConfigError, toPermissionError } from "./errors.ts";

/** A password or a token. In output and in JSON, a secret appears as `[secret]`. */
export class Secret {
  readonly #read: () => string;

  /**
   * @param read a function that reads the value each time the value is used. `reveal()` throws the
   * errors of `read`.
   */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** Reads and returns the secret value. */
  reveal(): string {
    return this.#read();
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }
}

/**
 * The permission bits for users who are neither the owner nor in the group of the file. The group
 * may read a secret, because services share files through groups.
 */
const WORLD = 0o007;

/**
 * Describes the problem if every user can read a file with a secret.
 *
 * @param path the path of the file
 * @param mode the mode of the file; null if the operating system does not have modes
 * @returns undefined if there is no problem. The hint contains the `chmod` command that fixes the
 * problem.
 */
export function describeExposure(
  path: string,
  mode: number | null,
): { readonly state: string; readonly hint: string } | undefined {
  if (mode === null || (mode & WORLD) === 0) return undefined;
  return { state: "it contains a secret, but every user of this host can read", hint: `run: chmod 600 ${path}` };
}

/**
 * Reads a file with a secret. The file must exist.
 *
 * @param path the path of the file
 * @param what the name of the setting in errors, such as `accessTokenFile`
 * @throws {ConfigError} if the file does not exist, cannot be read, or can be read by other users
 * @throws {PermissionError} if Deno denies access to the file
 */
export function requireSecretFile(path: string, what: string): string {
  const text = readSecretFile(path, what);
  if (text !== undefined) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: there is no such file`);
}

/**
 * Reads a file with a secret.
 *
 * @param path the path of the file
 * @param what the name of the setting in errors, such as `accessTokenFile`
 * @returns the text of the file; undefined if the file does not exist
 * @throws {ConfigError} if the file cannot be read, or can be read by other users
 * @throws {PermissionError} if Deno denies access to the file
 */
export function readSecretFile(path: string, what: string): string | undefined {
  try {
    const exposure = describeExposure(path, Deno.statSync(path).mode);
    if (exposure !== undefined) {
      throw new ConfigError(`Cannot use ${what} ${path}: ${exposure.state} it`, { hint: exposure.hint });
    }
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof ConfigError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw toPermissionError(`read ${what} ${path}`, error);
    throw new ConfigError(`Cannot use ${what} ${path}: it cannot be read`, { cause: error });
  }
}
