/** The headers of a webhook, any of which may be a secret. */

import { Fields } from "../../base/fields.ts";
import type { Secret } from "../../base/secret.ts";
import type { FieldSpecs } from "../fields/field_spec.ts";
import type { ParseContext } from "../kind.ts";

/** Headers whose values are read at the moment of use. */
export interface SecretHeaders {
  reveal(): Record<string, string>;
}

/** RFC 9110, section 5.6.2: what a header's name is made of. */
const NAME_REGEXP = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;

/** What is ours, or the connection's own. */
const RESERVED: ReadonlySet<string> = new Set([
  ...["host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer"],
  "idempotency-key",
]);

/** `headers` and `headerFiles` as data. */
export const HEADER_FIELDS: FieldSpecs = {
  headers: {
    isSecret: true,
    schema: {
      type: "object",
      description: "headers by their names",
      examples: [{ "X-Team": "ops" }],
      propertyNames: { pattern: NAME_REGEXP.source },
      additionalProperties: { type: "string", pattern: "^[ -~]*[!-~][ -~]*$" },
    },
  },
  headerFiles: {
    schema: {
      type: "object",
      description: "files that hold the values of headers, by the headers' names",
      examples: [{ Authorization: "/etc/matrix-notify/authorization" }],
      propertyNames: { pattern: NAME_REGEXP.source },
      additionalProperties: { type: "string", pattern: "\\S" },
    },
  },
};

/**
 * Reads `headers`, and `headerFiles` beside it.
 *
 * @throws {ConfigError} when a name or a value cannot be used, or a header is set twice
 */
export function headersField(fields: Fields, context: ParseContext): SecretHeaders {
  const values = Object.fromEntries(fields.objects("headers"));
  const files = Object.fromEntries(fields.objects("headerFiles"));
  const secrets: [string, Secret][] = [];
  for (const name of new Set([...Object.keys(values), ...Object.keys(files)])) {
    const owner = name in values ? "headers" : "headerFiles";
    if (!NAME_REGEXP.test(name)) throw fields.error(owner, `"${name}" is no name of a header`);
    if (RESERVED.has(name.toLowerCase())) throw fields.error(owner, `${name} cannot be set`);
    if (secrets.some(([other]) => other.toLowerCase() === name.toLowerCase())) {
      throw fields.error(owner, `${name} is set twice`);
    }
    const names = { [`${name}File`]: `${fields.nameOf("headerFiles")}.${name}` };
    const header = new Fields({ [name]: values[name], [`${name}File`]: files[name] }, fields.nameOf("headers"), names);
    const secret = context.secret(header, name, "header");
    if (secret !== undefined) secrets.push([name, secret]);
  }
  return { reveal: () => Object.fromEntries(secrets.map(([name, secret]) => [name, secret.reveal()])) };
}
