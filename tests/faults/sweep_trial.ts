/** One injection: runs the command with the fault, then judges. */

import { findSubject } from "./oracle.ts";
import { formatEnding } from "./process.ts";
import { SUBJECT, type SweptCommand } from "./sweep_commands.ts";
import type { Fault, Syscall } from "./sweep_faults.ts";
import { prepareWorld, runTraced, type TracedEnding } from "./sweep_scene.ts";
import type { Tally } from "./tally.ts";
import type { World } from "./world.ts";

/** The result of one injection. */
export interface Trial extends Tally {
  /** Whether the fault happened: the program made that many calls. */
  readonly fired: boolean;
}

/**
 * Exit codes that report a problem of the disk or pending messages. The background deliverer
 * returns 70.
 */
const HONEST_CODES: readonly number[] = [0, 70, 74, 75, 77];

/** Injects a fault into the n-th call of a name, and judges. */
export async function attemptTrial(command: SweptCommand, fault: Fault, syscall: Syscall, n: number): Promise<Trial> {
  await using world = await prepareWorld(command);
  const swept = await runTraced(world, command, { fault, syscall, n });
  const fired = swept.signal === "SIGKILL" || swept.trace.includes("(INJECTED)");
  const falseClaims = fired || swept.code === 0
    ? findFalseClaims(command, swept, world)
    : [`it fails without a fault: ${formatEnding(swept)}`];
  await world.homeserver.clearFaults();
  if (command.isOutage) await world.homeserver.restart();
  const tally = await world.recover();
  world.keepsEvidence ||= falseClaims.length > 0;
  return {
    ...tally,
    fired,
    injections: fired ? 1 : 0,
    problems: [...falseClaims, ...tally.problems],
    evidence: world.keepsEvidence ? [world.directory] : [],
  };
}

/** Compares the claims of the command with the room at that time. */
function findFalseClaims({ args, role, ...command }: SweptCommand, swept: TracedEnding, world: World): string[] {
  const { waiting = [], inDoubt = [], spooled = [] } = command;
  const received = world.received().map(({ body }) => findSubject(body));
  const problems = [];
  if (swept.code === undefined && swept.signal !== "SIGKILL") problems.push("it does not end");
  const codes = HONEST_CODES.filter((code) => code !== 70 || args === "in the background");
  if (swept.code !== undefined && !codes.includes(swept.code)) problems.push(`exit code: ${formatEnding(swept)}`);
  const claimsAll = role === "deliverer" && swept.code === 0 && args !== "in the background";
  const claimed = claimsAll ? [...inDoubt, ...waiting, ...spooled] : [];
  if (role === "sender" && /^delivered /.test(swept.text)) claimed.push(SUBJECT);
  return problems.concat(
    claimed.filter((each) => !received.includes(each)).map((each) => `reported as delivered, but missing: ${each}`),
  );
}
