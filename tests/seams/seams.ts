/**
 * Things happen where all features meet, as dice will have it; then all is well again, and the oracle judges. For more than the few that the tests try:
 * `deno task seams [SEEDS] [FIRST]`.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { isNotification, type NotificationInput } from "../../src/notification/notification.ts";
import type { NotifyOptions } from "../../src/notifier/options.ts";
import { type Entry, expandBatches, laneKey } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import { encodeRecord } from "../../src/queue/record.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { fileNameFor, numberIn, subjectFor } from "./seams_heard.ts";
import { judgeSeams } from "./seams_oracle.ts";
import { type Doom, SeamsWorld } from "./seams_world.ts";

const MINUTE_MS = 60_000;
const STEPS = 60;
const KEYS = ["disk", "net"];
const MOODS = [
  "refuse",
  "drop-after-persisting",
  "drop-before-persisting",
  "502-after-persisting",
  "429-retry-after-ms",
  "forbidden",
  "too-large",
  "unknown-token",
  "captive-portal",
] as const;
const PHONE_MOODS = ["refuse", "429", "too-large", "attachments-not-allowed", "drop-after-persisting"] as const;

/** What dice made of a seed. */
export interface SeamsEnd {
  readonly said: number;
  /** What happened, a line each. */
  readonly log: readonly string[];
  /** What is wrong; empty is what should be. */
  readonly problems: readonly string[];
}

/** Plays one seed, and judges. */
export async function playSeams(seed: number): Promise<SeamsEnd> {
  const dice = seededDice(seed);
  await using world = await SeamsWorld.open(dice);
  const log: string[] = [];
  const problems: string[] = [];
  try {
    for (let step = 0; step < STEPS; step++) await play(world, dice, (text) => log.push(`${step} ${text}`));
    await clearUp(world);
    problems.push(...judgeSeams(world), ...await leftovers(world));
  } catch (error) {
    problems.push(error instanceof Error ? error.stack ?? error.message : String(error));
  }
  return { said: world.said.length, log, problems };
}

async function play(world: SeamsWorld, dice: Dice, log: (text: string) => void): Promise<void> {
  const { runtime, homeserver, ntfy } = world;
  const roll = dice(100);
  const doom: Doom | undefined = dice(8) === 0 ? { after: 1 + dice(3), hearsNothing: dice(2) === 0 } : undefined;
  const background = dice(2) === 0 ? "here" : "no";
  if (roll < 50) return await say(world, dice, { doom, background, log });
  if (roll < 62) {
    await homeserver.clearFaults();
    const mood = dice(3) === 0 ? undefined : MOODS[dice(MOODS.length)];
    const on = dice(6) === 0 ? "upload" : undefined;
    const times = mood === "too-large" ? 1 : dice(2) === 0 ? 1 + dice(4) : undefined;
    if (mood) homeserver.fault(mood, { times, on, retryAfterMs: 90_000 });
    return log(`homeserver: ${mood} on ${on} ${times} times`);
  }
  if (roll < 66) {
    await ntfy.clearFaults();
    const mood = dice(3) === 0 ? undefined : PHONE_MOODS[dice(PHONE_MOODS.length)];
    const times = 1 + dice(4);
    if (mood) ntfy.fault(mood, { times });
    // It takes the same message twice, and cannot be asked.
    if (mood === "drop-after-persisting") world.unheard += times;
    return log(`ntfy: ${mood}`);
  }
  if (roll < 82) {
    const minutes = [0.1, 1, 5, 11, 70][dice(5)];
    runtime.time += minutes * MINUTE_MS;
    return log(`${minutes} min later`);
  }
  if (roll < 90) {
    log(`flush ${JSON.stringify(doom)} ${background}`);
    const waitMs = dice(2) * 30_000;
    return void await world.process((notifier) => notifier.flush({ waitMs }), { doom, background });
  }
  if (roll < 93) return await decide(world, dice, log);
  if (roll < 96) return await loseTail(world, log);
  log("compact");
  await compact(world);
}

