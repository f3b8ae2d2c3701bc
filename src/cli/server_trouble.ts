/** What a server refused a command, in a sentence with what mends it, and with its exit code. */

import { formatDuration } from "../base/duration.ts";
import { NotTheServiceError, TransportError } from "../base/errors.ts";
import { findHint } from "../matrix/errcodes.ts";
import { MatrixError } from "../matrix/errors.ts";
import { CommandError } from "./command_error.ts";
import { EXIT } from "./exit_codes.ts";

/** What mends it, by errcode; else by the status. */
export type ServerHints = Readonly<Record<string, string>>;

/** Hints that fit every command. */
const HINTS: ServerHints = {
  "403": "the account may not do this",
  "502": "the homeserver cannot reach the other servers; is federation switched off there?",
  "500": "look into the homeserver's log; without federation some cannot do what needs other servers",
};

/**
 * Runs a command's request.
 *
 * @param what what it is to do, as it stands behind "Cannot"
 * @throws {CommandError} with the exit code that fits: 77 not permitted, 65 refused for good, 75 try again, 69 no homeserver
 */
export async function withServerErrors<Result>(
  what: string,
  work: () => Promise<Result>,
  hints: ServerHints = {},
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const exitCode = exitCodeFor(error);
    if (exitCode === undefined || !(error instanceof Error)) throw error;
    throw new CommandError(`Cannot ${what}: ${error.message}`, exitCode, { hint: hintFor(error, hints), cause: error });
  }
}

function exitCodeFor(error: unknown): number | undefined {
  if (error instanceof TransportError) return EXIT.tempFail;
  if (error instanceof NotTheServiceError) return error.status >= 500 ? EXIT.tempFail : EXIT.unavailable;
  if (!(error instanceof MatrixError)) return undefined;
  if (error.status === 401 || error.status === 403) return EXIT.noPerm;
  return error.status === 429 || error.status >= 500 ? EXIT.tempFail : EXIT.dataErr;
}

function hintFor(error: Error, hints: ServerHints): string | undefined {
  if (error instanceof MatrixError) {
    const { errcode, status, retryAfterMs } = error;
    if (status === 429) {
      return retryAfterMs === undefined ? "try again later" : `try again in ${formatDuration(retryAfterMs)}`;
    }
    return hints[errcode] ?? hints[status] ?? findHint(errcode) ?? HINTS[status];
  }
  if (error instanceof NotTheServiceError) return hints[error.status] ?? HINTS[error.status];
  return undefined;
}
