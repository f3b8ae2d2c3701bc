/** The commands that are swept, and what the world is like when they begin. */

import type { HomeserverFaultName } from "../../src/testing/mod.ts";

/** A command, and the state of the world that it meets. */
export interface SweptCommand {
  /** How it stands in the table. */
  readonly name: string;
  /** Whether it is about somebody who sends, or somebody who delivers what others left. */
  readonly role: "sender" | "deliverer";
  /**
   * What is run; a sender's subject and message stand in between. The deliverer in the background
   * has arguments of its own.
   */
  readonly args: readonly string[] | "in the background";
  /** The message that a sender sends. @default {messageFor} */
  readonly message?: string;
  /** The name of a file that a sender sends with it, and that is gone as soon as the sender is. */
  readonly file?: string;
  /** Subjects that were delivered before. */
  readonly delivered?: readonly string[];
  /** Subjects that wait in the queue. */
  readonly waiting?: readonly string[];
  /** Subjects that wait because the homeserver took them and the answer was lost. */
  readonly doubtful?: readonly string[];
  /** Subjects that came by the side door later, since nobody let go of the lock. */
  readonly sideDoor?: readonly string[];
  /** Whether the homeserver is down while it runs. */
  readonly isOutage?: boolean;
  /** How the homeserver treats its first request. */
  readonly mood?: HomeserverFaultName;
  /** What somebody appended to the journal before; nothing of it is a notification. */
  readonly ballast?: "torn line" | "long history";
}

/** The subject that a sender sends. */
export const SUBJECT = "swept";

const ALONE = ["--no-background"] as const;
const FLUSH = ["flush", ...ALONE] as const;
const THREE = ["first", "second", "third"] as const;
const MANY: readonly string[] = Array.from({ length: 12 }, (_, at) => `number ${at}`);

/**
 * Every command, by its name. None of them leaves a process behind, so that a fault hits one
 * process and no other.
 */
export const COMMANDS: readonly SweptCommand[] = [
  { name: "send", role: "sender", args: ALONE },
  { name: "send in an outage", role: "sender", args: ALONE, isOutage: true },
  { name: "send --wait 0", role: "sender", args: [...ALONE, "--wait", "0"] },
  { name: "send onto a journal", role: "sender", args: ALONE, delivered: ["first"] },
  { name: "send behind another", role: "sender", args: ALONE, waiting: ["first"] },
  { name: "send behind a torn line", role: "sender", args: ALONE, delivered: ["first"], ballast: "torn line" },
  { name: "send of much", role: "sender", args: ALONE, message: "äx\n".repeat(5_000) + "end", waiting: ["first"] },
  { name: "send beside the side door", role: "sender", args: ALONE, sideDoor: ["first"] },
  { name: "send that compacts", role: "sender", args: ALONE, waiting: ["first"], ballast: "long history" },
  { name: "send whose answer is lost", role: "sender", args: ALONE, mood: "drop-after-persisting" },
  { name: "send with a file", role: "sender", args: ALONE, file: "swept.txt" },
  { name: "send with a file in an outage", role: "sender", args: ALONE, file: "swept.txt", isOutage: true },
  { name: "flush", role: "deliverer", args: FLUSH, waiting: THREE },
  { name: "flush of many", role: "deliverer", args: FLUSH, waiting: MANY },
  { name: "flush of the side door", role: "deliverer", args: FLUSH, sideDoor: ["first", "second"] },
  { name: "flush that compacts", role: "deliverer", args: FLUSH, waiting: THREE, ballast: "long history" },
  { name: "flush in doubt", role: "deliverer", args: FLUSH, doubtful: ["first"], waiting: ["second"] },
  { name: "deliverer in the background", role: "deliverer", args: "in the background", waiting: THREE },
];

/** @throws {Error} when there is no such command */
export function commandNamed(name: string): SweptCommand {
  const command = COMMANDS.find((command) => command.name === name);
  if (command === undefined) {
    throw new Error(`Cannot sweep ${name}: known are ${COMMANDS.map(({ name }) => name).join(", ")}`);
  }
  return command;
}
