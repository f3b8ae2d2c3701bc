/**
 * The checks of a Matrix channel, for the homeserver and the account. The checks of the rooms are
 * in `room_checks.ts`.
 */

import { isTokenExpired } from "../../accounts/account.ts";
import { requireAccount } from "../../accounts/session.ts";
import { formatDuration } from "../../base/duration.ts";
import { DiscoveryError, NotTheServiceError, TransportError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { USER_AGENT } from "../../base/version.ts";
import { whoami } from "../../matrix/account.ts";
import { discoverHomeserver, readServerSoftware } from "../../matrix/discovery.ts";
import { parseServerName } from "../../matrix/ids.ts";
import { joinedRooms } from "../../matrix/rooms.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { exchange, type HttpAnswer, isWord, readMediaType } from "../../runtime/http.ts";
import { type Check, type CheckContext, failure, findingOf, type Found, ok, once, warning } from "../check.ts";
import { connectionChecks } from "../http_checks.ts";
import { createClient } from "./client.ts";
import { createRoomChecks, type MatrixProbe } from "./room_checks.ts";
import type { MatrixSettings } from "./settings.ts";

/** Creates the checks. */
export function createChecks(context: CheckContext, settings: MatrixSettings): readonly Check[] {
  const { runtime, limits } = context;
  const client = createClient(settings, runtime);
  const probe: MatrixProbe = {
    context,
    client,
    whoami: once(() => whoami(client, limits)),
    joined: once(() => joinedRooms(client, limits)),
  };
  return [
    ...serverChecks(probe, settings),
    ...accountChecks(probe, settings),
    wellKnownCheck(probe),
    ...createRoomChecks(probe, settings),
    onceCheck(probe, settings),
    rateLimitCheck(context),
  ];
}

/** Creates the checks `login`, `connection`, `clock` and `versions`. */
function serverChecks({ context, client }: MatrixProbe, settings: MatrixSettings): readonly Check[] {
  const { runtime, limits } = context;
  const askVersions = once(async () => {
    const baseUrl = await client.locate?.(limits) ?? client.baseUrl;
    const headers = { "User-Agent": USER_AGENT };
    return await exchange(runtime, { method: "GET", url: `${baseUrl}/_matrix/client/versions`, headers, ...limits });
  });
  const [connection, clock] = connectionChecks(context, () => client.baseUrl, askVersions);
  const lookElsewhere = once(() => findElsewhere(context, client, settings));
  return [
    {
      name: "login",
      *look() {
        const account = findSavedAccount(context, settings);
        client.credentials?.accessToken();
        yield ok(account === undefined ? "an access token is configured" : `${account.userId} is logged in here`);
      },
    },
    {
      ...connection,
      needs: ["login"],
      async *look() {
        yield* withOtherAddress(connection.look(), lookElsewhere);
      },
    },
    clock,
    {
      name: "versions",
      needs: ["connection"],
      async *look() {
        yield* withOtherAddress(lookAtVersions(), lookElsewhere);
      },
    },
  ];

  async function* lookAtVersions(): AsyncGenerator<Found> {
    const { host } = new URL(client.baseUrl);
    const versions = parseVersions(await askVersions(), host);
    const stable = versions.filter((version) => /^v\d/.test(version));
    const newest = stable.toSorted((a, b) => versionNumber(a) - versionNumber(b)).at(-1);
    if (newest === undefined) {
      yield failure(
        `${host} does not support version v1.1 or later of the specification; it supports: ${
          versions.slice(-MAX_VERSIONS).join(", ") || "none"
        }`,
        "update the homeserver",
      );
    } else yield ok(`it supports the Matrix specification up to ${newest}`);
  }
}

/**
 * Yields the findings of a check. If there is no homeserver at the configured address, yields a
 * failure. The hint of the failure contains the address from a well-known document (the file in
 * which a domain publishes its homeserver).
 */
async function* withOtherAddress(
  findings: AsyncIterable<Found> | Iterable<Found>,
  lookElsewhere: () => Promise<string | undefined>,
): AsyncGenerator<Found> {
  try {
    yield* findings;
  } catch (error) {
    const isWrongServer = error instanceof NotTheServiceError || error instanceof TransportError;
    const hint = isWrongServer ? await lookElsewhere() : undefined;
    if (hint === undefined) throw error;
    yield failure(findingOf(error).message, hint);
  }
}

/**
 * Looks for the address of the homeserver in the well-known documents of two hosts: the domain of
 * the user, and the configured homeserver.
 *
 * @returns a hint with the address; undefined if no other homeserver is found
 */
async function findElsewhere(
  { runtime, limits }: CheckContext,
  client: MatrixClient,
  { user, insecureHttp }: MatrixSettings,
): Promise<string | undefined> {
  const names = [user && parseServerName(user.userId), new URL(client.baseUrl).host].filter((name) =>
    name !== undefined
  );
  for (const name of names) {
    try {
      const options = { userAgent: USER_AGENT, insecureHttp, configuredUrl: client.baseUrl, ...limits };
      const { baseUrl } = await discoverHomeserver(runtime, name, options);
      if (baseUrl === client.baseUrl) continue;
      const address = `the homeserver of ${name} is at ${baseUrl}`;
      return user === undefined
        ? `${address}: set homeserver to "${name}" or to this address`
        : `${address}: log in again: matrix-notify login ${user.userId}`;
    } catch (error) {
      if (!(error instanceof DiscoveryError)) throw error;
    }
  }
  return undefined;
}

/** The largest number of versions that a finding lists. */
const MAX_VERSIONS = 20;

/**
 * Reads the versions in an answer. The answer may be from a captive portal (the login page of a
 * network) instead of a homeserver.
 */
function parseVersions({ status, text, headers }: HttpAnswer, host: string): readonly string[] {
  const versions = parseJsonObject(text)?.versions;
  if (status === 200 && Array.isArray(versions)) return versions.filter(isWord);
  const type = readMediaType(headers) ?? "of unknown type";
  throw new NotTheServiceError(`${host} does not answer like a homeserver: ${status}, ${type}`, { status });
}

function versionNumber(version: string): number {
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  return major * 1000 + minor;
}

/**
 * Reads the saved account of the channel; returns undefined if the configuration contains an access
 * token.
 *
 * @throws {ConfigError} if the account is not logged in
 */
function findSavedAccount(context: CheckContext, { user }: MatrixSettings) {
  return user && requireAccount(context.stateDir(), user.userId);
}

/** Creates the checks `account`, `device` and `renewal`. */
function accountChecks({ context, whoami }: MatrixProbe, settings: MatrixSettings): readonly Check[] {
  const { user } = settings;
  return [
    {
      name: "account",
      needs: ["versions"],
      async *look() {
        // If the access token has expired, matrix-notify renews the token for this request.
        const { userId } = await whoami();
        if (user !== undefined && userId !== user.userId) {
          yield failure(
            `the token belongs to ${userId}, but the channel's user is ${user.userId}`,
            `log in again: matrix-notify login ${user.userId}`,
          );
        } else yield ok(`the token belongs to ${userId}`);
      },
    },
    {
      name: "device",
      needs: ["account"],
      async *look() {
        const { userId, deviceId } = await whoami();
        if (deviceId !== undefined) yield ok(deviceId);
        else {
          yield warning(
            "the token does not belong to a device, so a message may arrive twice after a restart of Synapse",
            `log in, and set user to ${userId}: matrix-notify login ${userId}`,
          );
        }
      },
    },
    {
      name: "renewal",
      needs: ["account"],
      *look() {
        const account = findSavedAccount(context, settings);
        const now = context.runtime.now();
        if (account === undefined) {
          yield ok(
            "an access token in the configuration is never renewed automatically; use a token that does not expire",
          );
          return;
        }
        const { expiresAt, refreshToken, passwordFile, userId } = account;
        if (expiresAt === undefined) yield ok("the token does not expire");
        else if (refreshToken !== undefined) {
          const state = isTokenExpired(account, now) ? "has expired" : `expires in ${formatDuration(expiresAt - now)}`;
          yield ok(`the token ${state}, and is renewed automatically`);
        } else if (passwordFile !== undefined) {
          yield ok(`when the token expires, matrix-notify logs in with the password in ${passwordFile}`);
        } else {
          const state = expiresAt <= now ? "has expired" : `expires in ${formatDuration(expiresAt - now)}`;
          yield warning(`the token ${state}, and cannot be renewed`, `log in again: matrix-notify login ${userId}`);
        }
      },
    },
  ];
}

/**
 * Checks the homeserver address that the user's domain publishes. The channel does not use this
 * address, but the next login may use it.
 */
function wellKnownCheck({ context, client, whoami }: MatrixProbe): Check {
  return {
    name: "well-known",
    needs: ["account"],
    async *look() {
      const { userId } = await whoami();
      const domain = parseServerName(userId);
      try {
        const { baseUrl: configuredUrl } = client;
        const options = { userAgent: USER_AGENT, insecureHttp: true, configuredUrl, ...context.limits };
        const found = await discoverHomeserver(client.runtime, userId, options);
        if (new URL(found.baseUrl).host === new URL(client.baseUrl).host) {
          yield ok(`${domain} leads to ${found.baseUrl}`);
        } else {
          yield warning(
            `${domain} leads to ${found.baseUrl}, but the channel uses ${client.baseUrl}`,
            `correct the address that is wrong: homeserver in the configuration, or https://${domain}/.well-known/matrix/client`,
          );
        }
      } catch (error) {
        if (context.limits.signal?.aborted) throw error;
        yield warning(
          findingOf(error).message,
          "the channel works without this file, but a login without --homeserver needs it: " +
            `serve https://${domain}/.well-known/matrix/client`,
        );
      }
    },
  };
}

/** Checks whether sending a message again can create a duplicate. */
function onceCheck({ context, client }: MatrixProbe, { inDoubt }: MatrixSettings): Check {
  return {
    name: "once",
    needs: ["account"],
    async *look() {
      const software = await readServerSoftware(client, context.limits);
      if (software === "Synapse") {
        yield ok(
          "Synapse remembers the transaction ids of a device for one day; a message that is sent again in this time appears only once",
        );
      } else if (inDoubt === "wait") {
        yield ok(
          `${
            software ?? "the server"
          } forgets transaction ids after a short time; if the outcome of an attempt is unknown, matrix-notify looks for the message in the room before it tries again`,
        );
      } else {
        yield warning(
          `${software ?? "the server, of unknown software,"} forgets transaction ids after a short time, ` +
            "so a message may arrive twice; matrix-notify counts each possible duplicate",
          'set "inDoubt": "wait" if a duplicate is worse than a delay',
        );
      }
    },
  };
}

/**
 * Checks whether the channel is waiting because of a rate limit of the homeserver. A limit is
 * visible only after the channel has reached it.
 */
function rateLimitCheck({ runtime, channelState }: CheckContext): Check {
  return {
    name: "rate limit",
    async *look() {
      const { wait } = await channelState();
      if (wait?.class === "rate-limited" && wait.next > runtime.now()) {
        yield warning(
          `the server rejects requests of this account for another ${
            formatDuration(wait.next - runtime.now())
          }: ${wait.reason}`,
          "send less often, or ask the homeserver's administrator to lift the limit for the account " +
            "(Synapse: override_ratelimit)",
        );
      } else {
        yield ok(
          "there is no limit now; by default Synapse accepts 10 messages immediately, then one message every 5 s",
        );
      }
    },
  };
}
