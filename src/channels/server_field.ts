/** The field of a channel's configuration that names its server. */

import { parseServer } from "../address.ts";
import type { Fields } from "../fields.ts";
import type { FieldSpec, FieldSpecs } from "./field_spec.ts";
import type { ParseContext } from "./kind.ts";

/**
 * Reads a server's address, and `insecureHttp` beside it.
 *
 * @returns the address without a trailing slash
 * @throws {ConfigError} when it is missing, no address, or would send the token in the clear
 */
export function serverField(fields: Fields, key: string, context: ParseContext): string {
  const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
  const address = parseServer(fields.requiredText(key), { insecureHttp });
  if ("baseUrl" in address) return address.baseUrl;
  throw fields.error(key, address.problem, address.hint);
}

/** A server's address, and `insecureHttp` beside it, as data. */
export function serverFields(key: string, example: string, { unless }: Pick<FieldSpec, "unless"> = {}): FieldSpecs {
  return {
    [key]: {
      isRequired: true,
      unless,
      schema: {
        type: "string",
        description: "the server's address, without a path",
        examples: [example],
        pattern: "^([hH][tT][tT][pP][sS]?://)?[^/@?#\\u0000-\\u0020]+/?$",
      },
    },
    insecureHttp: {
      schema: {
        type: "boolean",
        description: "permits plain http to another host; what is secret goes over the network in the clear",
        examples: [true],
        default: false,
      },
    },
  };
}
