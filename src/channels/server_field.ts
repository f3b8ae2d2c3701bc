/** The field of a channel's configuration that names its server. */

import { parseServer } from "../address.ts";
import type { Fields } from "../fields.ts";
import type { ParseContext } from "./kind.ts";

/**
 * Reads a server's address, and `insecureHttp` beside it.
 *
 * @param fallback the address where none is configured; without it there must be one
 * @returns the address without a trailing slash
 * @throws {ConfigError} when it is missing, no address, or would send the token in the clear
 */
export function serverField(fields: Fields, key: string, context: ParseContext, fallback?: string): string {
  const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
  const address = parseServer(fallback === undefined ? fields.requiredText(key) : fields.text(key) ?? fallback, {
    insecureHttp,
  });
  if ("baseUrl" in address) return address.baseUrl;
  throw fields.error(key, address.problem, address.hint);
}
