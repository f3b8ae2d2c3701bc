/** The exit codes. Most of them are defined in sysexits.h, so mail software understands them. */

import {
  ConfigError,
  DiscoveryError,
  InterruptedError,
  InvalidNotificationError,
  LoginError,
  type LoginErrorCode,
  PermissionError,
  StorageError,
  type StorageErrorCode,
} from "../base/errors.ts";
import { CommandError, UsageError } from "./errors.ts";

/** The general exit codes. */
export const EXIT = {
  ok: 0,
  usage: 64,
  dataErr: 65,
  unavailable: 69,
  software: 70,
  ioErr: 74,
  tempFail: 75,
  noPerm: 77,
  config: 78,
  /**
   * The user pressed Ctrl-C at a question. As in shells, the code is 128 plus the signal number
   * (SIGINT is 2).
   */
  interrupted: 130,
} as const;

/** A list of exit codes with their meanings, for the help and the documentation. */
export type ExitMeanings = readonly (readonly [code: number, meaning: string])[];

export const EXIT_MEANINGS: ExitMeanings = [
  [EXIT.ok, "success: a notification is delivered, or stored in the queue on disk"],
  [EXIT.usage, "the command line has a mistake"],
  [
    EXIT.dataErr,
    "the input is not valid, the service rejected the notification permanently, or another process dropped it",
  ],
  [
    EXIT.unavailable,
    "something that the command needs is not available: a homeserver, a login method, systemd or its timer, or an " +
    "option of sendmail",
  ],
  [EXIT.software, "a bug in matrix-notify"],
  [EXIT.ioErr, "reading or writing the disk failed, or the output could not be written"],
  [
    EXIT.tempFail,
    "not done yet: either the notification waits in the queue (after send --require, flush, queue retry and setup), " +
    "or it was not accepted and you must try again later; the error message says which",
  ],
  [
    EXIT.noPerm,
    "a permission of a file or of Deno is missing, a login was refused, or other users can change the queue",
  ],
  [
    EXIT.config,
    "the configuration has mistakes: channels without mistakes get the notification; for the others, it waits on " +
    "disk until you fix the configuration",
  ],
  [EXIT.interrupted, "you pressed Ctrl-C"],
];

/** The exit codes of `status --check`, as defined for monitoring plug-ins. */
export const CHECK_EXIT: Readonly<Record<"ok" | "warning" | "critical" | "unknown", number>> = {
  ok: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
};

export const CHECK_MEANINGS: ExitMeanings = [
  [CHECK_EXIT.ok, "OK: there are no problems"],
  [
    CHECK_EXIT.warning,
    "WARNING: the oldest entry has waited for more than half of --max-age, there are dead letters or damaged " +
    "lines, the queue is more than 80 % full, or the disk is nearly full",
  ],
  [
    CHECK_EXIT.critical,
    "CRITICAL: the oldest entry has waited for more than --max-age, a channel is held (paused until you fix it), " +
    "or the queue or the disk is full",
  ],
  [CHECK_EXIT.unknown, "UNKNOWN: there is no queue, or it cannot be read"],
];

/** The exit codes of `doctor`. The worst result of a check determines the code. */
export const DOCTOR_EXIT: Readonly<Record<"ok" | "warning" | "failure", number>> = { ok: 0, warning: 1, failure: 2 };

export const DOCTOR_MEANINGS: ExitMeanings = [
  [DOCTOR_EXIT.ok, "doctor found no problems"],
  [DOCTOR_EXIT.warning, "there are warnings, but no check failed"],
  [DOCTOR_EXIT.failure, "at least one check failed"],
];

const BY_STORAGE_CODE: Readonly<Record<StorageErrorCode, number>> = {
  "disk-full": EXIT.tempFail,
  "queue-full": EXIT.tempFail,
  locked: EXIT.tempFail,
  "write-failed": EXIT.tempFail,
  "io-error": EXIT.ioErr,
  "permission-denied": EXIT.noPerm,
  "read-only": EXIT.ioErr,
  "no-place": EXIT.config,
  untrusted: EXIT.noPerm,
};

const BY_LOGIN_CODE: Readonly<Record<LoginErrorCode, number>> = {
  refused: EXIT.noPerm,
  "rate-limited": EXIT.tempFail,
  expired: EXIT.tempFail,
  unavailable: EXIT.unavailable,
};

/** Returns the exit code for an error. An unknown error is a bug. */
export function exitCodeForError(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InvalidNotificationError) return EXIT.dataErr;
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof DiscoveryError) return EXIT.unavailable;
  if (error instanceof LoginError) return BY_LOGIN_CODE[error.code];
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof StorageError) return BY_STORAGE_CODE[error.code];
  if (error instanceof PermissionError) return EXIT.noPerm;
  return EXIT.software;
}
