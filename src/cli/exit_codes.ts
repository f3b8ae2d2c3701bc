/** Exit codes: those of sysexits.h, which cron, systemd and mail software know. */

import { ConfigError, InvalidNotificationError, QueueError, type QueueTrouble } from "../errors.ts";
import { UsageError } from "./arguments.ts";
import { CommandError } from "./command_error.ts";

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
  [EXIT.noPerm, "permission is missing"],
  [EXIT.config, "the configuration cannot be used"],
];

const BY_TROUBLE: Readonly<Record<QueueTrouble, number>> = {
  full: EXIT.tempFail,
  busy: EXIT.tempFail,
  unwritten: EXIT.tempFail,
  io: EXIT.ioErr,
  permission: EXIT.noPerm,
};

/** The code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InvalidNotificationError) return EXIT.dataErr;
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof QueueError) return BY_TROUBLE[error.trouble];
  if (error instanceof Deno.errors.NotCapable) return EXIT.noPerm;
  return EXIT.software;
}
