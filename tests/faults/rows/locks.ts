/** Rows 8, 9 and 10: many processes, and a stopped one. */

import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { denoFiles } from "../../../src/runtime/files.ts";
import { works } from "../process.ts";
import { NOTHING, notRun, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { type Excuses, findFailure, World, type WorldOptions } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";

/** Rows 8 to 10. */
export const LOCK_ROWS: readonly Row[] = [
  {
    number: 8,
    fault: "a process that is stopped while it holds a lock",
    how: "SIGSTOP of the holder of `lock` or `deliver.lock`; three concurrent senders send three times",
    run: async (effort) => {
      if (!works("flock", "--version")) return notRun("flock is not installed");
      const cases = pairs(["lock", "deliver.lock"], ["killed", "goes on"] as const);
      return await tallyEach(
        sample(cases, effort, 3),
        effort.jobs,
        ([lock, end]) => stopped(lock, end, effort.isQuick),
      );
    },
  },
  {
    number: 9,
    fault: "two and more deliverers at the same time",
    how: "flushes and background deliverers start together on ten entries; the server ignores transaction ids",
    run: async (effort) =>
      await tallyEach(sample(Array.from({ length: 20 }, (_, at) => 2 + at % 4), effort, 7), 1, manyDeliverers),
  },
  {
    number: 10,
    fault: "100 senders at the same time",
    how: "100 processes, or ten scripts with ten sends each; homeserver up or down",
    run: async (effort) => await tallyEach(sample(pairs([100, 10], [false, true]), effort, 4), 1, manySenders),
  },
];

async function stopped(lock: string, end: "killed" | "goes on", isQuick: boolean): Promise<Tally> {
  await using world = await World.open();
  await world.notify("waiting", { waitMs: 0 });
  const path = `${world.stateDir}/queue/${lock}`;
  denoFiles.open(path, "append")[Symbol.dispose]();
  const holder = new Deno.Command("flock", { args: ["-F", path, "sleep", "600"] }).spawn();
  while (!works("sh", "-c", `! flock -n ${path} true`)) await new Promise((resolve) => setTimeout(resolve, 5));
  holder.kill("SIGSTOP");
  const sendMessages = async (sender: number) => {
    const problems: string[] = [];
    for (let at = 0; at < (isQuick ? 1 : 3); at++) {
      const subject = `sender ${sender}, number ${at}`;
      problems.push(...findFailure(subject, await world.send(subject, { args: ["--no-background", "--wait", "1s"] })));
    }
    return problems;
  };
  const problems = (await Promise.all([0, 1, 2].map(sendMessages))).flat();
  if (end === "goes on") holder.kill("SIGCONT");
  holder.kill(end === "killed" ? "SIGKILL" : "SIGTERM");
  await holder.status;
  return sum([{ ...NOTHING, injections: isQuick ? 3 : 9 }, problem(...problems), await world.recover()]);
}

/** A server that ignores transaction ids: a message that is sent twice arrives twice. */
const FORGETFUL: WorldOptions & Excuses = { software: "Dendrite", transactions: "none", mayCount: true };

async function manyDeliverers(count: number): Promise<Tally> {
  await using world = await World.open(FORGETFUL);
  world.disableBatches();
  for (let at = 0; at < 10; at++) await world.notify(`waiting ${at}`, { waitMs: 0 });
  world.homeserver.fault("slow-after-persisting", { delayMs: 20 });
  const word = JSON.stringify({ stateDir: world.stateDir });
  const deliverers = Array.from(
    { length: count },
    (_, at) => at % 2 === 0 ? [DELIVERER_COMMAND, word] : ["flush", "--no-background"],
  );
  const endings = await Promise.all(deliverers.map((args) => world.start(args).ending));
  const problems = endings.flatMap((ending, at) => findFailure(deliverers[at][0], ending));
  return sum([{ ...NOTHING, injections: count }, problem(...problems), await world.recover(FORGETFUL)]);
}

/** Sends a hundred messages by several concurrent senders. */
async function manySenders([senders, isOutage]: [number, boolean]): Promise<Tally> {
  await using world = await World.open(FORGETFUL);
  if (isOutage) await world.homeserver.stop();
  const sendMessages = async (sender: number) => {
    const problems: string[] = [];
    for (let at = 0; at < 100 / senders; at++) {
      const subject = `sender ${sender}, number ${at}`;
      problems.push(...findFailure(subject, await world.send(subject, { args: ["--no-background"] })));
    }
    return problems;
  };
  const problems = (await Promise.all(Array.from({ length: senders }, (_, sender) => sendMessages(sender)))).flat();
  if (isOutage) await world.homeserver.restart();
  const tally = await world.recover(FORGETFUL);
  const count = world.received().length - 1;
  if (count !== 100) problems.push(`there are ${count} messages instead of 100`);
  return sum([{ ...NOTHING, injections: 100 }, problem(...problems), tally]);
}
