/**
 * Helpers for the room requests of `join`, `room` and `setup`. The helpers check arguments, and add
 * a hint and an exit code to the errors of the homeserver.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { NotTheServiceError, TransportError } from "../base/errors.ts";
import { userExists } from "../matrix/account.ts";
import { MatrixError } from "../matrix/errors.ts";
import { parseRoom, ROOM_HINT, ROOM_PROBLEM, type RoomReference } from "../matrix/ids.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { type JoinOptions, joinRoom } from "../matrix/rooms.ts";
import { CommandError, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import type { Ui } from "./ui.ts";

/** The time limit of a room request, in milliseconds. */
export const ROOM_TIMEOUT_MS = 60_000;

/**
 * The time limit for joining, in milliseconds. It is long, because the homeserver may contact other
 * servers.
 */
const JOIN_TIMEOUT_MS = 120_000;

/** Hints by Matrix error code or HTTP status. A hint for the error code has priority. */
export type ServerHints = Readonly<Record<string, string>>;

const COMMON_HINTS: ServerHints = {
  "403": "the account does not have the permission",
  "502": "the homeserver cannot reach other servers: check whether federation is turned off on your homeserver",
  "500": "check the log of the homeserver; without federation, its requests to other servers fail",
};

const ADDRESS_HINT = "check the address of the homeserver; it is often matrix.example.org, not example.org";

const JOIN_HINTS: ServerHints = {
  M_FORBIDDEN: "ask a member of the room to invite this account, then run the command again",
  M_BAD_STATE: "ask a moderator of the room to remove the ban",
  M_NOT_FOUND: "check the spelling; to join a room without an alias, use its id",
  "404": "check that the room exists; if the room is on another server, add --via with that server: --via example.org",
  "400": ROOM_HINT,
};

/**
 * Runs a request, and adds a hint and an exit code to an error of the homeserver.
 *
 * @param action the text after "Cannot" in the error message: `list the rooms`
 * @throws {CommandError} if the request fails; the exit code is 77 (not permitted), 65 (rejected),
 *   75 (try again later) or 69 (the server is not a homeserver)
 */
export async function withServerErrors<Result>(
  action: string,
  request: () => Promise<Result>,
  hints: ServerHints = {},
): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    const exitCode = toExitCode(error);
    if (exitCode === undefined || !(error instanceof Error)) throw error;
    const hint = toHint(error, hints);
    throw new CommandError(`Cannot ${action}: ${error.message}`, exitCode, { hint, cause: error });
  }
}

/**
 * Joins a room.
 *
 * @param room the id or an alias of the room
 * @returns the room id
 * @throws {CommandError} if the request fails; `cause` is the error of the homeserver
 */
export async function enterRoom(
  client: MatrixClient,
  room: string,
  options: Omit<JoinOptions, "timeoutMs"> = {},
): Promise<string> {
  return await withServerErrors(
    `join ${room}`,
    () => joinRoom(client, room, { ...options, timeoutMs: JOIN_TIMEOUT_MS }),
    JOIN_HINTS,
  );
}

/**
 * Prints a warning if a room is encrypted. If the state of the room cannot be read, prints nothing,
 * because the room can be used anyway.
 *
 * @param room the name of the room in the warning
 */
export async function warnIfEncrypted(
  client: MatrixClient,
  { room, roomId, signal }: { readonly room: string; readonly roomId: string; readonly signal?: AbortSignal },
  ui: Ui,
): Promise<void> {
  const { encryptedRoomWarning, isEncrypted } = await import("../channels/matrix/encryption.ts");
  try {
    if (await isEncrypted(client, { roomId, timeoutMs: ROOM_TIMEOUT_MS, signal })) ui.warn(encryptedRoomWarning(room));
  } catch {
    signal?.throwIfAborted();
  }
}

/**
 * Parses a room id, an alias or a user id.
 *
 * @throws {UsageError} if the text does not have one of these formats
 */
export function requireRoom(room: string): RoomReference {
  const reference = parseRoom(room);
  if (reference !== undefined) return reference;
  throw new UsageError(`Cannot use room "${room}": ${ROOM_PROBLEM}`, ROOM_HINT);
}

/**
 * Checks the user id of a person to invite.
 *
 * @throws {UsageError} if it is not a user id
 */
export function requireInvitee(text: string): string {
  const reference = parseRoom(text);
  if (reference?.kind === "user") return reference.userId;
  throw new UsageError(`Cannot invite "${text}": it is not a user id`, "write it in full: @name:example.org");
}

/**
 * Checks that the users to invite exist. Homeservers accept an invite for a user who does not
 * exist, and the messages then reach no person. A user whose homeserver does not answer is
 * accepted.
 *
 * @throws {CommandError} if the homeserver answers that a user does not exist
 */
export async function requireUsers(
  client: MatrixClient,
  userIds: readonly string[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  for (const userId of userIds) {
    // If the homeserver cannot be reached, the next request reports the problem.
    const exists = await userExists(client, { userId, timeoutMs: ROOM_TIMEOUT_MS, signal }).catch(() => undefined);
    if (exists === false) {
      const hint = "check the spelling of the user id";
      throw new CommandError(`Cannot invite ${userId}: this user does not exist`, EXIT.dataErr, { hint });
    }
  }
}

function toExitCode(error: unknown): number | undefined {
  if (error instanceof TransportError) return EXIT.tempFail;
  if (error instanceof NotTheServiceError) return error.status >= 500 ? EXIT.tempFail : EXIT.unavailable;
  if (!(error instanceof MatrixError)) return undefined;
  if (error.status === 401 || error.status === 403) return EXIT.noPerm;
  return error.status === 429 || error.status >= 500 ? EXIT.tempFail : EXIT.dataErr;
}

function toHint(error: Error, hints: ServerHints): string | undefined {
  if (error instanceof MatrixError) {
    const { errcode, status, retryAfterMs } = error;
    if (status === 429) {
      return retryAfterMs === undefined ? "try again later" : `try again in ${formatDuration(retryAfterMs)}`;
    }
    return hintFrom(hints, errcode) ?? hints[status] ?? error.hint ?? COMMON_HINTS[status];
  }
  if (error instanceof NotTheServiceError) return hints[error.status] ?? COMMON_HINTS[error.status] ?? ADDRESS_HINT;
  return error instanceof TransportError ? error.hint ?? ADDRESS_HINT : undefined;
}

/**
 * Returns the hint for a Matrix error code (errcode). Reads only own properties of `hints`, because
 * a server can send any text as an errcode, for example `constructor`.
 */
function hintFrom(hints: ServerHints, errcode: string): string | undefined {
  return Object.hasOwn(hints, errcode) ? hints[errcode] : undefined;
}
