/** Every command, as data. */

import type { Command } from "./command.ts";
import { ACCOUNTS_COMMANDS } from "./table/accounts.ts";
import { QUEUE_COMMANDS } from "./table/queue.ts";
import { SETUP_COMMANDS } from "./table/setup.ts";
import { SENDING_COMMANDS } from "./table/sending.ts";
import { UPKEEP_COMMANDS } from "./table/upkeep.ts";

/** The commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...SETUP_COMMANDS,
  ...SENDING_COMMANDS,
  ...QUEUE_COMMANDS,
  ...UPKEEP_COMMANDS,
  ...ACCOUNTS_COMMANDS,
  {
    name: "demo",
    summary: "Show the promise kept: an outage, a kill, a flush, each message once and in order",
    operands: "",
    operandCount: [0, 0],
    options: [],
    details: [
      "Runs against a homeserver within the process and a temporary directory. Needs no account, leaves nothing behind.",
    ],
    load: async () => (await import("./commands/demo.ts")).demo,
  },
];
