/** The commands that look into the queue, and decide about what is there. */

import type { Command } from "../command.ts";
import { DELIVERY_OPTIONS, JSON_OPTION } from "./options.ts";

/** In the order of the help. */
export const QUEUE_COMMANDS: readonly Command[] = [
  {
    name: "queue list",
    summary: "List what is in the queue",
    operands: "",
    operandCount: [0, 0],
    options: [{ name: "dead", summary: "only the dead letters" }, JSON_OPTION],
    load: async () => (await import("../commands/queue.ts")).list,
  },
  {
    name: "queue show",
    summary: "Show one entry, whole",
    operands: "ID",
    operandCount: [1, 1],
    options: [JSON_OPTION],
    details: ["The beginning of an id is enough where only one entry has it."],
    load: async () => (await import("../commands/queue.ts")).show,
  },
  {
    name: "queue retry",
    summary: "Try entries again now, dead ones too",
    operands: "[ID...]",
    operandCount: [0, Infinity],
    options: [
      { name: "dead", summary: "all dead letters" },
      { name: "all", summary: "everything" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "They do not wait for quiet hours or a pace, and have a new expiry of 14 days. With --all a fallback keeps its time. The\n" +
      "beginning of an id is enough where only one entry has it; the member of a digest goes with all of it.",
    ],
    load: async () => (await import("../commands/queue.ts")).retry,
  },
  {
    name: "queue drop",
    summary: "Remove entries for good",
    operands: "[ID...]",
    operandCount: [0, Infinity],
    options: [{ name: "dead", summary: "all dead letters" }],
    details: [
      "The beginning of an id is enough where only one entry has it. The member of a digest goes with all of it.",
    ],
    load: async () => (await import("../commands/queue.ts")).drop,
  },
  {
    name: "queue export",
    summary: "Write what is in the queue as JSON lines",
    operands: "[FILE]",
    operandCount: [0, 1],
    options: [{ name: "dead", summary: "only the dead letters" }],
    details: [
      "The lines are those of queue list --json. Without FILE, or with -, they go to standard output. A FILE must be a new\n" +
      "one; only its owner can read it, and with exit 0 it is on the disk, whole. Nothing leaves the queue: see queue drop.",
    ],
    examples: [
      "matrix-notify queue export --dead letters.jsonl && matrix-notify queue drop $(jq -r .id letters.jsonl)",
    ],
    load: async () => (await import("../commands/queue_export.ts")).exportEntries,
  },
  {
    name: "queue purge",
    summary: "Remove everything for good",
    operands: "",
    operandCount: [0, 0],
    options: [{ name: "yes", summary: "yes, really" }],
    load: async () => (await import("../commands/queue.ts")).purge,
  },
];
