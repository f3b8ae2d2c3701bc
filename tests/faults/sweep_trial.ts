/**
 * One injection and its judgement: run the command with the fault, then everything without it, and
 * look into the room.
 *
 * @module
 */

import { subjectOf } from "./oracle.ts";
import { tell } from "./process.ts";
import { SUBJECT, type SweptCommand } from "./sweep_commands.ts";
import type { Fault, Syscall } from "./sweep_faults.ts";
import { furnish, runTraced, type TracedEnding } from "./sweep_scene.ts";
import type { Tally } from "./tally.ts";
import type { World } from "./world.ts";

/** What became of one injection. */
export interface Trial extends Tally {
  /** Whether the program made that many calls, so that the fault happened. */
  readonly fired: boolean;
}

/**
 * Exit codes that say that the disk did not do its part, or that something is left to do. The
 * deliverer in the background says 70.
 */
const HONEST_CODES: readonly number[] = [0, 70, 74, 75, 77];

/** Brings a fault about in the n-th call of a name, and judges. */
export async function attemptTrial(command: SweptCommand, fault: Fault, syscall: Syscall, n: number): Promise<Trial> {
  await using world = await furnish(command);
  const swept = await runTraced(world, command, { fault, syscall, n });
  const fired = swept.signal === "SIGKILL" || swept.trace.includes("(INJECTED)");
  const conduct = fired || swept.code === 0 ? conductOf(command, swept, world) : [`it fails by itself: ${tell(swept)}`];
  await world.homeserver.clearFaults();
  if (command.isOutage) await world.homeserver.restart();
  const tally = await world.aftermath();
  world.keepsEvidence ||= conduct.length > 0;
  return {
    ...tally,
    fired,
    injections: fired ? 1 : 0,
    problems: [...conduct, ...tally.problems],
    evidence: world.keepsEvidence ? [world.directory] : [],
  };
}

/** What the command said, against what the room had seen by then. */
function conductOf({ args, role, ...command }: SweptCommand, swept: TracedEnding, world: World): string[] {
  const { waiting = [], doubtful = [], sideDoor = [] } = command;
  const heard = world.heard().map(({ body }) => subjectOf(body));
  const problems = [];
  if (swept.code === undefined && swept.signal !== "SIGKILL") problems.push("it does not end");
  const codes = HONEST_CODES.filter((code) => code !== 70 || args === "in the background");
  if (swept.code !== undefined && !codes.includes(swept.code)) problems.push(`exit code: ${tell(swept)}`);
  const claimsAll = role === "deliverer" && swept.code === 0 && args !== "in the background";
  const claimed = claimsAll ? [...doubtful, ...waiting, ...sideDoor] : [];
  if (role === "sender" && /^delivered /.test(swept.text)) claimed.push(SUBJECT);
  return problems.concat(
    claimed.filter((each) => !heard.includes(each)).map((each) => `said to be delivered: ${each}`),
  );
}
