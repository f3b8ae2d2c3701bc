/** The exit codes. Most are those of sysexits.h, which cron, systemd and mail software know. */

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

/** The codes by name. */
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
  /** Ctrl-C at a question: 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const;

/** Exit codes with their meanings, for help and documentation. */
export type ExitMeanings = readonly (readonly [code: number, meaning: string])[];

export const EXIT_MEANINGS: ExitMeanings = [
  [EXIT.ok, "delivered, or safely queued"],
  [EXIT.usage, "wrong usage"],
  [EXIT.dataErr, "bad input, or rejected by the service for good"],
  [EXIT.unavailable, "something that is needed is not available"],
  [EXIT.software, "a bug in matrix-notify"],
  [EXIT.ioErr, "the disk failed"],
  [EXIT.tempFail, "not accepted, or something is left: try again"],
  [EXIT.noPerm, "permission is missing, or a login was refused"],
  [EXIT.config, "the configuration has mistakes"],
  [EXIT.interrupted, "stopped at a question"],
];

/** The codes of `status --check`: those of monitoring plug-ins. */
export const CHECK_EXIT: Readonly<Record<"ok" | "warning" | "critical" | "unknown", number>> = {
  ok: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
};

export const CHECK_MEANINGS: ExitMeanings = [
  [CHECK_EXIT.ok, "OK: no entry has waited for long"],
  [
    CHECK_EXIT.warning,
    "WARNING: the oldest entry has waited for more than half of --max-age; " +
    "or dead letters; or damaged lines; or the queue is over 80 % full",
  ],
  [
    CHECK_EXIT.critical,
    "CRITICAL: the oldest entry has waited for more than --max-age; or a held channel; or a full queue",
  ],
  [CHECK_EXIT.unknown, "UNKNOWN: there is no queue, or it cannot be read"],
];

/** The codes of `doctor`: the worst finding decides. */
export const DOCTOR_EXIT: Readonly<Record<"ok" | "warning" | "failure", number>> = { ok: 0, warning: 1, failure: 2 };

export const DOCTOR_MEANINGS: ExitMeanings = [
  [DOCTOR_EXIT.ok, "no problems"],
  [DOCTOR_EXIT.warning, "it works, but something should be improved"],
  [DOCTOR_EXIT.failure, "something does not work"],
];

const BY_STORAGE_CODE: Readonly<Record<StorageErrorCode, number>> = {
  "disk-full": EXIT.tempFail,
  "queue-full": EXIT.tempFail,
  locked: EXIT.tempFail,
  "write-failed": EXIT.tempFail,
  "attachments-not-stored": EXIT.tempFail,
  "io-error": EXIT.ioErr,
  "permission-denied": EXIT.noPerm,
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
