/**
 * Room requests of `join`, `room` and `setup`: the checks of their arguments, and the errors of the
 * homeserver with a hint and an exit code.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { NotTheServiceError, TransportError } from "../base/errors.ts";
import { findHint } from "../matrix/errcodes.ts";
import { MatrixError } from "../matrix/errors.ts";
import { parseRoom, ROOM_HINT, ROOM_PROBLEM, type RoomReference } from "../matrix/ids.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { type JoinOptions, joinRoom } from "../matrix/rooms.ts";
import { CommandError, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";

/** The time limit of a request about a room, in milliseconds. */
export const ROOM_TIMEOUT_MS = 60_000;

/** Joining takes longer: the homeserver may have to reach other servers first. */
const JOIN_TIMEOUT_MS = 120_000;

/** Hints by errcode, or by HTTP status if the errcode has none. */
export type ServerHints = Readonly<Record<string, string>>;

const COMMON_HINTS: ServerHints = {
  "403": "the account may not do this",
  "502": "the homeserver cannot reach other servers: check whether federation is turned off there",
  "500": "check the homeserver's log; without federation it cannot do what needs other servers",
};

const JOIN_HINTS: ServerHints = {
  M_FORBIDDEN: "ask a member of the room to invite this account, then run the command again",
  M_BAD_STATE: "ask a moderator of the room to lift the ban",
  M_NOT_FOUND: "check the spelling; to join a room without an alias, use its id",
  "404": "check that the room exists; if this homeserver does not know it yet, name a server in it: --via example.org",
  "400": ROOM_HINT,
};

/**
 * Runs the request of a command.
 *
 * @param action completes the error message "Cannot …": `list the rooms`
 * @throws {CommandError} if the request fails; exit code 77: not permitted, 65: rejected, 75: try
 *   again later, 69: no homeserver there
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
 * @param room its id or an alias
 * @returns the room id
 * @throws {CommandError} if the homeserver refuses; `cause` is its error
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
 * Parses a room id, an alias or a user id.
 *
 * @throws {UsageError} if it is none of them
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
    return hints[errcode] ?? hints[status] ?? findHint(errcode) ?? COMMON_HINTS[status];
  }
  if (error instanceof NotTheServiceError) return hints[error.status] ?? COMMON_HINTS[error.status];
  return undefined;
}
