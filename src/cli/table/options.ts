/** Options that several commands have. */

import type { OptionSpec } from "../command.ts";

/** Options that go with each command. */
export const GENERAL_OPTIONS: readonly OptionSpec[] = [
  { name: "config", value: "FILE", summary: "the configuration file (MATRIX_NOTIFY_CONFIG)" },
  { name: "state-dir", value: "DIR", summary: "where the queue lives (MATRIX_NOTIFY_STATE_DIR)" },
  { name: "help", summary: "show this help" },
];

/** For programs. */
export const JSON_OPTION: OptionSpec = { name: "json", summary: "print one JSON object a line" };

/** Of commands that read the configuration. */
export const INSECURE_HTTP_OPTION: OptionSpec = {
  name: "insecure-http",
  summary: "permit plain http to other hosts; the access token goes over the network in the clear",
};

/** Options of commands that deliver, or tell how they would. */
export const DELIVERY_OPTIONS: readonly OptionSpec[] = [
  { name: "no-background", summary: "leave no process behind that goes on delivering" },
  INSECURE_HTTP_OPTION,
];

/** Options of commands that work on the account of a channel. */
export const ACCOUNT_OPTIONS: readonly OptionSpec[] = [
  { name: "channel", value: "NAME", summary: "use the account of this channel (default matrix)" },
  JSON_OPTION,
  INSECURE_HTTP_OPTION,
];

/** Options of commands that log in. */
export const SIGN_IN_OPTIONS: readonly OptionSpec[] = [
  { name: "homeserver", value: "URL", summary: "its address, where the user's domain does not tell" },
  { name: "password-file", value: "FILE", summary: "read the password from a file; - is standard input" },
  { name: "token-file", value: "FILE", summary: "take an access token that you have; - is standard input" },
  { name: "device-code", summary: "show a code, to be confirmed in a browser anywhere" },
  { name: "sso", summary: "log in with a browser on this host" },
];

/** What can be said of every notification. */
export const MESSAGE_OPTIONS: readonly OptionSpec[] = [
  { name: "link", value: "URL", summary: "a link for more" },
  { name: "silent", summary: "arrive without a sound (m.notice)" },
  { name: "ttl", value: "DURATION", summary: "how long it is worth delivering (default 14d)" },
];

/** Which channels a notification goes by. */
export const CHANNELS_OPTION: OptionSpec = {
  name: "channel",
  value: "NAME",
  repeats: true,
  summary: "send by this channel only",
};

/** Where a notification goes. */
export const DESTINATION_OPTIONS: readonly OptionSpec[] = [
  { name: "room", value: "ROOM", summary: "send to this Matrix room only: an id, an alias, or @user:server" },
  CHANNELS_OPTION,
];

/** How long whoever sends stays. */
export const WAIT_OPTION: OptionSpec = {
  name: "wait",
  value: "DURATION",
  summary: "try for so long before leaving it to the background (default 10s; 0 only queues)",
};