async function say(
  world: SeamsWorld,
  dice: Dice,
  { log, ...how }: { readonly doom?: Doom; readonly background: "here" | "no"; readonly log: (text: string) => void },
): Promise<void> {
  const number = world.said.length;
  // No two come in the same millisecond.
  world.runtime.time++;
  const isRepeat = number > 0 && dice(10) === 0 && world.said[number - 1].options.id !== undefined;
  const before = world.said[number - 1];
  const [input, options] = isRepeat ? [before.input, before.options] : inputFor(number, dice);
  const one = { number, input, options, time: world.runtime.time };
  const { subject: _, attachments, ...rest } = input;
  log(`say ${number} ${JSON.stringify({ ...rest, files: attachments?.length, ...options, ...how })}`);
  world.said.push(one);
  const outcomes = await world.process((notifier) => notifier.notify(input, options), how);
  world.said[number] = { ...world.said[number], outcomes };
  log(`  -> ${outcomes?.map(({ id, channel, state }) => `${id.slice(0, 8)} ${channel} ${state}`) ?? "killed"}`);
}

function inputFor(number: number, dice: Dice): [NotificationInput, NotifyOptions] {
  const severity = dice(8) === 0 ? "critical" : "info";
  const key = severity === "info" && dice(2) === 0 ? KEYS[dice(KEYS.length)] : undefined;
  const files = dice(5) === 0 ? 1 + dice(2) : 0;
  const origins = ["mute", "other", "one room", "everywhere", "alone"];
  const input: NotificationInput = {
    subject: subjectFor(number),
    message: dice(3) === 0 ? "" : "body\nof it",
    severity,
    key,
    resolves: key !== undefined && dice(3) === 0,
    origin: dice(2) === 0 ? origins[dice(origins.length)] : undefined,
    silent: dice(6) === 0,
    ttlMs: dice(6) === 0 ? 20 * MINUTE_MS : undefined,
    attachments: Array.from({ length: files }, (_, at) => ({
      bytes: new TextEncoder().encode(`content ${number}`),
      name: fileNameFor(number, at + 1),
    })),
  };
  return [input, { waitMs: dice(3) === 0 ? 0 : 2000, id: dice(6) === 0 ? `id-${number}` : undefined }];
}

/** Somebody asks for entries again, or drops one. */
async function decide(world: SeamsWorld, dice: Dice, log: (text: string) => void): Promise<void> {
  const entries = world.witness.state.entries();
  if (entries.length === 0) return;
  const chosen = dice(2) === 0 ? [entries[dice(entries.length)]] : entries.filter(({ dead }) => dead);
  const doesDrop = dice(3) === 0;
  log(`${doesDrop ? "drop" : "retry"} ${chosen.map(({ id }) => id.slice(0, 8))}`);
  for (const { id, notification } of expandBatches(chosen)) {
    if (doesDrop) world.dropped.add(id);
    const number = isNotification(notification) ? numberIn(notification.subject) : undefined;
    if (number !== undefined) world.said[number].wasAsked = true;
  }
  const some = chosen.map(({ id }) => id);
  await world.process(async (notifier) => {
    if (doesDrop) await notifier.drop(some);
    else await notifier.retry(some, { waitMs: 2000 });
  });
}

/** The power fails: what rode unsynced at the end of the journal is gone. */
async function loseTail(world: SeamsWorld, log: (text: string) => void): Promise<void> {
  const path = `${world.stateDir}/queue/queue.jsonl`;
  const text = await Deno.readTextFile(path).catch(() => "");
  const lines = text.split("\n").slice(0, -1);
  const rides = (line: string | undefined) => {
    if (line === undefined) return false;
    const { t, via, id } = JSON.parse(line);
    return t === "nack" || (t === "ack" && via !== undefined && world.isInRoom(id));
  };
  let lost = 0;
  while (rides(lines.at(-1))) {
    lines.pop();
    lost++;
  }
  if (lost === 0) return;
  log(`power cut: ${lost} lines are lost`);
  await Deno.writeTextFile(path, lines.map((line) => `${line}\n`).join(""));
  world.look({ isUnheard: true });
}

