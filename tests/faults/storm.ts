/**
 * A storm: senders that are killed at random, deliverers too, and a homeserver that changes its
 * mood all the time. Afterwards the sky clears, and the room is asked: is everything there that was
 * answered with exit 0, once, in the order in which each sender spoke?
 *
 * `deno task storm [SECONDS] [SEED]`; 60 seconds and a random seed by default. It prints the seed;
 * the same seed rolls the same dice, though not the same kills, since the machine has dice of its
 * own.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";
import { isDigestBody, toldBy } from "./digest_lines.ts";
import { judge, type Said, sentences, type Verdict } from "./oracle.ts";
import { messageFor } from "./world.ts";

const SENDERS = 4;
const MOODS = [
  "calm",
  "calm",
  "refuse",
  "drop-after-persisting",
  "drop-before-persisting",
  "502-after-persisting",
  "503",
  "hang-after-persisting",
  "429-retry-after-ms",
  "captive-portal",
] as const;

/**
 * Whoever delivers makes a digest of three, or never makes any, and keeps no pace then: one process
 * does this, and the next one that.
 */
const FLOODS = [{ backlog: 2 }, { digest: false }] as const;

/** Dice that fall the same way for the same seed (mulberry32). */
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

/** Kills a process, if it still lives; returns how many died of it. */
function kill(pid: number): number {
  try {
    Deno.kill(pid, "SIGKILL");
    return 1;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Keeps the queue, the deliverers' log, and what the room holds; returns where. */
async function keep(directory: string, bodies: readonly string[]): Promise<string> {
  const evidence = await Deno.makeTempDir({ prefix: "storm-" });
  await new Deno.Command("cp", { args: ["-R", `${directory}/state`, evidence] }).output();
  await Deno.writeTextFile(`${evidence}/room.txt`, bodies.join("\n\f\n"));
  return evidence;
}

/** What a storm left. */
export interface Aftermath {
  readonly said: readonly Said[];
  /** How many processes died. */
  readonly kills: number;
  /** How many events the room holds. */
  readonly events: number;
  /** How many of them stand for several notifications. */
  readonly digests: number;
  readonly verdict: Verdict;
  /** What is wrong, one sentence each; empty is what should be. */
  readonly problems: readonly string[];
  /** Where the queue lies in which something went wrong, with what the room holds. */
  readonly evidence: readonly string[];
  readonly possibleDuplicates: number;
}

/** Runs a storm, and judges. */
export async function storm(seconds: number, seed: number): Promise<Aftermath> {
  const roll = dice(seed);
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(roll() * values.length)];
  // It ends deliverers that are still there before it goes.
  await using state = await StateFolder.make();
  const directory = state.path;
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const configs = await Promise.all(FLOODS.map(async (flood, at) => {
    await Deno.writeTextFile(`${directory}/config_${at}.json`, JSON.stringify({ flood }));
    return `${directory}/config_${at}.json`;
  }));
  const env = {
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
    MATRIX_NOTIFY_STATE_DIR: `${directory}/state`,
  };
  const entry = new URL("../../mod.ts", import.meta.url).pathname;
  const spawn = (args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", ...inheritedConfig(), entry, ...args],
      env: { ...env, MATRIX_NOTIFY_CONFIG: pick(configs) },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const said: Said[] = [];
  let kills = 0, ticks = 0;
  const end = Date.now() + seconds * 1000;

  async function send(sender: number, number: number): Promise<void> {
    const subject = `${sender}.${number}`;
    const message = messageFor(subject);
    const began = ++ticks;
    const child = spawn(["send", subject, message, "--wait", "2s"]);
    const fate = roll() < 0.3 ? setTimeout(() => kills += kill(child.pid), roll() * 150) : undefined;
    const { success, signal } = await child.output();
    clearTimeout(fate);
    const answer = success ? "acknowledged" : signal === null ? "refused" : "unknown";
    said.push({ lane: room, subject, message, answer, began, ended: ++ticks });
  }
  async function speak(sender: number): Promise<void> {
    for (let number = 1; Date.now() < end; number++) await send(sender, number);
  }
  async function changeMood(): Promise<void> {
    while (Date.now() < end) {
      await homeserver.clearFaults();
      const mood = pick(MOODS);
      if (roll() < 0.2) await homeserver.restart({ memory: pick(["kept", "lost"]) });
      if (mood !== "calm") homeserver.fault(mood, { retryAfterMs: 500 });
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
    ...Array.from({ length: SENDERS }, (_, sender) => speak(sender)),
    changeMood(),
    killDeliverers(),
  ]);
  await homeserver.clearFaults();
  await homeserver.restart();
  const flush = await spawn(["flush", "--wait", "120s"]).output();
  const status = JSON.parse(new TextDecoder().decode((await spawn(["status", "--json"]).output()).stdout));
  const bodies = homeserver.events(room).map(({ content }) => String(content.body));
  const verdict = judge(said, bodies.flatMap((body) => toldBy({ lane: room, body })));
  const problems = sentences(verdict);
  if (!flush.success) problems.unshift(`the flush ended with ${flush.code}: ${new TextDecoder().decode(flush.stdout)}`);
  if (problems.length > 0) problems.unshift(`the status: ${JSON.stringify(status)}`);
  return {
    said,
    kills,
    events: bodies.length,
    digests: bodies.filter(isDigestBody).length,
    verdict,
    problems,
    evidence: problems.length > 0 ? [await keep(directory, bodies)] : [],
    possibleDuplicates: status.possibleDuplicates,
  };
}

if (import.meta.main) {
  const [seconds = 60, seed = Math.floor(Math.random() * 1e9)] = Deno.args.map(Number);
  console.log(`storm of ${seconds} s, seed ${seed}`);
  const { said, kills, events, digests, problems, evidence, possibleDuplicates } = await storm(seconds, seed);
  const acknowledged = said.filter(({ answer }) => answer === "acknowledged").length;
  console.log(
    `${said.length} sends, ${acknowledged} acknowledged, ${kills} processes killed, ${events} events, ${digests} of them digests, ${possibleDuplicates} possible duplicates counted`,
  );
  for (const problem of problems) console.log(problem);
  for (const directory of evidence) console.log(`what it left lies in ${directory}`);
  console.log(
    problems.length === 0
      ? "nothing was lost, nothing came twice, each sender in order"
      : `${problems.length} problems`,
  );
  Deno.exit(problems.length === 0 ? 0 : 1);
}
