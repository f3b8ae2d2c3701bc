/** The commands that look after the whole. */

import { SEVERITIES } from "../../notification/notification.ts";
import type { Command } from "../command.ts";
import { CHECK_MEANINGS, DOCTOR_MEANINGS } from "../exit_codes.ts";
import { DELIVERY_OPTIONS, INSECURE_HTTP_OPTION, JSON_OPTION } from "./options.ts";

/** In the order of the help. */
export const UPKEEP_COMMANDS: readonly Command[] = [
  {
    name: "status",
    summary: "Tell how the queue is",
    operands: "",
    operandCount: [0, 0],
    options: [
      JSON_OPTION,
      { name: "check", summary: "be a monitoring plug-in: one line with performance data, and its exit codes" },
      { name: "max-age", value: "DURATION", summary: "with --check: how long an entry may wait (default 15m)" },
    ],
    details: [
      `Exit codes with --check, other than those of sysexits:\n${
        CHECK_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join("\n")
      }`,
      "Dead letters warn until somebody decides about them: queue export, queue retry, queue drop. Torn lines, which nobody\n" +
      "was told are queued, and possible duplicates are counted and are no alarm. It needs to read the queue: run it as the\n" +
      "owner of the state directory, and name that with --state-dir where the monitoring system is another user.",
    ],
    examples: ["matrix-notify status --check --max-age 30m --state-dir /var/lib/matrix-notify"],
    load: async () => (await import("../commands/status.ts")).status,
  },
  {
    name: "doctor",
    summary: "Look for what is wrong, and say what mends it",
    operands: "",
    operandCount: [0, 0],
    options: [
      { name: "send", summary: "send a test message by every configured channel too" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Looks at configuration, host, clock, disk and queue, and at each channel: connection, server, account, room. Without\n" +
      "--send nothing is sent and nothing is changed, but that a session whose token is over is renewed.",
      `Exit codes, other than those of sysexits:\n${
        DOCTOR_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join("\n")
      }`,
    ],
    load: async () => (await import("../commands/doctor.ts")).doctor,
  },
  {
    name: "route explain",
    summary: "Show where a notification would go, and why",
    operands: "SUBJECT",
    operandCount: [1, 1],
    options: [
      { name: "origin", value: "NAME", summary: "who speaks" },
      { name: "severity", value: "S", oneOf: SEVERITIES, summary: "how much it matters (default info)" },
      { name: "key", value: "KEY", summary: "what it is about" },
      { name: "silent", summary: "as if it were sent with --silent" },
      { name: "room", value: "ROOM", summary: "as if it were sent with --room" },
      { name: "channel", value: "NAME", repeats: true, summary: "as if it were sent with --channel" },
      JSON_OPTION,
      INSECURE_HTTP_OPTION,
    ],
    details: [
      "Asks the rules of the configuration, and sends nothing. --channel and --room count before what rules choose.",
    ],
    examples: ['matrix-notify route explain "Certificate renewed" --origin check-certificates'],
    load: async () => (await import("../commands/route.ts")).explain,
  },
  {
    name: "config check",
    summary: "Tell every mistake in the configuration",
    operands: "",
    operandCount: [0, 0],
    options: [JSON_OPTION, INSECURE_HTTP_OPTION],
    details: ["Reads the file, the environment and the files that they name. Exit 0: no mistakes; 78: some."],
    load: async () => (await import("../commands/config.ts")).check,
  },
  {
    name: "config show",
    summary: "Show the configuration in effect, and where each value comes from",
    operands: "",
    operandCount: [0, 0],
    options: [JSON_OPTION, ...DELIVERY_OPTIONS],
    details: ["Secrets are not shown."],
    load: async () => (await import("../commands/config.ts")).show,
  },
  {
    name: "config schema",
    summary: "Print the JSON schema of the configuration file",
    operands: "",
    operandCount: [0, 0],
    options: [],
    load: async () => (await import("../commands/config.ts")).schema,
  },
];
