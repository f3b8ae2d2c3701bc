/** The client of a Matrix channel. */

import { ConfigError } from "../../base/errors.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import type { ChannelContext } from "../kind.ts";
import type { AccountSettings } from "./settings.ts";

/** Creates the client. The tokens are read for each request, so a new login is used immediately. */
export function createClient(
  { homeserver, user, accessToken }: AccountSettings,
  runtime: ChannelContext["runtime"],
): MatrixClient {
  if (user !== undefined) {
    return {
      runtime,
      get baseUrl() {
        return homeserver ?? user.session.homeserver();
      },
      credentials: user.session.credentials(runtime),
      userAgent: USER_AGENT,
    };
  }
  if (homeserver === undefined || accessToken === undefined) {
    throw new ConfigError("Cannot open a Matrix channel: it has no user and no access token");
  }
  const credentials = { accessToken: () => accessToken.reveal() };
  return { runtime, baseUrl: homeserver, credentials, userAgent: USER_AGENT };
}
