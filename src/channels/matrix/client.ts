/** The client of a Matrix channel. */

import { ConfigError } from "../../base/errors.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import type { ChannelContext } from "../kind.ts";
import { inMemoryRoomCache, type RoomCache } from "../room_cache.ts";
import type { AccountSettings } from "./settings.ts";

/**
 * Creates the client. The tokens are read for each request, so a new login takes effect
 * immediately.
 *
 * @param cache stores the address of the homeserver if the settings contain only its server name
 */
export function createClient(
  { homeserver, insecureHttp, user, accessToken }: AccountSettings,
  runtime: ChannelContext["runtime"],
  cache: RoomCache = inMemoryRoomCache(),
): MatrixClient {
  if (user === undefined && (homeserver === undefined || accessToken === undefined)) {
    throw new ConfigError("Cannot open a Matrix channel: it has no user and no access token");
  }
  const credentials = user?.session.credentials(runtime) ?? { accessToken: () => accessToken?.reveal() ?? "" };
  const serverName = homeserver?.serverName;
  let located: string | undefined;
  return {
    runtime,
    get baseUrl() {
      return located ?? homeserver?.baseUrl ?? user?.session.homeserver() ?? "";
    },
    ...(serverName === undefined ? {} : {
      async locate(limits) {
        const { locateHomeserver } = await import("./homeserver_locator.ts");
        located = await locateHomeserver(serverName, { runtime, cache, insecureHttp, ...limits });
        return located;
      },
    }),
    credentials,
    userAgent: USER_AGENT,
  };
}
