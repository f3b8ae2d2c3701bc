/**
 * Finds the hosts and files of a Matrix channel. Only processes that start or examine the
 * background deliverer load this module.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { hostOf } from "../../runtime/address.ts";
import type { ChannelAccess } from "../kind.ts";
import type { RoomCache } from "../room_cache.ts";
import { knownHosts } from "./homeserver_locator.ts";
import type { AccountSettings, LoggedInAccount } from "./settings.ts";

/**
 * Lists the hosts and files that a channel uses: the homeserver, and the OAuth 2.0 server and the
 * password file of the account. If the homeserver of a domain was not looked up yet, the channel
 * may use any host.
 */
export function findMatrixAccess(
  { homeserver, user }: Pick<AccountSettings, "homeserver" | "user">,
  cache: Pick<RoomCache, "get">,
): ChannelAccess {
  const { urls, files } = accountAccess(user);
  const own = urls.map(hostOf);
  if (homeserver === undefined) return { hosts: own, files };
  const { serverName, baseUrl } = homeserver;
  const known = serverName === undefined ? [] : knownHosts(serverName, cache);
  return { hosts: [hostOf(baseUrl), ...known ?? [], ...own], usesAnyHost: known === undefined, files };
}

/**
 * Lists the URLs and the files of an account. If the account is not logged in, the lists are empty,
 * because the channel cannot send. The next login starts a new background deliverer with new lists.
 */
function accountAccess(user: LoggedInAccount | undefined): ReturnType<LoggedInAccount["session"]["access"]> {
  try {
    return user?.session.access() ?? { urls: [], files: [] };
  } catch (error) {
    if (error instanceof ConfigError) return { urls: [], files: [] };
    throw error;
  }
}
