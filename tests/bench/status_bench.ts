/**
 * Measures `status` on a journal that was never compacted, as a crash can leave it. Memory must
 * grow with the number of live entries, time with the size of the file.
 *
 * `deno task bench status [ENTRIES...]`; 10,000, 100,000 and 1,000,000 settled entries by default,
 * with three records each, and 1,000 live entries among them. Times are medians of three runs, the
 * peak memory is the highest. Times per record are CPU times, which do not grow while other
 * processes run.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { measure, median } from "./measure.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const LIVE_ENTRIES = 1000;
const ROUNDS = 3;
const BUFFER_BYTES = 2 ** 20;

/** 2026-11-22 20:00:00 UTC. Each second before it has one entry. */
const END_TIME: number = Date.UTC(2026, 10, 22, 20);

/**
 * Runs the benchmark of `status` for journals with so many settled entries, and prints its results.
 */
export async function benchStatus(sizes: readonly number[]): Promise<void> {
  console.log("settled   live   records       MiB     wall s      cpu s   peak MiB  records/s  us/record");
  for (const settled of sizes.length > 0 ? sizes : SIZES) {
    const stateDir = await Deno.makeTempDir();
    try {
      await benchOne(stateDir, settled);
    } finally {
      await Deno.remove(stateDir, { recursive: true });
    }
  }
}

async function benchOne(stateDir: string, settled: number): Promise<void> {
  Deno.mkdirSync(`${stateDir}/queue`);
  const records = writeJournal(`${stateDir}/queue/queue.jsonl`, settled);
  const mib = Deno.statSync(`${stateDir}/queue/queue.jsonl`).size / 2 ** 20;
  const house = new URL("../../mod.ts", import.meta.url).pathname;
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(await measure(["run", "-A", ...inheritedConfig(), house, "status", "--state-dir", stateDir], {}));
  }
  const wallSeconds = median(rounds.map(({ wallMs }) => wallMs)) / 1000;
  const seconds = median(rounds.map(({ cpuMs }) => cpuMs)) / 1000;
  const peakMib = Math.max(...rounds.map((round) => round.peakMib));
  const cells: [string, number][] = [
    [String(settled), 7],
    [String(LIVE_ENTRIES), 7],
    [String(records), 10],
    [mib.toFixed(1), 10],
    [wallSeconds.toFixed(2), 11],
    [seconds.toFixed(2), 11],
    [peakMib.toFixed(1), 11],
    [(records / seconds).toFixed(0), 11],
    [(1e6 * seconds / records).toFixed(2), 11],
  ];
  console.log(cells.map(([text, width]) => text.padStart(width)).join(""));
}

/**
 * Writes a journal with live entries spread evenly among the settled ones; returns the number of
 * records.
 */
function writeJournal(path: string, settled: number): number {
  using file = Deno.openSync(path, { write: true, create: true });
  const buffer = new Uint8Array(BUFFER_BYTES);
  let filled = 0, records = 0;
  const flush = () => {
    for (let rest = buffer.subarray(0, filled); rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
    filled = 0;
  };
  for (const record of history(settled)) {
    const line = encodeRecord(record);
    if (filled + line.length > BUFFER_BYTES) flush();
    buffer.set(line, filled);
    filled += line.length;
    records++;
  }
  flush();
  return records;
}

function* history(settled: number): Generator<JournalRecord> {
  const total = settled + LIVE_ENTRIES;
  const stride = Math.floor(total / LIVE_ENTRIES);
  yield { t: "hdr", time: END_TIME - total * 1000, host: "jump" };
  for (let count = 0; count < total; count++) {
    const id = `5ee0c0de-0000-4000-8000-${String(count).padStart(12, "0")}`;
    const time = END_TIME - (total - count) * 1000;
    yield enqueued(id, time, count);
    if (count % stride === 0 && count / stride < LIVE_ENTRIES) continue;
    yield { t: "att", id, n: 1, time };
    yield { t: "ack", id, time: time + 180, receipt: `$${id}AbCdEfGhIjKlMnOpQrStUvWx`, via: "put" };
  }
}

/** An entry as long as a typical message of a monitoring script. */
function enqueued(id: string, time: number, count: number): JournalRecord {
  const notification = {
    origin: "netwatch",
    subject: `Host 192.0.2.${count % 250} is down`,
    message: `netwatch found no answer from 192.0.2.${count % 250} within 3 s – gateway ether${count % 8}`,
    format: "text",
    silent: false,
    severity: "warning",
    time,
    expires: time + 14 * 86_400_000,
  };
  const destination = "!OGEhHVWSdvArJzumhm:matrix.example.org";
  return { t: "enq", id, time, channel: "matrix", destination, notification, expires: notification.expires };
}
