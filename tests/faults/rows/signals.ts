/** Row 25: signals that ask to end, and no memory. */

import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { seededDice } from "../crash_dice.ts";
import { tell } from "../process.ts";
import { ONE, placed, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { answerOf, messageFor, World } from "../world.ts";
import { type Effort, pairs, type Row, sample } from "./row.ts";

const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;
const COMMANDS = ["send", "flush", "in the background"] as const;
const ROUNDS = 20;

/** Longer than anybody needs who was asked to end. */
const PATIENCE_MS = 10_000;

/** Row 25. */
export const SIGNAL_ROW: Row = {
  number: 25,
  fault: "SIGTERM, SIGHUP, SIGINT; no memory",
  how: "signals at random moments to send, flush and the deliverer; ulimit -v in steps",
  run: async (effort) => sum([await signalled(effort), await starved(effort)]),
};

async function signalled(effort: Effort): Promise<Tally> {
  const rounds = Array.from({ length: ROUNDS }, (_, at) => at);
  const cases = pairs(pairs(SIGNALS, COMMANDS), rounds);
  return await tallyEach(sample(cases, effort, 11), effort.jobs, async ([[signal, command], round]) => {
    await using world = await World.open();
    for (let at = 0; at < 5; at++) await world.say(`waiting ${at}`, { waitMs: 0 });
    // Answers that take their time, so that somebody is on the way.
    if (round % 2 === 0) world.homeserver.fault("slow-after-persisting", { delayMs: 30 });
    const began = world.tick();
    const { pid, ending } = world.start(argsOf(command, world));
    const delayMs = seededDice(round + 1)(160);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const asked = Date.now();
    end(pid, signal);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(pid, "SIGKILL");
    }, signal === "SIGHUP" ? 6 * PATIENCE_MS : PATIENCE_MS);
    const ended = await ending;
    clearTimeout(timer);
    const answer = ended.signal === null && ended.code === 0 ? "acknowledged" : answerOf({ ...ended, code: undefined });
    if (command === "send") {
      world.note({ lane: world.rooms[0], subject: "sent", message: messageFor("sent"), answer, began });
    }
    await world.homeserver.clearFaults();
    const problems = late ? [`it did not end within ${Date.now() - asked} ms: ${tell(ended)}`] : [];
    const where = `${signal} to ${command} after ${delayMs} ms`;
    return placed(where, sum([ONE, problem(...problems), await world.aftermath()]));
  });
}

function argsOf(command: typeof COMMANDS[number], { stateDir }: World): string[] {
  if (command === "send") return ["send", "sent", messageFor("sent"), "--no-background"];
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

/** Address space in MiB, from where nothing starts to where everything does. */
async function starved(effort: Effort): Promise<Tally> {
  const limits = Array.from({ length: 20 }, (_, at) => Math.round(64 * 1.5 ** at));
  return await tallyEach(sample(limits, effort), effort.jobs, async (mib) => {
    await using world = await World.open();
    await world.say("waiting", { waitMs: 0 });
    const through = ["bash", "-c", `ulimit -v ${mib * 1024}; exec "$@"`, "bash"];
    await world.send("starved", { args: ["--no-background"], through, mayBeHalfTaken: true });
    await world.start(["flush", "--no-background"], { through }).ending;
    return placed(`${mib} MiB`, sum([{ ...ONE, injections: 2 }, await world.aftermath()]));
  });
}
