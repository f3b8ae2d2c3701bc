/** Exit codes: those of sysexits.h, which cron, systemd and mail software know. */

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
import { UsageError } from "./errors.ts";
import { CommandError } from "./errors.ts";

/** The codes by name. */
export const EXIT = {
  /** Delivered, or safely queued. */
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** The input is wrong, or a server refused it for good. */
  dataErr: 65,
  /** Something that is needed is not there. */
  unavailable: 69,
  /** Our bug. */
  software: 70,
  /** The disk fails. */
  ioErr: 74,
  /** Not taken, or not delivered yet: try again. */
  tempFail: 75,
  /** Permission is missing. */
  noPerm: 77,
  /** The configuration is wrong. */
  config: 78,
  /** Ctrl-C at a question, as shells say it of SIGINT. */
  interrupted: 130,
} as const;

/** What the exit codes mean, for help. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, "delivered, or safely queued"],
  [EXIT.usage, "wrong usage"],
  [EXIT.dataErr, "bad input, or refused by the server for good"],
  [EXIT.unavailable, "something that is needed is not there"],
  [EXIT.software, "a bug of ours"],
  [EXIT.ioErr, "the disk failed"],
  [EXIT.tempFail, "not taken, or something is left: try again"],
  [EXIT.noPerm, "permission is missing, or a login was refused"],
  [EXIT.config, "the configuration cannot be used"],
  [EXIT.interrupted, "stopped at a question"],
];

/** The codes of `status --check`, which are those of monitoring plug-ins. */
export const CHECK_EXIT: Readonly<Record<"ok" | "warning" | "critical" | "unknown", number>> = {
  ok: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
};

/** What they mean, for help. */
export const CHECK_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [CHECK_EXIT.ok, "OK: what waits has not waited for long"],
  [
    CHECK_EXIT.warning,
    "WARNING: the oldest has waited for more than half of --max-age, dead letters, damaged lines, over 80 % full",
  ],
  [CHECK_EXIT.critical, "CRITICAL: the oldest has waited for more than --max-age, a held channel, a full queue"],
  [CHECK_EXIT.unknown, "UNKNOWN: there is no queue, or it cannot be read"],
];

/** The codes of `doctor`: of the worst that it found. */
export const DOCTOR_EXIT: Readonly<Record<"ok" | "warning" | "failure", number>> = { ok: 0, warning: 1, failure: 2 };

/** What they mean, for help. */
export const DOCTOR_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [DOCTOR_EXIT.ok, "all is well"],
  [DOCTOR_EXIT.warning, "it works, but not as well as it could"],
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

/** The code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InvalidNotificationError) return EXIT.dataErr;
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof DiscoveryError) return EXIT.unavailable;
  if (error instanceof LoginError) return BY_LOGIN_CODE[error.code];
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof StorageError) return BY_STORAGE_CODE[error.code];
  if (error instanceof PermissionError || error instanceof Deno.errors.NotCapable) return EXIT.noPerm;
  return EXIT.software;
}
