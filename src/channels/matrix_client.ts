/** The fields of a Matrix channel that say where its homeserver is, and as whom it speaks. */

import { ConfigError } from "../errors.ts";
import type { Fields } from "../fields.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { USER_AGENT } from "../version.ts";
import type { ChannelContext, ParseContext } from "./kind.ts";
import { serverField } from "./server_field.ts";

/** Makes the client of an open channel. */
type OpenClient = (runtime: ChannelContext["runtime"]) => MatrixClient;

/**
 * Reads `homeserver`, and `accessToken` or `accessTokenFile`.
 *
 * @throws {ConfigError} when one of them is missing, or cannot be used
 */
export function clientField(fields: Fields, context: ParseContext): OpenClient {
  const baseUrl = serverField(fields, "homeserver", context);
  const accessToken = context.secret(fields, "accessToken");
  if (accessToken === undefined) {
    throw new ConfigError(`Cannot do without ${fields.nameOf("accessToken")}: it is not set`, {
      hint: `set it, or name a file that holds it in ${fields.nameOf("accessTokenFile")}`,
    });
  }
  return (runtime) => ({ runtime, baseUrl, accessToken: () => accessToken.reveal(), userAgent: USER_AGENT });
}
