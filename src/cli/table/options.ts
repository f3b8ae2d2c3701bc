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
const INSECURE_HTTP_OPTION: OptionSpec = {
  name: "insecure-http",
  summary: "permit plain http to other hosts; the access token goes over the network in the clear",
};
/** Options of commands that deliver, or read the configuration as they do. */
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
