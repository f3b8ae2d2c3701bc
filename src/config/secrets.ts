/** Secrets in files: read at the moment of use, and only where nobody else can read them. */

import { ConfigError } from "../errors.ts";
import type { Fields } from "../fields.ts";
import { isToken } from "../http.ts";
import { requireSecretFile, Secret } from "../secret.ts";

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
    return new Secret(() => readToken(path, fields.nameOf(`${key}File`)));
  }
  if (value === undefined) return undefined;
  if (!isToken(value)) throw fields.error(key, "it holds characters that no token has");
  return new Secret(() => value);
}

function readToken(path: string, what: string): string {
  const text = requireSecretFile(path, what).trim();
  if (isToken(text)) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it must hold one token and nothing else`);
}
