/** Rows 8, 9 and 10: many processes, and one that stands still. */

import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { denoFiles } from "../../../src/runtime/files.ts";
import { works } from "../process.ts";
import { NOTHING, notRun, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { complaint, type Excuses, World, type WorldOptions } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";

/** Rows 8 to 10. */
export const LOCK_ROWS: readonly Row[] = [
  {
    number: 8,
    fault: "a process that was stopped while it holds a lock",
    how: "SIGSTOP of a holder of lock or deliver.lock; three senders in turn, beside three others",
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
    fault: "two and more deliverers at once",
    how:
      "flushes and deliverers in the background, started together on a queue of ten, to a server that remembers nothing",
    run: async (effort) =>
      await tallyEach(sample(Array.from({ length: 20 }, (_, at) => 2 + at % 4), effort, 7), 1, manyDeliverers),
  },
  {
    number: 10,
    fault: "100 senders at once",
    how: "100 processes; and ten scripts of ten; with the homeserver up and down",
    run: async (effort) => await tallyEach(sample(pairs([100, 10], [false, true]), effort, 4), 1, manySenders),
  },
];

async function stopped(lock: string, end: "killed" | "goes on", isQuick: boolean): Promise<Tally> {
  await using world = await World.open();
  await world.say("waiting", { waitMs: 0 });
  const path = `${world.stateDir}/queue/${lock}`;
  denoFiles.open(path, "append")[Symbol.dispose]();
  const holder = new Deno.Command("flock", { args: ["-F", path, "sleep", "600"] }).spawn();
  while (!works("sh", "-c", `! flock -n ${path} true`)) await new Promise((resolve) => setTimeout(resolve, 5));
  holder.kill("SIGSTOP");
  const speak = async (sender: number) => {
    const problems: string[] = [];
    for (let at = 0; at < (isQuick ? 1 : 3); at++) {
      const subject = `sender ${sender}, number ${at}`;
      problems.push(...complaint(subject, await world.send(subject, { args: ["--no-background", "--wait", "1s"] })));
    }
    return problems;
  };
  const problems = (await Promise.all([0, 1, 2].map(speak))).flat();
  if (end === "goes on") holder.kill("SIGCONT");
  holder.kill(end === "killed" ? "SIGKILL" : "SIGTERM");
  await holder.status;
  return sum([{ ...NOTHING, injections: isQuick ? 3 : 9 }, problem(...problems), await world.aftermath()]);
}

/** The server remembers nothing, so that whatever is sent twice is there twice. */
const FORGETFUL: WorldOptions & Excuses = { software: "Dendrite", transactions: "none", mayCount: true };

async function manyDeliverers(count: number): Promise<Tally> {
  await using world = await World.open(FORGETFUL);
  world.withoutDigests();
  for (let at = 0; at < 10; at++) await world.say(`waiting ${at}`, { waitMs: 0 });
  world.homeserver.fault("slow-after-persisting", { delayMs: 20 });
  const word = JSON.stringify({ stateDir: world.stateDir });
  const deliverers = Array.from(
    { length: count },
    (_, at) => at % 2 === 0 ? [DELIVERER_COMMAND, word] : ["flush", "--no-background"],
  );
  const endings = await Promise.all(deliverers.map((args) => world.start(args).ending));
  const problems = endings.flatMap((ending, at) => complaint(deliverers[at][0], ending));
  return sum([{ ...NOTHING, injections: count }, problem(...problems), await world.aftermath(FORGETFUL)]);
}

/** A hundred messages by so many senders. */
async function manySenders([senders, isOutage]: [number, boolean]): Promise<Tally> {
  await using world = await World.open(FORGETFUL);
  if (isOutage) await world.homeserver.stop();
  const speak = async (sender: number) => {
    const problems: string[] = [];
    for (let at = 0; at < 100 / senders; at++) {
      const subject = `sender ${sender}, number ${at}`;
      problems.push(...complaint(subject, await world.send(subject, { args: ["--no-background"] })));
    }
    return problems;
  };
  const problems = (await Promise.all(Array.from({ length: senders }, (_, sender) => speak(sender)))).flat();
  if (isOutage) await world.homeserver.restart();
  const tally = await world.aftermath(FORGETFUL);
  const count = world.heard().length - 1;
  if (count !== 100) problems.push(`there are ${count} messages instead of 100`);
  return sum([{ ...NOTHING, injections: 100 }, problem(...problems), tally]);
}
