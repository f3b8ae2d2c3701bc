/**
 * Secrets: values that appear in no output, that are read at the moment of use, so that a new token needs no restart, and from files that nobody else can read.
 *
 * @module
 */

import { ConfigError, toPermissionError } from "./errors.ts";

/** A password or token that shows as `[secret]` wherever it is printed or serialised. */
export class Secret {
  readonly #read: () => string;

  /** @param read gives the value at the moment of use; what it throws reaches the one who asked */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** The value now. */
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

/** Mode bits that let the world read, write or enter. A group may read: that is how services share a file. */
const WORLD = 0o007;

/** Refuses a file that the world can read, with what mends it. */
export function refuseWorldReadable(path: string, mode: number | null, what: string): void {
  if (mode === null || (mode & WORLD) === 0) return;
  throw new ConfigError(`Cannot use ${what} ${path}: it holds a secret and every user of this host can read it`, {
    hint: `run: chmod 600 ${path}`,
  });
}

/**
 * Reads a file that holds a secret and must be there.
 *
 * @param what how the file is called in errors
 * @throws {ConfigError} when there is none, the world can read it, or we cannot
 */
export function requireSecretFile(path: string, what: string): string {
  const text = readSecretFile(path, what);
  if (text !== undefined) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: there is no such file`);
}

/**
 * Reads a file that holds a secret.
 *
 * @param what how the file is called in errors
 * @returns its text; undefined when there is no such file
 * @throws {ConfigError} when the world can read it, or we cannot
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
