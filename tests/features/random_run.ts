/**
 * A random run: all features together, in random steps with random faults. At the end all faults
 * are cleared, the queue is flushed, and the oracle judges. The tests play a few seeds; for more,
 * run `deno task features [SEEDS] [FIRST]`.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { isNotification, type NotificationInput } from "../../src/notification/notification.ts";
import type { ProcessRole } from "../../src/notifier/background/spawn.ts";
import type { NotifyOptions } from "../../src/notifier/options.ts";
import type { Outcome } from "../../src/notifier/outcomes.ts";
import { type Entry, expandBatches, laneKey, notificationOf } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { createFileName, createSubject, parseNumber } from "./received.ts";
import { judgeRun } from "./oracle.ts";
import { FeaturesWorld, type PlannedKill } from "./world.ts";

const MINUTE_MS = 60_000;
const STEPS = 60;
const KEYS = ["disk", "net"];
const MATRIX_FAULTS = [
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
const PHONE_FAULTS = ["refuse", "429", "too-large", "attachments-not-allowed", "drop-after-persisting"] as const;

/** The result of one seed. */
export interface RunResult {
  /** How many notifications were sent. */
  readonly sent: number;
  /** The steps, one line each. */
  readonly log: readonly string[];
  /** One sentence each; empty if all is well. */
  readonly problems: readonly string[];
}

/** Plays one seed and judges the result. */
export async function playRandomRun(seed: number): Promise<RunResult> {
  const dice = seededDice(seed);
  await using world = await FeaturesWorld.open(dice);
  const log: string[] = [];
  const problems: string[] = [];
  try {
    for (let step = 0; step < STEPS; step++) await play(world, dice, (text) => log.push(`${step} ${text}`));
    await deliverAll(world);
    problems.push(...judgeRun(world), ...await findLeftovers(world));
  } catch (error) {
    problems.push(error instanceof Error ? error.stack ?? error.message : String(error));
  }
  return { sent: world.sent.length, log, problems };
}

async function play(world: FeaturesWorld, dice: Dice, log: (text: string) => void): Promise<void> {
  const { runtime, homeserver, ntfy } = world;
  const roll = dice(100);
  const kill: PlannedKill | undefined = dice(8) === 0
    ? { after: 1 + dice(3), afterResponse: dice(2) === 0 }
    : undefined;
  const role = dice(2) === 0 ? "deliverer" : "library";
  if (roll < 50) return await send(world, dice, { kill, role, log });
  if (roll < 62) {
    await homeserver.clearFaults();
    const fault = dice(3) === 0 ? undefined : MATRIX_FAULTS[dice(MATRIX_FAULTS.length)];
    const on = dice(6) === 0 ? "upload" : undefined;
    const times = fault === "too-large" ? 1 : dice(2) === 0 ? 1 + dice(4) : undefined;
    if (fault) homeserver.fault(fault, { times, on, retryAfterMs: 90_000 });
    return log(`homeserver: ${fault} on ${on} ${times} times`);
  }
  if (roll < 66) {
    await ntfy.clearFaults();
    const fault = dice(3) === 0 ? undefined : PHONE_FAULTS[dice(PHONE_FAULTS.length)];
    const times = 1 + dice(4);
    if (fault) ntfy.fault(fault, { times });
    return log(`ntfy: ${fault}`);
  }
  if (roll < 82) {
    const minutes = [0.1, 1, 5, 11, 70][dice(5)];
    runtime.time += minutes * MINUTE_MS;
    return log(`${minutes} min later`);
  }
  if (roll < 90) {
    log(`flush ${JSON.stringify(kill)} ${role}`);
    const waitMs = dice(2) * 30_000;
    return void await world.process((notifier) => notifier.flush({ waitMs }), { kill, role });
  }
  if (roll < 93) return await retryOrDrop(world, dice, log);
  if (roll < 96) return await cutPower(world, log);
  log("compact");
  await compact(world);
}

