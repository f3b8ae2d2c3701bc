/** The commands of the sweep, and the state of the queue when they begin. */

import type { HomeserverFaultName } from "../../src/testing/mod.ts";

/** A command and the state that it finds. */
export interface SweptCommand {
  /** Its name in the table. */
  readonly name: string;
  /** Whether it sends a message, or delivers queued ones. */
  readonly role: "sender" | "deliverer";
  /**
   * The arguments. Subject and message of a sender are inserted. The background deliverer has its
   * own arguments.
   */
  readonly args: readonly string[] | "in the background";
  /** The message of a sender. @default {createMessage} */
  readonly message?: string;
  /** The name of an attachment of a sender, which is removed when the sender has ended. */
  readonly file?: string;
  /** Subjects of delivered messages. */
  readonly delivered?: readonly string[];
  /** Subjects of queued messages. */
  readonly waiting?: readonly string[];
  /** Subjects of queued messages that the homeserver accepted, but whose answer was lost. */
  readonly inDoubt?: readonly string[];
  /** Subjects of later messages that are in the spool, because the lock was held. */
  readonly spooled?: readonly string[];
  /** Whether the homeserver is down during the command. */
  readonly isOutage?: boolean;
  /** The fault of the first request to the homeserver. */
  readonly fault?: HomeserverFaultName;
  /** Further bytes in the journal, without notifications. */
  readonly ballast?: "torn line" | "long history";
}

/** The subject of a sender. */
export const SUBJECT = "swept";

const ALONE = ["--no-background"] as const;
const FLUSH = ["flush", ...ALONE] as const;
const THREE = ["first", "second", "third"] as const;
const MANY: readonly string[] = Array.from({ length: 12 }, (_, at) => `number ${at}`);

/** All commands. None starts a background process, so that a fault affects one process. */
export const COMMANDS: readonly SweptCommand[] = [
  { name: "send", role: "sender", args: ALONE },
  { name: "send in an outage", role: "sender", args: ALONE, isOutage: true },
  { name: "send --wait 0", role: "sender", args: [...ALONE, "--wait", "0"] },
  { name: "send to an existing journal", role: "sender", args: ALONE, delivered: ["first"] },
  { name: "send while another is queued", role: "sender", args: ALONE, waiting: ["first"] },
  { name: "send after a torn line", role: "sender", args: ALONE, delivered: ["first"], ballast: "torn line" },
  {
    name: "send of a long message",
    role: "sender",
    args: ALONE,
    message: "äx\n".repeat(5_000) + "end",
    waiting: ["first"],
  },
  { name: "send while the spool has files", role: "sender", args: ALONE, spooled: ["first"] },
  { name: "send that compacts", role: "sender", args: ALONE, waiting: ["first"], ballast: "long history" },
  { name: "send whose answer is lost", role: "sender", args: ALONE, fault: "drop-after-persisting" },
  { name: "send with a file", role: "sender", args: ALONE, file: "swept.txt" },
  { name: "send with a file in an outage", role: "sender", args: ALONE, file: "swept.txt", isOutage: true },
  { name: "flush", role: "deliverer", args: FLUSH, waiting: THREE },
  { name: "flush of many", role: "deliverer", args: FLUSH, waiting: MANY },
  { name: "flush of the spool", role: "deliverer", args: FLUSH, spooled: ["first", "second"] },
  { name: "flush that compacts", role: "deliverer", args: FLUSH, waiting: THREE, ballast: "long history" },
  { name: "flush in doubt", role: "deliverer", args: FLUSH, inDoubt: ["first"], waiting: ["second"] },
  { name: "deliverer in the background", role: "deliverer", args: "in the background", waiting: THREE },
];

/** Finds a command. @throws {Error} if it does not exist */
export function commandNamed(name: string): SweptCommand {
  const command = COMMANDS.find((command) => command.name === name);
  if (command === undefined) {
    throw new Error(`Cannot sweep ${name}: known are ${COMMANDS.map(({ name }) => name).join(", ")}`);
  }
  return command;
}
