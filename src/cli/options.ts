/**
 * The type of an option, and the options that several commands share.
 *
 * A short form has the same meaning in every command. Some letters are from other programs: `mail`
 * (`-s`, `-a`), `ntfy publish` (`-p`, `-q`) and `apprise` (`-a`, `-V`).
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

/** An option, written as `--name`. Without `value` the option is a switch: it has no value. */
export interface OptionSpec {
  readonly name: string;
  /** The letter of the short form. */
  readonly short?: string;
  /** The placeholder for the value in the help: `FILE`. */
  readonly value?: string;
  /** The permitted values. @default every value is permitted */
  readonly oneOf?: readonly string[];
  /**
   * True if an option with an empty value is ignored. Scripts can then pass an empty variable. If
   * false, an empty value is a mistake. @default {false}
   */
  readonly allowsEmpty?: boolean;
  /** True if the option can be given several times. @default {false} */
  readonly repeats?: boolean;
  readonly summary: string;
}

/** The options of every command. */
export const GENERAL_OPTIONS = [
  { name: "config", value: "FILE", summary: "configuration file (or set MATRIX_NOTIFY_CONFIG)" },
  { name: "state-dir", value: "DIR", summary: "directory of the queue (or set MATRIX_NOTIFY_STATE_DIR)" },
  { name: "help", short: "h", summary: "print this help" },
] as const satisfies readonly OptionSpec[];

/** The option for output as JSON. */
export const JSON_OPTION = {
  name: "json",
  summary: "print JSON, one object per line",
} as const satisfies OptionSpec;

/** The option that permits http without TLS. */
export const INSECURE_HTTP_OPTION = {
  name: "insecure-http",
  summary: "allow unencrypted http to hosts other than this one; an attacker can then read the token",
} as const satisfies OptionSpec;

/** The options of commands that deliver notifications. */
export const DELIVERY_OPTIONS = [
  { name: "no-background", summary: "do not start a background process for queued entries" },
  INSECURE_HTTP_OPTION,
] as const satisfies readonly OptionSpec[];

/** The options of commands that use the account of a Matrix channel. */
export const ACCOUNT_OPTIONS = [
  { name: "channel", short: "c", value: "CHANNEL", summary: "use the account of this channel (default matrix)" },
  JSON_OPTION,
  INSECURE_HTTP_OPTION,
] as const satisfies readonly OptionSpec[];

/** The options of commands that log in. */
export const SIGN_IN_OPTIONS = [
  {
    name: "homeserver",
    value: "URL",
    summary: "address or server name of the homeserver (default: found from the user id)",
  },
  { name: "password-file", value: "FILE", summary: 'read the password from FILE; use "-" for standard input' },
  { name: "token-file", value: "FILE", summary: 'read an existing access token from FILE; use "-" for standard input' },
  { name: "device-code", summary: "show a code that you confirm in a browser on any device" },
  { name: "sso", summary: "log in with a browser on this host" },
] as const satisfies readonly OptionSpec[];

/** The options of commands that create a notification. */
export const MESSAGE_OPTIONS = [
  { name: "link", short: "l", value: "URL", allowsEmpty: true, summary: "add a link" },
  { name: "silent", short: "q", summary: "notify without a sound (in Matrix: message type m.notice)" },
  { name: "ttl", value: "DURATION", summary: "stop trying to deliver after this time (default 14d)" },
] as const satisfies readonly OptionSpec[];

/** The option that selects the channels. */
export const CHANNELS_OPTION = {
  name: "channel",
  short: "c",
  value: "CHANNEL",
  repeats: true,
  summary: "send through this channel only",
} as const satisfies OptionSpec;

/** The options that select the destination. */
export const DESTINATION_OPTIONS = [
  { name: "room", short: "r", value: "ROOM", summary: "send to this Matrix room only: id, alias or @user:server" },
  CHANNELS_OPTION,
] as const satisfies readonly OptionSpec[];

/** The option that limits how long a command tries to deliver. */
export const WAIT_OPTION = {
  name: "wait",
  value: "DURATION",
  summary:
    "wait at most this long; then the delivery continues in the background (default 10s); with 0, only queue the " +
    "notification",
} as const satisfies OptionSpec;
