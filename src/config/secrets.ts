/** Secrets in files: read at the moment of use, and only where nobody else can read them. */

import { ConfigError } from "../errors.ts";
import type { Fields } from "../fields.ts";
import { Secret } from "../secret.ts";

/** Mode bits that let the world read, write or enter. A group may read: that is how services share a file. */
const WORLD = 0o007;

/** What an `Authorization` header can carry: visible ASCII. */
const TOKEN_REGEXP = /^[\x21-\x7e]+$/;

/**
 * Takes a secret from `key`, or from the file that `keyFile` names.
 *
 * A file is not read before it is needed: one that cannot be read must not be in the way of the other channels.
 *
 * @throws {ConfigError} when both are set, or the value is no token
 */
export function secretOf(fields: Fields, key: string): Secret | undefined {
  const value = fields.text(key);
  const path = fields.text(`${key}File`);
  if (value !== undefined && path !== undefined) {
    throw fields.error(key, `${fields.nameOf(`${key}File`)} is set too`, "keep one of them");
  }
  if (path !== undefined) {
    return new Secret(() => readSecretFile(path, fields.nameOf(`${key}File`)));
  }
  if (value === undefined) return undefined;
  if (!TOKEN_REGEXP.test(value)) throw fields.error(key, "it holds characters that no token has");
  return new Secret(() => value);
}

/** Refuses a file that the world can read, with what mends it. */
export function refuseWorldReadable(path: string, mode: number | null, what: string): void {
  if (mode === null || (mode & WORLD) === 0) return;
  throw new ConfigError(`Cannot use ${what} ${path}: it holds a secret and every user of this host can read it`, {
    hint: `run: chmod 600 ${path}`,
  });
}

function readSecretFile(path: string, what: string): string {
  let text;
  try {
    refuseWorldReadable(path, Deno.statSync(path).mode, what);
    text = Deno.readTextFileSync(path).trim();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const state = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use ${what} ${path}: ${state}`, { cause: error });
  }
  if (TOKEN_REGEXP.test(text)) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it must hold one token and nothing else`);
}