/** A compacted journal tells what the long one told. */
async function compact(world: SeamsWorld): Promise<void> {
  const { stateDir, runtime } = world;
  const queue = Queue.open(stateDir, runtime);
  if (!queue.exists()) return;
  // Records of nobody: more than half of it is history now.
  const padding = encodeRecord({ t: "drop", id: "nobody".padEnd(100_000), time: 0 });
  await Deno.writeFile(`${stateDir}/queue/queue.jsonl`, new Uint8Array(Array(4).fill([...padding]).flat()), {
    append: true,
  });
  queue.refresh();
  const before = tellAll(queue, runtime.time);
  assertEquals(await queue.compact(), true);
  assertEquals(tellAll(queue, runtime.time), before, "a compaction changes what the journal tells");
  assertEquals(tellAll(Queue.open(stateDir, runtime), runtime.time), before, "the compacted journal tells the same");
  world.look();
}

/** All that a queue tells. */
function tellAll(queue: Queue, now: number): unknown {
  const { possibleDuplicates, lastDelivery } = queue.figures();
  const strip = ({ bytes: _, members, ...entry }: Entry): object => ({ ...entry, members: members?.map(strip) });
  const lanes = new Map(queue.state.entries().map((entry) => [laneKey(entry), entry]));
  const incidents = [...lanes.values()].flatMap(({ channel, destination }) =>
    KEYS.map((key) => queue.state.findIncident({ channel, destination, key, time: now }))
  );
  return JSON.parse(JSON.stringify({
    possibleDuplicates,
    lastDelivery,
    entries: queue.state.entries().map(strip),
    channels: ["matrix", "phone"].map((name) => queue.state.channelState(name)),
    deliveries: [...lanes.values()].map((entry) =>
      queue.state.recentDeliveries(entry).filter((time) => time > now - MINUTE_MS)
    ),
    incidents,
  }, (name, value) => name === "v" ? undefined : value));
}

/** All is well again; whatever waits has time to be delivered. */
async function clearUp(world: SeamsWorld): Promise<void> {
  const { homeserver, ntfy, runtime } = world;
  await homeserver.clearFaults();
  await ntfy.clearFaults();
  for (let round = 0; round < 60; round++) {
    await world.process((notifier) => notifier.flush({ waitMs: 0 }), { background: round % 2 ? "here" : "no" });
    if (world.witness.state.liveEntries().length === 0) return;
    runtime.time += 30 * MINUTE_MS;
  }
}

/** What is left that should not be. */
async function leftovers(world: SeamsWorld): Promise<string[]> {
  const live = world.witness.state.liveEntries().map(({ id, channel, wait }) =>
    `${id} is left in ${channel}: ${wait?.reason}`
  );
  await world.process((notifier) => notifier.drop(world.witness.state.entries().map(({ id }) => id)));
  await world.process((notifier) => notifier.flush({ waitMs: 0 }));
  const files = [...await Array.fromAsync(filesIn(`${world.stateDir}/attachments`))];
  return [
    ...live,
    ...world.witness.state.entries().map(({ id }) => `${id} is left, although all were dropped`),
    ...files.map((name) => `the file ${name} is left that nobody needs`),
  ];
}

async function* filesIn(directory: string): AsyncGenerator<string> {
  try {
    for await (const { name } of Deno.readDir(directory)) yield name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) {
  const [seeds = 100, first = 1] = Deno.args.map(Number);
  let failed = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const { problems, log } = await playSeams(seed);
    if (problems.length === 0) continue;
    failed++;
    console.log(`seed ${seed}:`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (seeds === 1) { for (const line of log) console.log(line); }
  }
  console.log(`${seeds} seeds, ${failed} of them with problems`);
  Deno.exit(failed === 0 ? 0 : 1);
}
