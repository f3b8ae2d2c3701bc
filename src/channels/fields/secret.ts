/** The field of a channel's configuration that holds a secret it cannot do without. */

import type { Fields } from "../../base/fields.ts";
import type { Secret } from "../../base/secret.ts";
import type { ParseContext, SecretForm } from "../kind.ts";

/**
 * Reads a secret from `key` or from the file that `keyFile` names.
 *
 * @throws {ConfigError} when it is missing, or not of its form
 */
export function secretField(fields: Fields, key: string, context: ParseContext, form?: SecretForm): Secret {
  const secret = context.secret(fields, key, form);
  if (secret !== undefined) return secret;
  throw fields.missing(key, `set it, or name a file that holds it in ${fields.nameOf(`${key}File`)}`);
}
