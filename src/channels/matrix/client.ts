/** The fields of a Matrix channel that say where its homeserver is, and as whom it speaks. */

import type { Fields } from "../../base/fields.ts";
import { parseUserId } from "../../matrix/ids.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { ChannelContext, ParseContext } from "../kind.ts";
import { serverField } from "../fields/server.ts";

/** Makes the client of an open channel. */
type OpenClient = (runtime: ChannelContext["runtime"]) => MatrixClient;

/**
 * Reads `user`, or `homeserver` with `accessToken` or `accessTokenFile`.
 *
 * @throws {ConfigError} when they do not say enough, or contradict each other
 */
export function clientField(fields: Fields, context: ParseContext): OpenClient {
  const userId = fields.text("user");
  const accessToken = context.secret(fields, "accessToken");
  if (userId === undefined) {
    const baseUrl = serverField(fields, "homeserver", context);
    if (accessToken === undefined) {
      throw fields.missing(
        "accessToken",
        `set it, or name a file that holds it in ${fields.nameOf("accessTokenFile")}, or log in and set ${
          fields.nameOf("user")
        }`,
      );
    }
    const credentials = { accessToken: () => accessToken.reveal() };
    return (runtime) => ({ runtime, baseUrl, credentials, userAgent: USER_AGENT });
  }
  if (parseUserId(userId) === undefined) {
    throw fields.error("user", "it is no user id", "write it whole, as @bot:example.org");
  }
  if (accessToken !== undefined) {
    throw fields.error(
      "user",
      "an access token is set too",
      "keep one of them: with a user, the tokens come from a login",
    );
  }
  const named = fields.text("homeserver") === undefined ? undefined : serverField(fields, "homeserver", context);
  fields.flag("insecureHttp", false);
  const session = context.account(userId);
  return (runtime) => ({
    runtime,
    /** Read at each request: nobody may be logged in yet. */
    get baseUrl() {
      return named ?? session.homeserver();
    },
    credentials: session.credentials(runtime),
    userAgent: USER_AGENT,
  });
}
