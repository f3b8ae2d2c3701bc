/**
 * A storm: senders and deliverers are killed at random, and the homeserver has changing faults.
 * Then the faults are cleared, the queue is flushed, and the oracle checks the room: every
 * acknowledged message must be there, once, in the order of its sender.
 *
 * `deno task storm [SECONDS] [SEED]`; 60 seconds and a random seed by default. It prints the seed.
 * A seed repeats the random numbers, but not the exact times of the kills.
 *
 * @module
 */

import { commandLine, withBundle } from "./process.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";
import { expandBatchBody, isBatchBody } from "./batch_body.ts";
import { formatVerdict, judge, type SentMessage, type Verdict } from "./oracle.ts";
import { createMessage } from "./world.ts";

const SENDERS = 4;
const FAULTS = [
  "none",
  "none",
  "refuse",
  "drop-after-persisting",
  "drop-before-persisting",
  "502-after-persisting",
  "503",
  "hang-after-persisting",
  "429-retry-after-ms",
  "captive-portal",
] as const;

/** One process makes a batch of three, the next one never makes any. */
const BATCHES = [{ over: 2 }, false] as const;

/** Random numbers for a seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Kills a process; returns 0 if it had ended before, else 1. */
function kill(pid: number): number {
  try {
    Deno.kill(pid, "SIGKILL");
    return 1;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Copies the queue, the deliverer's log and the room to a directory; returns its path. */
async function keepEvidence(directory: string, bodies: readonly string[]): Promise<string> {
  const evidence = await Deno.makeTempDir({ prefix: "storm-" });
  await new Deno.Command("cp", { args: ["-R", `${directory}/state`, evidence] }).output();
  await Deno.writeTextFile(`${evidence}/room.txt`, bodies.join("\n\f\n"));
  return evidence;
}

/** The result of a storm. */
export interface StormResult {
  readonly sent: readonly SentMessage[];
  /** How many processes were killed. */
  readonly kills: number;
  /** The number of events in the room. */
  readonly events: number;
  /** How many of the events are batches. */
  readonly batches: number;
  readonly verdict: Verdict;
  /** Problems, one sentence each; empty if all is well. */
  readonly problems: readonly string[];
  /** Directories with the queue and the room, if there are problems. */
  readonly evidence: readonly string[];
  readonly possibleDuplicates: number;
}

/** Runs a storm and judges the result. */
export async function storm(seconds: number, seed: number): Promise<StormResult> {
  const roll = dice(seed);
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(roll() * values.length)];
  // Its disposal ends deliverers that are still running.
  await using state = await StateFolder.create();
  const directory = state.path;
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const configs = await Promise.all(BATCHES.map(async (batch, at) => {
    await Deno.writeTextFile(`${directory}/config_${at}.json`, JSON.stringify({ batch }));
    return `${directory}/config_${at}.json`;
  }));
  const env = {
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
    MATRIX_NOTIFY_STATE_DIR: `${directory}/state`,
  };
  const spawn = (words: string[]) => {
    const [path, ...args] = commandLine(words);
    return new Deno.Command(path, {
      args,
      env: { ...env, MATRIX_NOTIFY_CONFIG: pick(configs) },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  };
  const sent: SentMessage[] = [];
  let kills = 0, ticks = 0;
  const end = Date.now() + seconds * 1000;

  async function send(sender: number, number: number): Promise<void> {
    const subject = `${sender}.${number}`;
    const message = createMessage(subject);
    const began = ++ticks;
    const child = spawn(["send", subject, message, "--wait", "2s"]);
    const killTimer = roll() < 0.3 ? setTimeout(() => kills += kill(child.pid), roll() * 150) : undefined;
    const { success, signal } = await child.output();
    clearTimeout(killTimer);
    const answer = success ? "acknowledged" : signal === null ? "rejected" : "unknown";
    sent.push({ lane: room, subject, message, answer, began, ended: ++ticks });
  }
  async function sendMany(sender: number): Promise<void> {
    for (let number = 1; Date.now() < end; number++) await send(sender, number);
  }
  async function changeFault(): Promise<void> {
    while (Date.now() < end) {
      await homeserver.clearFaults();
      const fault = pick(FAULTS);
      if (roll() < 0.2) await homeserver.restart({ memory: pick(["kept", "lost"]) });
      if (fault !== "none") homeserver.fault(fault, { retryAfterMs: 500 });
      await wait(200 + 800 * roll());
    }
  }
  async function killDeliverers(): Promise<void> {
    while (Date.now() < end) {
      await wait(500 + 2000 * roll());
      const log = await Deno.readTextFile(`${directory}/state/deliverer.log`).catch(() => "");
      const pid = Number(/.*started, pid (\d+)/s.exec(log)?.[1]);
      if (pid) kills += kill(pid);
    }
  }
  await Promise.all([
    ...Array.from({ length: SENDERS }, (_, sender) => sendMany(sender)),
    changeFault(),
    killDeliverers(),
  ]);
  await homeserver.clearFaults();
  await homeserver.restart();
  const flush = await spawn(["flush", "--wait", "120s"]).output();
  const status = JSON.parse(new TextDecoder().decode((await spawn(["status", "--json"]).output()).stdout));
  const bodies = homeserver.events(room).map(({ content }) => String(content.body));
  const verdict = judge(sent, bodies.flatMap((body) => expandBatchBody({ lane: room, body })));
  const problems = formatVerdict(verdict);
  if (!flush.success) problems.unshift(`the flush ended with ${flush.code}: ${new TextDecoder().decode(flush.stdout)}`);
  if (problems.length > 0) problems.unshift(`the status: ${JSON.stringify(status)}`);
  return {
    sent,
    kills,
    events: bodies.length,
    batches: bodies.filter(isBatchBody).length,
    verdict,
    problems,
    evidence: problems.length > 0 ? [await keepEvidence(directory, bodies)] : [],
    possibleDuplicates: status.possibleDuplicates,
  };
}

if (import.meta.main) {
  const [seconds = 60, seed = Math.floor(Math.random() * 1e9)] = Deno.args.map(Number);
  console.log(`storm of ${seconds} s, seed ${seed}`);
  const { sent, kills, events, batches, problems, evidence, possibleDuplicates } = await withBundle(() =>
    storm(seconds, seed)
  );
  const acknowledged = sent.filter(({ answer }) => answer === "acknowledged").length;
  console.log(
    `${sent.length} sends, ${acknowledged} acknowledged, ${kills} processes killed, ${events} events, ${batches} of them batches, ${possibleDuplicates} possible duplicates counted`,
  );
  for (const problem of problems) console.log(problem);
  for (const directory of evidence) console.log(`evidence is in ${directory}`);
  console.log(
    problems.length === 0 ? "nothing was lost or duplicated, each sender is in order" : `${problems.length} problems`,
  );
  Deno.exit(problems.length === 0 ? 0 : 1);
}
