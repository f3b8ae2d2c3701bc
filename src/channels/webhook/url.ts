/** The address of a webhook. Whoever knows it may write there, so that it is kept like a token. */

import { isLoopback } from "../../runtime/address.ts";
import type { Fields } from "../../base/fields.ts";
import type { Secret } from "../../base/secret.ts";
import type { ParseContext } from "../kind.ts";
import { secretField } from "../fields/secret.ts";

/**
 * Reads an address with path and query, or the file that holds it, and `insecureHttp` beside it.
 *
 * @throws {ConfigError} when it is missing, no address, or would go over the network in the clear
 */
export function urlField(fields: Fields, key: string, context: ParseContext): Secret {
  const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
  return secretField(fields, key, context, (text) => problemOf(text, insecureHttp));
}

function problemOf(text: string, insecureHttp: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "it is not an address such as https://example.org/hook";
  if (url.username !== "" || url.password !== "") return "it must not hold a user name or a password: set a header";
  if (url.hash !== "") return "it must have no fragment";
  if (url.protocol === "https:" || insecureHttp || isLoopback(url.hostname)) return undefined;
  return "plain http would send it in the clear: use https://, or insecureHttp if the network in between is yours";
}
