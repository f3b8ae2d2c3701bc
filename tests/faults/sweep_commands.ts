/** The commands that are swept, and what the queue holds when they begin. */

/** A command, and the state of the world that it meets. */
export interface SweptCommand {
  /** How it stands in the table. */
  readonly name: string;
  /** What is run. */
  readonly args: readonly string[];
  /** The subject that it sends, where it sends one. */
  readonly subject?: string;
  /** Subjects that were delivered before. */
  readonly delivered?: readonly string[];
  /** Subjects that wait in the queue. */
  readonly waiting?: readonly string[];
  /** Subjects that came by the side door later, since the journal refused them. */
  readonly sideDoor?: readonly string[];
  /** Whether the homeserver is down while it runs. */
  readonly isOutage?: boolean;
  /** What somebody appended to the journal before; nothing of it is a notification. */
  readonly ballast?: "torn line" | "long history";
}

const SUBJECT = "swept";
const SEND = ["send", SUBJECT, "", "--no-background"] as const;

/** Every command, by its name. None of them leaves a process behind, so that a fault hits one process and no other. */
export const COMMANDS: readonly SweptCommand[] = [
  { name: "send", args: SEND, subject: SUBJECT },
  { name: "send in an outage", args: SEND, subject: SUBJECT, isOutage: true },
  { name: "send --wait 0", args: [...SEND, "--wait", "0"], subject: SUBJECT },
  { name: "send onto a journal", args: SEND, subject: SUBJECT, delivered: ["first"] },
  { name: "send behind another", args: SEND, subject: SUBJECT, waiting: ["first"] },
  { name: "send behind a torn line", args: SEND, subject: SUBJECT, delivered: ["first"], ballast: "torn line" },
  { name: "flush", args: ["flush", "--no-background"], waiting: ["first", "second", "third"] },
  { name: "flush of the side door", args: ["flush", "--no-background"], sideDoor: ["first", "second"] },
  {
    name: "flush that compacts",
    args: ["flush", "--no-background"],
    waiting: ["first", "second", "third"],
    ballast: "long history",
  },
];

/** @throws {Error} when there is no such command */
export function commandNamed(name: string): SweptCommand {
  const command = COMMANDS.find((command) => command.name === name);
  if (command === undefined) {
    throw new Error(`Cannot sweep ${name}: known are ${COMMANDS.map(({ name }) => name).join(", ")}`);
  }
  return command;
}
