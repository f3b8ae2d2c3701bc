/**
 * Helpers for commands that use a Matrix account: finding the account, connecting to its
 * homeserver, and printing the account as text or JSON.
 *
 * @module
 */

import type { Account } from "../accounts/account.ts";
import type { SignInContext } from "../accounts/sign_in.ts";
import { formatDuration } from "../base/duration.ts";
import { ConfigError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { USER_AGENT } from "../base/version.ts";
import { readSettings } from "../channels/fields/setting.ts";
import {
  formatDestination,
  readRoomNames,
  rememberRoomNames,
  RoomCacheFile,
  type RoomNames,
} from "../channels/room_cache.ts";
import { createClient } from "../channels/matrix/client.ts";
import { ACCOUNT_SETTINGS } from "../channels/matrix/settings.ts";
import { withConnection } from "../config/connection.ts";
import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { stateDirPath } from "../config/paths.ts";
import { parseUserId } from "../matrix/ids.ts";
import type { MatrixClient, RequestOptions } from "../matrix/request.ts";
import { readRoomName } from "../matrix/room_state.ts";
import { requireTrustedStateDir } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { CommandContext, ContextFor } from "./command.ts";
import { UsageError } from "./errors.ts";
import { formatOptionalTime } from "./json.ts";
import type { ACCOUNT_OPTIONS } from "./options.ts";
import { printable } from "../base/printable.ts";

/**
 * Returns the directory with the queue and the accounts, from `--state-dir` or the default.
 *
 * @throws {StorageError} if another user of this host can change the accounts
 */
export function findStateDir({ args, runtime }: CommandContext): string {
  const stateDir = args.text("state-dir") ?? stateDirPath(runtime);
  requireTrustedStateDir(stateDir, ["accounts"]);
  return stateDir;
}

/**
 * Checks a user id.
 *
 * @throws {UsageError} if the text is not a full user id
 */
export function requireUserId(text: string): string {
  const parsed = parseUserId(text);
  if (parsed !== undefined) return parsed.userId;
  throw new UsageError(`Cannot use "${text}": it is not a user id`, "write it in full: @bot:example.org");
}

/**
 * Creates the context for a login or logout of a user. If a channel uses the account of this user,
 * the context has the connection settings (proxy, certificates) of the channel.
 *
 * @throws {UsageError} if `userId` is not a user id
 * @throws {ConfigError} if the connection settings of the channel have mistakes
 */
export async function createSignIn(context: CommandContext, userId: string): Promise<SignInContext> {
  const user = requireUserId(userId);
  const [channel] = await findMatrixChannels(context, user);
  const runtime = withConnection(context.runtime, channel?.connection());
  return { userId: user, stateDir: findStateDir(context), runtime, userAgent: USER_AGENT };
}

/**
 * Finds the Matrix channels that use an account. Without `userId`, finds the channels with the
 * setting `accessToken`. A channel with a mistake is left out. If the configuration file cannot be
 * read, the list is empty. Other commands report these mistakes.
 */
export async function findMatrixChannels(
  { args, runtime }: CommandContext,
  userId?: string,
): Promise<readonly ChannelSource[]> {
  try {
    const options = { configFile: args.text("config"), stateDir: args.text("state-dir") };
    const sources = await loadChannelSources(runtime, options);
    return sources.filter(({ kind, fields }) => kind === "matrix" && fields.value("user") === userId);
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

/**
 * Stores the names of rooms. `send` and `queue list` print a stored name beside the id of the room.
 * Errors are ignored: without the name, only the id is printed.
 */
export async function rememberNames(context: CommandContext, names: RoomNames): Promise<void> {
  await rememberRoomNames(new RoomCacheFile(findStateDir(context), context.runtime), names);
}

/** Formats a room with its stored name: `Alerts (!id)`. */
export function formatRoom(context: CommandContext, room: string): string {
  return formatDestination(room, readRoomNames(new RoomCacheFile(findStateDir(context), context.runtime)));
}

/**
 * Reads and stores the name of a room.
 *
 * @returns the text to print: `Alerts (!id)`, or only the id if there is no name or it cannot be
 *   read
 */
export async function describeRoom(
  context: CommandContext,
  client: MatrixClient,
  { roomId, ...options }: RequestOptions & { readonly roomId: string },
): Promise<string> {
  try {
    const name = await readRoomName(client, { roomId, ...options });
    await rememberNames(context, { [roomId]: name });
    return formatDestination(roomId, { [roomId]: name });
  } catch {
    options.signal?.throwIfAborted();
    return roomId;
  }
}

/** A Matrix client with the account of a channel. */
export interface ChannelClient {
  readonly client: MatrixClient;
  /** The name of the channel. */
  readonly channel: string;
}

/**
 * Creates the client of the channel that `--channel` names. The default is the channel `matrix`, or
 * the only Matrix channel.
 *
 * @throws {ConfigError} if the channel does not exist or its configuration has mistakes
 */
export async function openMatrixClient(
  { args, runtime }: ContextFor<typeof ACCOUNT_OPTIONS>,
): Promise<ChannelClient> {
  const sources = await loadChannelSources(runtime, {
    configFile: args.text("config"),
    insecureHttp: args.has("insecure-http"),
    stateDir: args.text("state-dir"),
  });
  const wanted = args.text("channel");
  const stopped = sources.find(({ name, problem }) => name === (wanted ?? "matrix") && problem !== undefined);
  if (stopped?.problem !== undefined) throw stopped.problem;
  const source = selectChannel(sources.filter(({ kind }) => kind === "matrix"), wanted);
  return { client: createChannelClient(source, runtime), channel: source.name };
}

/**
 * Creates the client of a Matrix channel.
 *
 * @throws {ConfigError} if the configuration of the channel has mistakes
 */
export function createChannelClient({ fields, context, connection }: ChannelSource, runtime: Runtime): MatrixClient {
  return createClient(readSettings(ACCOUNT_SETTINGS, fields, context), withConnection(runtime, connection()));
}

function selectChannel(channels: readonly ChannelSource[], wanted: string | undefined): ChannelSource {
  const names = channels.map(({ name }) => name);
  const found = channels.find(({ name }) => name === (wanted ?? "matrix"));
  if (found) return found;
  if (wanted !== undefined) {
    const near = nearest(wanted, names);
    throw new ConfigError(`Cannot use channel "${wanted}": there is no Matrix channel with that name`, {
      hint: near ? `did you mean "${near}"?` : `configured Matrix channels: ${names.join(", ") || "none"}`,
    });
  }
  if (channels.length === 1) return channels[0];
  throw new ConfigError(
    channels.length === 0
      ? "Cannot choose the account: no Matrix channel is configured"
      : "Cannot choose the account: several Matrix channels are configured",
    {
      hint: channels.length === 0
        ? "run: matrix-notify setup; or set MATRIX_HOMESERVER and MATRIX_ACCESS_TOKEN"
        : `choose one of them: ${names.map((each) => `--channel ${each}`).join(", or ")}`,
    },
  );
}

/**
 * Formats an account: `@bot:example.org, device ABC, at https://matrix.example.org, token expires
 * in 5 min and is renewed`.
 */
export function formatAccount(account: Account, now: number): string {
  const { userId, deviceId, homeserver, expiresAt, refreshToken } = account;
  const left = expiresAt === undefined ? undefined : expiresAt - now;
  const expiry = left === undefined
    ? "token does not expire"
    : `token ${left > 0 ? `expires in ${formatDuration(left)}` : "has expired"}${
      refreshToken ? " and is renewed" : ""
    }`;
  return printable(`${formatOwner({ userId, deviceId, homeserver })}, ${expiry}`);
}

/** Formats the account of a channel that has the setting `accessToken`. */
export function formatChannelAccount(owner: TokenOwner, channel: string): string {
  return printable(`${formatOwner(owner)}, with the token of channel ${channel}`);
}

type TokenOwner = Pick<Account, "userId" | "deviceId" | "homeserver">;

function formatOwner({ userId, deviceId, homeserver }: TokenOwner): string {
  return `${userId}, ${deviceId === undefined ? "no device" : `device ${deviceId}`}, at ${homeserver}`;
}

/** Creates the JSON object of an account. The object does not contain the tokens. */
export function toAccountJson(
  { userId, deviceId, homeserver, expiresAt, refreshToken }: Account,
): Record<string, unknown> {
  const expires = formatOptionalTime(expiresAt);
  return { user: userId, device: deviceId, homeserver, expires, renewable: refreshToken !== undefined };
}