async function send(
  world: FeaturesWorld,
  dice: Dice,
  { log, ...how }: {
    readonly kill?: PlannedKill;
    readonly role: ProcessRole;
    readonly log: (text: string) => void;
  },
): Promise<void> {
  const number = world.sent.length;
  // No two notifications come in the same millisecond.
  world.runtime.time++;
  const isRepeat = number > 0 && dice(10) === 0 && world.sent[number - 1].options.id !== undefined;
  const before = world.sent[number - 1];
  const [input, options] = isRepeat ? [before.input, before.options] : createInput(number, dice);
  const one = { number, input, options, time: world.runtime.time };
  const { subject: _, attachments, ...rest } = input;
  log(`send ${number} ${JSON.stringify({ ...rest, files: attachments?.length, ...options, ...how })}`);
  world.sent.push(one);
  const result = await world.process((notifier) => notifier.notify(input, options), how);
  const outcomes = result ?? findOutcomesOfKilled(world, number);
  world.sent[number] = { ...world.sent[number], outcomes };
  const states = outcomes.map(({ id, channel, state }) => `${id.slice(0, 8)} ${channel} ${state}`);
  log(`  -> ${result === undefined ? "killed: " : ""}${states}`);
}

/** The outcomes of the entries that a killed sender left in the queue. */
function findOutcomesOfKilled({ observer }: FeaturesWorld, number: number): Outcome[] {
  return expandBatches(observer.state.entries()).flatMap((entry) => {
    const { id, channel, destination, dead } = entry;
    const notification = notificationOf(entry);
    if (!isNotification(notification) || parseNumber(notification.subject) !== number) return [];
    const target = { id, channel, destination, file: notification.file?.name };
    return [dead ? { ...target, state: "dead", reason: dead.reason } : { ...target, state: "queued" }];
  });
}

function createInput(number: number, dice: Dice): [NotificationInput, NotifyOptions] {
  const severity = dice(8) === 0 ? "critical" : "info";
  const key = severity === "info" && dice(2) === 0 ? KEYS[dice(KEYS.length)] : undefined;
  const files = dice(5) === 0 ? 1 + dice(2) : 0;
  const origins = ["mute", "other", "one room", "everywhere", "alone"];
  const input: NotificationInput = {
    subject: createSubject(number),
    message: dice(3) === 0 ? "" : "body\nof it",
    severity,
    key,
    resolves: key !== undefined && dice(3) === 0,
    origin: dice(2) === 0 ? origins[dice(origins.length)] : undefined,
    silent: dice(6) === 0,
    ttlMs: dice(6) === 0 ? 20 * MINUTE_MS : undefined,
    attachments: Array.from({ length: files }, (_, at) => ({
      bytes: new TextEncoder().encode(`content ${number}`),
      name: createFileName(number, at + 1),
    })),
  };
  return [input, { waitMs: dice(3) === 0 ? 0 : 2000, id: dice(6) === 0 ? `id-${number}` : undefined }];
}

/** Runs `queue retry` or `queue drop` on some entries. */
async function retryOrDrop(world: FeaturesWorld, dice: Dice, log: (text: string) => void): Promise<void> {
  const entries = world.observer.state.entries();
  if (entries.length === 0) return;
  const chosen = dice(2) === 0 ? [entries[dice(entries.length)]] : entries.filter(({ dead }) => dead);
  const doesDrop = dice(3) === 0;
  log(`${doesDrop ? "drop" : "retry"} ${chosen.map(({ id }) => id.slice(0, 8))}`);
  for (const entry of expandBatches(chosen)) {
    const [{ id }, notification] = [entry, notificationOf(entry)];
    if (doesDrop) world.dropped.add(id);
    const number = isNotification(notification) ? parseNumber(notification.subject) : undefined;
    if (number !== undefined) world.sent[number].wasForced = true;
  }
  const ids = chosen.map(({ id }) => id);
  await world.process(async (notifier) => {
    if (doesDrop) await notifier.drop(ids);
    else await notifier.retry(ids, { waitMs: 2000 });
  });
}

