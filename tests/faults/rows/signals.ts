/** Row 25: signals that end a process, and too little memory. */

import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { seededDice } from "../crash_dice.ts";
import { formatEnding } from "../process.ts";
import { ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { createMessage, toAnswer, World } from "../world.ts";
import { type Effort, pairs, type Row, sample } from "./row.ts";

const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;
const COMMANDS = ["send", "flush", "in the background"] as const;
const ROUNDS = 20;

/** A process must end within this time. */
const END_LIMIT_MS = 10_000;

/** Row 25. */
export const SIGNAL_ROW: Row = {
  number: 25,
  fault: "SIGTERM, SIGHUP, SIGINT; too little memory",
  how: "signals at random moments to `send`, `flush` and the deliverer; `ulimit -v` in steps",
  run: async (effort) => sum([await signalled(effort), await starved(effort)]),
};

async function signalled(effort: Effort): Promise<Tally> {
  const rounds = Array.from({ length: ROUNDS }, (_, at) => at);
  const cases = pairs(pairs(SIGNALS, COMMANDS), rounds);
  return await tallyEach(sample(cases, effort, 11), effort.jobs, async ([[signal, command], round]) => {
    await using world = await World.open();
    for (let at = 0; at < 5; at++) await world.notify(`waiting ${at}`, { waitMs: 0 });
    // Slow answers, so that requests are open.
    if (round % 2 === 0) world.homeserver.fault("slow-after-persisting", { delayMs: 30 });
    const began = world.tick();
    const { pid, ending } = world.start(argsOf(command, world));
    const delayMs = seededDice(round + 1)(160);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const signalledAt = Date.now();
    end(pid, signal);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(pid, "SIGKILL");
    }, signal === "SIGHUP" ? 6 * END_LIMIT_MS : END_LIMIT_MS);
    const ended = await ending;
    clearTimeout(timer);
    const answer = ended.signal === null && ended.code === 0 ? "acknowledged" : toAnswer({ ...ended, code: undefined });
    if (command === "send") {
      world.record({ lane: world.rooms[0], subject: "sent", message: createMessage("sent"), answer, began });
    }
    await world.homeserver.clearFaults();
    const problems = late ? [`it did not end within ${Date.now() - signalledAt} ms: ${formatEnding(ended)}`] : [];
    const where = `${signal} to ${command} after ${delayMs} ms`;
    return prefixProblems(where, sum([ONE, problem(...problems), await world.recover()]));
  });
}

function argsOf(command: typeof COMMANDS[number], { stateDir }: World): string[] {
  if (command === "send") return ["send", "sent", createMessage("sent"), "--no-background"];
  if (command === "flush") return ["flush", "--no-background"];
  return [DELIVERER_COMMAND, JSON.stringify({ stateDir })];
}

function end(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Limits the address space in MiB, from too little to enough. */
async function starved(effort: Effort): Promise<Tally> {
  const limits = Array.from({ length: 20 }, (_, at) => Math.round(64 * 1.5 ** at));
  return await tallyEach(sample(limits, effort), effort.jobs, async (mib) => {
    await using world = await World.open();
    await world.notify("waiting", { waitMs: 0 });
    const through = ["bash", "-c", `ulimit -v ${mib * 1024}; exec "$@"`, "bash"];
    await world.send("starved", { args: ["--no-background"], through, mayBeDelivered: true });
    await world.start(["flush", "--no-background"], { through }).ending;
    return prefixProblems(`${mib} MiB`, sum([{ ...ONE, injections: 2 }, await world.recover()]));
  });
}
