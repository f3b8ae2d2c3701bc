/** The field of a channel's configuration that names its server. */

import { parseServer, type ServerAddressOptions } from "../../runtime/address.ts";
import type { Fields } from "../../base/fields.ts";
import type { FieldSpec, FieldSpecs } from "./field_spec.ts";
import type { ParseContext } from "../kind.ts";

/** What a server's address may be. */
export interface ServerFieldOptions extends Pick<ServerAddressOptions, "mayHavePath"> {
  /** The address where none is configured; without it there must be one. */
  readonly fallback?: string;
}

/**
 * Reads a server's address, and `insecureHttp` beside it.
 *
 * @returns the address without a trailing slash
 * @throws {ConfigError} when it is missing, no address, or would send the token in the clear
 */
export function serverField(
  fields: Fields,
  key: string,
  context: ParseContext,
  { fallback, mayHavePath }: ServerFieldOptions = {},
): string {
  const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
  const address = parseServer(fallback === undefined ? fields.requiredText(key) : fields.text(key) ?? fallback, {
    insecureHttp,
    mayHavePath,
  });
  if ("baseUrl" in address) return address.baseUrl;
  throw fields.error(key, address.problem, address.hint);
}

/** `insecureHttp` as data. */
export const INSECURE_HTTP_FIELD: FieldSpecs = {
  insecureHttp: {
    schema: {
      type: "boolean",
      description: "permits plain http to another host; what is secret goes over the network in the clear",
      examples: [true],
      default: false,
    },
  },
};

/** What a server's field may be. */
export type ServerSpec = Pick<FieldSpec, "isRequired" | "unless"> & Pick<ServerFieldOptions, "mayHavePath">;

/** A server's address, and `insecureHttp` beside it, as data. */
export function serverFields(
  key: string,
  example: string,
  { isRequired = true, unless, mayHavePath }: ServerSpec = {},
): FieldSpecs {
  return {
    [key]: {
      isRequired,
      unless,
      schema: {
        type: "string",
        description: `the server's address, ${mayHavePath ? "with its path where it has one" : "without a path"}`,
        examples: [example],
        pattern: `^([hH][tT][tT][pP][sS]?://)?[^/@?#\\u0000-\\u0020]+(/${mayHavePath ? "[^?#]*" : ""})?$`,
      },
    },
    ...INSECURE_HTTP_FIELD,
  };
}