/** A power cut: records at the end of the journal that were not synced are lost. */
async function cutPower(world: FeaturesWorld, log: (text: string) => void): Promise<void> {
  const bytes = await Deno.readFile(world.journalPath).catch(() => new Uint8Array());
  const lines = new TextDecoder().decode(bytes.subarray(world.syncedBytes)).split("\n").slice(0, -1);
  const isUnsynced = (line: string | undefined) => {
    if (line === undefined) return false;
    const { t, via, id } = JSON.parse(line);
    return t === "nack" || (t === "ack" && via !== undefined && world.isInRoom(id));
  };
  let lost = 0;
  while (isUnsynced(lines.at(-1))) {
    lines.pop();
    lost++;
  }
  if (lost === 0) return;
  log(`power cut: ${lost} records are lost`);
  const kept = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  await Deno.truncate(world.journalPath, world.syncedBytes + kept.length);
  world.observe({ isAnswerLost: true });
}

/** Compacts the journal. The state must stay the same. */
async function compact(world: FeaturesWorld): Promise<void> {
  const { stateDir, journalPath, runtime } = world;
  const queue = Queue.open(stateDir, runtime);
  if (!queue.exists()) return;
  // Records of an unknown entry: now more than half of the journal is history.
  const padding = encodeRecord({ t: "drop", id: "unknown".padEnd(100_000), time: 0 });
  await Deno.writeFile(journalPath, new Uint8Array(Array(4).fill([...padding]).flat()), {
    append: true,
  });
  queue.refresh();
  const before = readState(queue, runtime.time);
  assertEquals(await queue.compact(), true);
  assertEquals(readState(queue, runtime.time), before, "a compaction changes the state");
  assertEquals(
    readState(Queue.open(stateDir, runtime), runtime.time),
    before,
    "the compacted journal has the same state",
  );
  world.observe();
}

/** All that can be read from a queue. */
function readState(queue: Queue, now: number): unknown {
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

/** Clears all faults and flushes until the queue is empty. */
async function deliverAll(world: FeaturesWorld): Promise<void> {
  const { homeserver, ntfy, runtime } = world;
  await homeserver.clearFaults();
  await ntfy.clearFaults();
  for (let round = 0; round < 60; round++) {
    await world.process((notifier) => notifier.flush({ waitMs: 0 }), { role: round % 2 ? "deliverer" : "library" });
    if (world.observer.state.liveEntries().length === 0) return;
    runtime.time += 30 * MINUTE_MS;
  }
}

/** Finds entries and attachments that are left. */
async function findLeftovers(world: FeaturesWorld): Promise<string[]> {
  const live = world.observer.state.liveEntries().map(({ id, channel, wait }) =>
    `${id} is left in ${channel}: ${wait?.reason}`
  );
  await world.process((notifier) => notifier.drop(world.observer.state.entries().map(({ id }) => id)));
  await world.process((notifier) => notifier.flush({ waitMs: 0 }));
  const files = [...await Array.fromAsync(listFiles(`${world.stateDir}/attachments`))];
  return [
    ...live,
    ...world.observer.state.entries().map(({ id }) => `${id} is left after all were dropped`),
    ...files.map((name) => `unused file ${name} is left`),
  ];
}

async function* listFiles(directory: string): AsyncGenerator<string> {
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
    const { problems, log } = await playRandomRun(seed);
    if (problems.length === 0) continue;
    failed++;
    console.log(`seed ${seed}:`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (seeds === 1) { for (const line of log) console.log(line); }
  }
  console.log(`${seeds} seeds, ${failed} of them with problems`);
  Deno.exit(failed === 0 ? 0 : 1);
}
