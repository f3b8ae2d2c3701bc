/**
 * Finds the address of a homeserver for a channel whose settings contain only a server name. The
 * result is cached, so that a message rarely needs another request. Other channels do not load this
 * module.
 *
 * @module
 */

import { DiscoveryError, NotSentError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import { USER_AGENT } from "../../base/version.ts";
import { resolveHomeserver } from "../../matrix/discovery.ts";
import type { RequestOptions } from "../../matrix/request.ts";
import type { HttpRuntime } from "../../runtime/http.ts";
import type { RoomCache } from "../room_cache.ts";

/** The time for which an address is used without another lookup, in milliseconds. */
export const LOCATE_EVERY_MS: number = 3_600_000;

/** Options of {@linkcode locateHomeserver}. */
export interface LocateOptions extends RequestOptions {
  readonly runtime: HttpRuntime;
  readonly cache: RoomCache;
  readonly insecureHttp: boolean;
}

/**
 * Returns the address of the homeserver, without a trailing slash. If the lookup fails, returns the
 * last known address.
 *
 * @throws {NotSentError} if no address is known
 */
export async function locateHomeserver(serverName: string, options: LocateOptions): Promise<string> {
  const { runtime, cache, ...limits } = options;
  const key = cacheKey(serverName);
  const known = readKnownAddress(cache.get(key));
  const now = runtime.now();
  if (known !== undefined && known.seen <= now && now - known.seen < LOCATE_EVERY_MS) return known.baseUrl;
  try {
    const { baseUrl, hosts } = await resolveHomeserver(runtime, serverName, { ...limits, userAgent: USER_AGENT });
    await cache.remember(key, { baseUrl, hosts, seen: now });
    return baseUrl;
  } catch (error) {
    limits.signal?.throwIfAborted();
    if (known !== undefined) return known.baseUrl;
    throw new NotSentError(error instanceof DiscoveryError ? withSettingHint(error) : error);
  }
}

/**
 * Returns the hosts of the last successful lookup, as `host:port`: the domain, the hosts to which
 * the domain redirects, and the homeserver. Returns undefined if there was no lookup yet.
 */
export function knownHosts(serverName: string, cache: Pick<RoomCache, "get">): readonly string[] | undefined {
  const value = cache.get(cacheKey(serverName));
  if (!isObject(value) || !Array.isArray(value.hosts)) return undefined;
  const hosts = value.hosts.filter((host) => typeof host === "string" && HOST_REGEXP.test(host));
  return hosts.length === value.hosts.length ? hosts : undefined;
}

/**
 * Matches a host and a port. The cached hosts become part of a command-line flag of Deno. Any other
 * text could add another flag or more hosts.
 */
const HOST_REGEXP = /^([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}$/;

function cacheKey(serverName: string): string {
  return `homeserver ${serverName}`;
}

/**
 * Returns the error with a hint about the setting `homeserver`. The original hint is about a
 * command-line option.
 */
function withSettingHint(error: DiscoveryError): DiscoveryError {
  const hint = "check the server name, or set homeserver to the address: https://matrix.example.org";
  return new DiscoveryError(error.message, error.tried, { hint, cause: error });
}

function readKnownAddress(value: unknown): { readonly baseUrl: string; readonly seen: number } | undefined {
  if (!isObject(value)) return undefined;
  const { baseUrl, seen } = value;
  return typeof baseUrl === "string" && typeof seen === "number" ? { baseUrl, seen } : undefined;
}
