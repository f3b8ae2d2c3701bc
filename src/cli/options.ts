/**
 * Options: how a command declares them, and those that several commands share.
 *
 * Short forms mean the same in every command. They follow `mail` (`-s`, `-a`), `ntfy publish`
 * (`-p`, `-q`) and `apprise` (`-a`, `-V`):
 *
 * | form | option | form | option |
 * | --- | --- | --- | --- |
 * | `-a` | `--attach` | `-n` | `--dry-run` |
 * | `-c` | `--channel` | `-p` | `--severity` (a priority) |
 * | `-f` | `--format` | `-q` | `--silent` |
 * | `-h` | `--help` | `-r` | `--room` |
 * | `-k` | `--key` | `-s` | `--subject` |
 * | `-l` | `--link` | `-y` | `--yes` |
 *
 * @module
 */

/** An option: `--name`. It takes a value if it has a placeholder for one; else it is a switch. */
export interface OptionSpec {
  readonly name: string;
  /** The letter of its short form. */
  readonly short?: string;
  /** The placeholder of its value in the help. */
  readonly value?: string;
  /** The permitted values. @default any */
  readonly oneOf?: readonly string[];
  /** Whether it can be given several times. @default {false} */
  readonly repeats?: boolean;
  readonly summary: string;
}

/** The options of every command. */
export const GENERAL_OPTIONS = [
  { name: "config", value: "FILE", summary: "configuration file (MATRIX_NOTIFY_CONFIG)" },
  { name: "state-dir", value: "DIR", summary: "directory of the queue (MATRIX_NOTIFY_STATE_DIR)" },
  { name: "help", short: "h", summary: "print this help" },
] as const satisfies readonly OptionSpec[];

/** For commands whose result programs read. */
export const JSON_OPTION = {
  name: "json",
  summary: "print JSON, one object a line",
} as const satisfies OptionSpec;

/** For commands that read the configuration. */
export const INSECURE_HTTP_OPTION = {
  name: "insecure-http",
  summary: "permit plain http to other hosts; the network can then read the token",
} as const satisfies OptionSpec;

/** For commands that deliver. */
export const DELIVERY_OPTIONS = [
  { name: "no-background", summary: "start no background process to deliver the rest" },
  INSECURE_HTTP_OPTION,
] as const satisfies readonly OptionSpec[];

/** For commands that use the account of a Matrix channel. */
export const ACCOUNT_OPTIONS = [
  { name: "channel", short: "c", value: "NAME", summary: "use the account of this channel (default matrix)" },
  JSON_OPTION,
  INSECURE_HTTP_OPTION,
] as const satisfies readonly OptionSpec[];

/** For commands that log in. */
export const SIGN_IN_OPTIONS = [
  { name: "homeserver", value: "URL", summary: "address of the homeserver, if the user id does not lead to it" },
  { name: "password-file", value: "FILE", summary: "read the password from a file; - is standard input" },
  { name: "token-file", value: "FILE", summary: "use an existing access token; - is standard input" },
  { name: "device-code", summary: "show a code to confirm in a browser on any device" },
  { name: "sso", summary: "log in with a browser on this host" },
] as const satisfies readonly OptionSpec[];

/** For commands that make a notification. */
export const MESSAGE_OPTIONS = [
  { name: "link", short: "l", value: "URL", summary: "add a link" },
  { name: "silent", short: "q", summary: "notify without a sound (m.notice)" },
  { name: "ttl", value: "DURATION", summary: "give up after this time (default 14d)" },
] as const satisfies readonly OptionSpec[];

/** Sends by some channels only. */
export const CHANNELS_OPTION = {
  name: "channel",
  short: "c",
  value: "NAME",
  repeats: true,
  summary: "send through this channel only",
} as const satisfies OptionSpec;

/** For commands that choose the destination. */
export const DESTINATION_OPTIONS = [
  { name: "room", short: "r", value: "ROOM", summary: "send to this Matrix room only: id, alias or @user:server" },
  CHANNELS_OPTION,
] as const satisfies readonly OptionSpec[];

/** For commands that deliver at once. */
export const WAIT_OPTION = {
  name: "wait",
  value: "DURATION",
  summary: "try this long, then deliver in the background (default 10s); 0 only queues",
} as const satisfies OptionSpec;
