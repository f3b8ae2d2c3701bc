/** The settings of an exec channel. */

import type { Fields } from "../../base/fields.ts";
import { findKnownDistrust } from "../../runtime/trust.ts";
import { duration, setting, type SettingsOf } from "../fields/setting.ts";

/** A program and its arguments. */
export type Command = readonly [path: string, ...args: string[]];

/** The pattern of an absolute path on Unix or Windows. */
const PATH_REGEXP = /^(\/|[A-Za-z]:[\\/])[^\0]*$/;

/** The longest timeout. While the program runs, later notifications in the queue wait. */
const MAX_TIMEOUT_MS = 600_000;

/** The table of settings. */
export const EXEC_SETTINGS = {
  command: setting<Command>({
    help: "the absolute path of the program, then its arguments; the program runs without a shell",
    examples: [["/usr/local/bin/tell", "--loud"]],
    mayContainSecrets: true,
    schema: {
      type: "array",
      minItems: 1,
      prefixItems: [{ type: "string", pattern: PATH_REGEXP.source }],
      items: { type: "string", pattern: "^[^\\u0000]*$" },
    },
    read: readCommand,
  }),
  timeout: duration({
    help:
      "the time after which the program is killed, at most 10 minutes; a shorter `--wait` does not change this time",
    examples: ["5s"],
    default: "30s",
    maxMs: MAX_TIMEOUT_MS,
    problem: "it must be a duration of at most 10 minutes, such as 30s",
  }),
};

/** The parsed settings. */
export type ExecSettings = SettingsOf<typeof EXEC_SETTINGS>;

function readCommand(fields: Fields, key: string): Command | undefined {
  const command = fields.value(key);
  if (isCommand(command)) {
    const [path] = command, distrust = findKnownDistrust(path);
    if (distrust === undefined) return command;
    throw fields.error(key, `the program ${path} is not safe: ${distrust.state}`, distrust.hint);
  }
  throw fields.error(
    key,
    "it must be a JSON array of strings: first the absolute path of the program, then its arguments",
    'for example ["/usr/local/bin/tell", "--loud"]',
  );
}

function isCommand(value: unknown): value is Command {
  return Array.isArray(value) && value.every((word) => typeof word === "string" && !word.includes("\0")) &&
    PATH_REGEXP.test(value[0] ?? "");
}
