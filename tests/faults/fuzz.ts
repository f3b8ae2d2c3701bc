/**
 * A journal that is spoiled. It can always be opened, what was not touched counts, what was is set aside, and the queue goes on.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../src/queue/queue.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import { crc32, encodeRecord } from "../../src/queue/journal_line.ts";
import { draft } from "./crash_actor.ts";
import { anyDamage, joinLines, splitLines } from "./crash_damage.ts";
import { type Dice, seededDice } from "./crash_dice.ts";
import { CrashFiles } from "./crash_files.ts";
import { subjectOf } from "./crash_ledger.ts";
import { crashRuntime, STATE_DIR } from "./crash_runtime.ts";
import { JOURNAL } from "./crash_scene.ts";

const QUARANTINE = `${STATE_DIR}/queue/quarantine`;

/** One letter for each byte, whatever it is. */
const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** A line of a later version: nobody understands it, and it is kept. */
const LATER = `{"v":2,"t":"later","c":"${crc32(encoder.encode('{"v":2,"t":"later"'))}"}`;

/** Lines that somebody wrote, by their text; `other` ones are no concern of the entries. */
type Known = ReadonlyMap<string, JournalRecord | "other">;

/** A journal with entries that wait, that were tried and that were delivered. */
function journal(dice: Dice): { bytes: Uint8Array; known: Known } {
  const records: JournalRecord[] = [{ t: "hdr", time: 1, host: "jump" }];
  for (let count = 0; count < 12; count++) {
    const id = `id ${count}`;
    records.push({ t: "enq", id, time: 1, ...draft(id, 1 + dice(dice(20) === 0 ? 20_000 : 400)) });
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

/** What the untouched lines of a file say, and which lines are damaged; what stands behind the last line feed is neither. */
function reading(bytes: Uint8Array, known: Known) {
  const lines = splitLines(bytes).slice(0, -1).map((line) => decoder.decode(line)).filter((line) => line !== "");
  const intact = lines.flatMap((line) => known.get(line.replace(/\r$/, "")) ?? []).filter((record) =>
    record !== "other"
  );
  const damaged = lines.filter((line) => !known.has(line.replace(/\r$/, "")));
  const arrived = [...new Set(intact.flatMap((record) => record.t === "enq" ? record.id : []))];
  const last = (type: string, id: string) =>
    intact.findLastIndex((record) => record.t === type && "id" in record && record.id === id);
  // A line that stands twice, once behind the acknowledgement, may be taken for another entry or not.
  const settled = arrived.filter((id) => last("ack", id) > last("enq", id));
  const waiting = arrived.filter((id) => last("ack", id) < 0);
  return { waiting, settled, arrived, damaged };
}

/** Compares a queue with what its file says. */
function check(queue: Queue, files: CrashFiles, known: Known): void {
  const { waiting, settled, arrived, damaged } = reading(contents(files, JOURNAL), known);
  const found = queue.state.entries().map(subjectOf).filter((subject) => subject !== "fresh");
  assertEquals(found.filter((id) => waiting.includes(id)), waiting, "what waits, in the order of arrival");
  assertEquals(found.filter((id) => settled.includes(id)), [], "what was delivered");
  assertEquals(found.filter((id) => !arrived.includes(id)), [], "what never was");
  const aside = files.list(QUARANTINE).filter((name) => !name.startsWith("."));
  const copies = aside.map((name) => decoder.decode(contents(files, `${QUARANTINE}/${name}`)));
  assert(copies.toSorted().every((copy, at) => copy === damaged.toSorted()[at]), "damaged lines are set aside");
  assertEquals(copies.length, damaged.length, "damaged lines are set aside once");
}

function contents(files: CrashFiles, path: string): Uint8Array {
  using file = files.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

/**
 * Spoils a journal as the dice fall, and looks what becomes of it.
 *
 * @returns the ways in which it was spoiled
 * @throws {Error} when more was lost than what was spoiled; the message names the round
 */
export async function fuzz(round: number): Promise<readonly string[]> {
  const dice = seededDice(round);
  const { bytes, known } = journal(dice);
  let spoiled = bytes;
  const names: string[] = [];
  for (let times = 1 + dice(3); times > 0; times--) {
    const [name, damage] = anyDamage(dice);
    spoiled = damage(spoiled, dice);
    names.push(name);
  }
  try {
    await play(spoiled, known);
  } catch (error) {
    throw new Error(`Round ${round}, ${names.join(", ")}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return names;
}

/** Opens the spoiled journal, enqueues once more, compacts, and looks each time whether it is all there. */
async function play(spoiled: Uint8Array, known: Known): Promise<void> {
  const files = new CrashFiles();
  files.makeDirectory(`${STATE_DIR}/queue`);
  {
    using file = files.open(JOURNAL, "create");
    file.append(spoiled);
  }
  const open = () => Queue.open(STATE_DIR, crashRuntime(), { files });
  const queue = open();
  check(queue, files, known);
  await queue.enqueue([draft("fresh")], () => false);
  const lines = splitLines(contents(files, JOURNAL)).map((line) => decoder.decode(line));
  const own = lines.filter((line) => line.includes('"subject":"fresh"') || line.includes('"time":1795'));
  const all = new Map(known);
  for (const line of own) all.set(line, "other");
  check(queue, files, all);
  const again = open();
  check(again, files, all);
  assert(again.state.entries().some((entry) => subjectOf(entry) === "fresh"), "a new entry is found again");
  const before = again.state.entries().map(subjectOf);
  const size = again.bytes;
  const later = lines.filter((line) => line.replace(/\r$/, "") === LATER).length;
  if (!await again.compact()) return;
  const kept = splitLines(contents(files, JOURNAL)).map((line) => decoder.decode(line));
  assertEquals(
    kept.filter((line) => line.replace(/\r$/, "") === LATER).length,
    later,
    "what nobody understands is kept",
  );
  assert(again.bytes < size, "a compaction makes it shorter");
  assertEquals(open().state.entries().map(subjectOf), before, "a compaction changes nothing");
}
