/**
 * One injection and its judgement: run the command with the fault, then everything without it, and look into the room.
 *
 * @module
 */

import type { SweptCommand } from "./sweep_commands.ts";
import { type Fault, injection, type Syscall } from "./sweep_faults.ts";
import { type Ending, Scene } from "./sweep_scene.ts";

/** What became of one injection. */
export interface Trial {
  /** Whether the program made that many calls, so that the fault happened. */
  readonly fired: boolean;
  /** What was acknowledged, or waited before, and is not in the room. */
  readonly losses: readonly string[];
  /** What is in the room more than once. */
  readonly duplicates: readonly string[];
  /** What was refused, and is in the room all the same, in words: no message is lost, but whoever heard the refusal may send it again. */
  readonly halfTaken: readonly string[];
  /** The whole order of the room, where it is not the order in which everything was acknowledged. */
  readonly disorder: readonly string[];
  /** Whatever else should not be, and each loss and duplicate, in words. */
  readonly problems: readonly string[];
}

/** The subject that is sent when the fault is gone. */
const AFTERWARDS = "afterwards";

/** Exit codes that say that the disk did not do its part, or that something is left to do. */
const HONEST_CODES: readonly number[] = [0, 74, 75, 77];

/** Brings a fault about in the n-th call of a name, and judges. */
export async function attemptTrial(command: SweptCommand, fault: Fault, syscall: Syscall, n: number): Promise<Trial> {
  await using scene = await Scene.open(command);
  const swept = await scene.runTraced(command.args, injection(fault, syscall, n));
  const heard = scene.subjects();
  if (command.isOutage) await scene.homeserver.restart();
  const fired = swept.signal === "SIGKILL" || swept.trace.includes("(INJECTED)");
  const problems = fired || swept.code === 0
    ? conductOf(command, swept, heard)
    : [`it fails by itself: ${tell(swept)}`];
  problems.push(...await recover(scene));
  const subjects = scene.subjects();
  return { fired, ...judge(command, fault, { swept, subjects, problems }) };
}

/** What the command said, against what the room had seen by then. */
function conductOf(
  { subject, waiting = [], sideDoor = [] }: SweptCommand,
  swept: Ending,
  heard: readonly string[],
): string[] {
  const problems = [];
  if (swept.code === undefined && swept.signal !== "SIGKILL") problems.push("it does not end");
  if (swept.code !== undefined && !HONEST_CODES.includes(swept.code)) problems.push(`exit code: ${tell(swept)}`);
  const claimed = subject === undefined && swept.code === 0 ? [...waiting, ...sideDoor] : [];
  problems.push(...claimed.filter((each) => !heard.includes(each)).map((each) => `said to be delivered: ${each}`));
  if (subject !== undefined && /^delivered /.test(swept.text) && !heard.includes(subject)) {
    problems.push(`said to be delivered: ${subject}`);
  }
  return problems;
}

/** The fault is gone: everything must work, and nothing may wait in the end. */
async function recover(scene: Scene): Promise<string[]> {
  const problems = [];
  const send = await scene.run(["send", AFTERWARDS, "", "--no-background"]);
  if (send.code !== 0) problems.push(`the next send: ${tell(send)}`);
  const flush = await scene.run(["flush", "--no-background"]);
  if (flush.code !== 0) problems.push(`the next flush: ${tell(flush)}`);
  const status = await scene.run(["status", "--json"]);
  if (status.code !== 0) return [...problems, `the status: ${tell(status)}`];
  const { queued, deferred, held, dead, possibleDuplicates } = JSON.parse(status.text);
  if (queued + deferred + held + dead + possibleDuplicates > 0) problems.push(`the status: ${status.text}`);
  return problems;
}

function judge(
  { subject, delivered = [], waiting = [], sideDoor = [] }: SweptCommand,
  { excusesHalfTaken }: Fault,
  { swept, subjects, problems }: { swept: Ending; subjects: readonly string[]; problems: readonly string[] },
): Omit<Trial, "fired"> {
  const mine = subject === undefined ? [] : [subject];
  const order = [...delivered, ...waiting, ...sideDoor, ...mine, AFTERWARDS];
  const owed = swept.code === 0 ? order : order.filter((each) => !mine.includes(each));
  const losses = owed.filter((each) => !subjects.includes(each));
  const duplicates = order.filter((each) => subjects.filter((seen) => seen === each).length > 1);
  const isRefused = swept.code !== undefined && swept.code !== 0;
  const halfTaken = isRefused && !excusesHalfTaken ? mine.filter((each) => subjects.includes(each)) : [];
  const places = [...new Set(subjects)].map((each) => order.indexOf(each));
  const all = [
    ...problems,
    ...losses.map((each) => `lost: ${each}`),
    ...duplicates.map((each) => `more than once: ${each}`),
  ];
  if (places.includes(-1)) all.push(`unknown: ${subjects.filter((each) => !order.includes(each))}`);
  const isDisordered = places.some((place, at) => at > 0 && place < places[at - 1]);
  return {
    losses,
    duplicates,
    halfTaken: halfTaken.map((each) => `refused, and delivered: ${each} (${tell(swept)})`),
    disorder: isDisordered ? [`out of order: ${subjects}`] : [],
    problems: all,
  };
}

function tell({ code, signal, text }: Ending): string {
  return `exit ${code ?? signal}: ${text.replaceAll("\n", " / ")}`;
}
