/**
 * Damages a journal at random. The queue must open it, use the intact lines, move the damaged ones
 * to quarantine, and go on.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../src/queue/queue.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { crc32 } from "../../src/base/crc32.ts";
import { readBytes } from "../../src/runtime/files.ts";
import { createRequest } from "./crash_actor.ts";
import { chooseDamage, joinLines, splitLines } from "./crash_damage.ts";
import { type Dice, seededDice } from "./crash_dice.ts";
import { CrashFiles } from "./crash_files.ts";
import { subjectOf } from "./crash_ledger.ts";
import { crashRuntime, STATE_DIR } from "./crash_runtime.ts";
import { JOURNAL } from "./crash_scene.ts";

const QUARANTINE = `${STATE_DIR}/queue/quarantine`;

/** Decodes each byte to one character. */
const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** A record of a later version, which must be kept. */
const LATER = `{"v":2,"t":"later","c":"${crc32(encoder.encode('{"v":2,"t":"later"'))}"}`;

/** The intact lines by their text; `other` ones do not change entries. */
type KnownLines = ReadonlyMap<string, JournalRecord | "other">;

/** Creates a journal with entries that are queued, tried and delivered. */
function createJournal(dice: Dice): { bytes: Uint8Array; known: KnownLines } {
  const records: JournalRecord[] = [{ t: "hdr", time: 1, host: "jump" }];
  for (let count = 0; count < 12; count++) {
    const id = `id ${count}`;
    records.push({ t: "enq", id, time: 1, ...createRequest(id, 1 + dice(dice(20) === 0 ? 20_000 : 400)) });
    if (dice(2) === 0) records.push({ t: "att", id, n: 1, time: 2 });
    if (dice(3) === 0) {
      records.push({ t: "nack", id, n: 1, time: 2, class: "not-sent", reason: "refused", next: 4 });
    }
    if (dice(3) === 0) records.push({ t: "ack", id: `id ${dice(count + 1)}`, time: 3, receipt: "$", via: "put" });
  }
  const lines = records.map((record) => encodeRecord(record).subarray(0, -1));
  const known = new Map<string, JournalRecord | "other">([[LATER, "other"]]);
  for (const [at, line] of lines.entries()) known.set(decoder.decode(line), records[at]);
  lines.splice(1 + dice(lines.length), 0, encoder.encode(LATER));
  return { bytes: joinLines([...lines, new Uint8Array()]), known };
}

/**
 * Reads the intact lines of a file and lists the damaged ones. A text after the last line feed is
 * neither.
 */
function readLines(bytes: Uint8Array, known: KnownLines) {
  const lines = splitLines(bytes).slice(0, -1).map((line) => decoder.decode(line)).filter((line) => line !== "");
  const intact = lines.flatMap((line) => known.get(line.replace(/\r$/, "")) ?? []).filter((record) =>
    record !== "other"
  );
  const damaged = lines.filter((line) => !known.has(line.replace(/\r$/, "")));
  const arrived = [...new Set(intact.flatMap((record) => record.t === "enq" ? record.id : []))];
  const last = (type: string, id: string) =>
    intact.findLastIndex((record) => record.t === type && "id" in record && record.id === id);
  // A copy of an enq record after the ack may count as another entry or not.
  const settled = arrived.filter((id) => last("ack", id) > last("enq", id));
  const waiting = arrived.filter((id) => last("ack", id) < 0);
  return { waiting, settled, arrived, damaged };
}

/** Compares a queue with its file. */
function check(queue: Queue, files: CrashFiles, known: KnownLines): void {
  const { waiting, settled, arrived, damaged } = readLines(readFile(files, JOURNAL), known);
  const found = queue.state.entries().map(subjectOf).filter((subject) => subject !== "fresh");
  assertEquals(found.filter((id) => waiting.includes(id)), waiting, "waiting entries, in order");
  assertEquals(found.filter((id) => settled.includes(id)), [], "delivered entries");
  assertEquals(found.filter((id) => !arrived.includes(id)), [], "unknown entries");
  const quarantined = files.list(QUARANTINE).filter((name) => !name.startsWith("."));
  const copies = quarantined.map((name) => decoder.decode(readFile(files, `${QUARANTINE}/${name}`)));
  assert(copies.toSorted().every((copy, at) => copy === damaged.toSorted()[at]), "damaged lines are in quarantine");
  assertEquals(copies.length, damaged.length, "damaged lines are in quarantine once");
}

function readFile(files: CrashFiles, path: string): Uint8Array {
  using file = files.open(path, "read");
  return readBytes(file);
}

/**
 * Damages a journal at random and checks the queue.
 *
 * @returns the names of the damages
 * @throws {Error} if more is lost than the damaged lines; the message names the round
 */
export async function fuzz(round: number): Promise<readonly string[]> {
  const dice = seededDice(round);
  const { bytes, known } = createJournal(dice);
  let damaged = bytes;
  const names: string[] = [];
  for (let times = 1 + dice(3); times > 0; times--) {
    const [name, damage] = chooseDamage(dice);
    damaged = damage(damaged, dice);
    names.push(name);
  }
  try {
    await play(damaged, known);
  } catch (error) {
    throw new Error(`Round ${round}, ${names.join(", ")}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return names;
}

/**
 * Opens the damaged journal, enqueues an entry, compacts, and checks all entries after each step.
 */
async function play(damaged: Uint8Array, known: KnownLines): Promise<void> {
  const files = new CrashFiles();
  files.makeDirectory(`${STATE_DIR}/queue`);
  {
    using file = files.open(JOURNAL, "create");
    file.append(damaged);
  }
  const open = () => Queue.open(STATE_DIR, crashRuntime(), { files });
  const queue = open();
  check(queue, files, known);
  await queue.enqueue([createRequest("fresh")], () => false);
  const lines = splitLines(readFile(files, JOURNAL)).map((line) => decoder.decode(line));
  const own = lines.filter((line) => line.includes('"subject":"fresh"') || line.includes('"time":1795'));
  const all = new Map(known);
  for (const line of own) all.set(line, "other");
  check(queue, files, all);
  const again = open();
  check(again, files, all);
  assert(again.state.entries().some((entry) => subjectOf(entry) === "fresh"), "a new entry is found");
  const before = again.state.entries().map(subjectOf);
  const size = again.bytes;
  const later = lines.filter((line) => line.replace(/\r$/, "") === LATER).length;
  if (!await again.compact()) return;
  const kept = splitLines(readFile(files, JOURNAL)).map((line) => decoder.decode(line));
  assertEquals(
    kept.filter((line) => line.replace(/\r$/, "") === LATER).length,
    later,
    "unknown records are kept",
  );
  assert(again.bytes < size, "a compaction makes the file shorter");
  assertEquals(open().state.entries().map(subjectOf), before, "a compaction keeps all entries");
}
