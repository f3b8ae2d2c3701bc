/**
 * Secrets: values that never appear in output. They are read at each use, so that a new token needs
 * no restart, and from files that other users cannot read.
 *
 * @module
 */

import { ConfigError, toPermissionError } from "./errors.ts";

/** A password or token. It prints and serialises as `[secret]`. */
export class Secret {
  readonly #read: () => string;

  /** @param read reads the value at each use. Its errors are thrown by `reveal()`. */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** Reads the value. */
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

/** Mode bits of other users. A group may read a secret, because services share files that way. */
const WORLD = 0o007;

/**
 * Refuses a file that other users can read.
 *
 * @param path the file
 * @param mode its mode; null if the system has none
 * @param what how errors name the file: `accessTokenFile`
 * @throws {ConfigError} if other users have access. Its hint is the `chmod` that fixes it.
 */
export function refuseWorldReadable(path: string, mode: number | null, what: string): void {
  if (mode === null || (mode & WORLD) === 0) return;
  throw new ConfigError(`Cannot use ${what} ${path}: it holds a secret and every user of this host can read it`, {
    hint: `run: chmod 600 ${path}`,
  });
}

/**
 * Reads a file with a secret that must exist.
 *
 * @param path the file
 * @param what how errors name the file: `accessTokenFile`
 * @throws {ConfigError} if it does not exist, other users can read it, or it cannot be read
 * @throws {PermissionError} if Deno denies access to it
 */
export function requireSecretFile(path: string, what: string): string {
  const text = readSecretFile(path, what);
  if (text !== undefined) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: there is no such file`);
}

/**
 * Reads a file with a secret.
 *
 * @param path the file
 * @param what how errors name the file: `accessTokenFile`
 * @returns its text; undefined if it does not exist
 * @throws {ConfigError} if other users can read it, or it cannot be read
 * @throws {PermissionError} if Deno denies access to it
 */
export function readSecretFile(path: string, what: string): string | undefined {
  try {
    refuseWorldReadable(path, Deno.statSync(path).mode, what);
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof ConfigError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw toPermissionError(`read ${what} ${path}`, error);
    throw new ConfigError(`Cannot use ${what} ${path}: it cannot be read`, { cause: error });
  }
}
