/** Writes journals for the benchmarks, with entries as a monitoring script sends them. */

import { encodeRecord } from "../../src/queue/journal_line.ts";
import { MAX_QUEUE_BYTES } from "../../src/queue/limits.ts";
import type { JournalRecord } from "../../src/queue/record.ts";

/** The room of all entries. */
export const ROOM = "!OGEhHVWSdvArJzumhm:matrix.example.org";

const BUFFER_BYTES = 2 ** 20;

/** Creates a state directory with a journal. */
export function makeStateDirectory(path: string, records: Iterable<JournalRecord>): string {
  Deno.mkdirSync(`${path}/queue`, { recursive: true, mode: 0o700 });
  Deno.chmodSync(path, 0o700);
  writeJournal(`${path}/queue/queue.jsonl`, records);
  return path;
}

function writeJournal(path: string, records: Iterable<JournalRecord>): void {
  using file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
  const buffer = new Uint8Array(BUFFER_BYTES);
  let filled = 0;
  const flush = () => {
    for (let rest = buffer.subarray(0, filled); rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
    filled = 0;
  };
  for (const record of records) {
    const line = encodeRecord(record);
    if (filled + line.length > BUFFER_BYTES) flush();
    buffer.set(line, filled);
    filled += line.length;
  }
  flush();
}

/** The records of a journal in which `count` entries wait for a first attempt. */
export function* waiting(count: number): Generator<JournalRecord> {
  const start = Date.now() - 3_600_000;
  yield { t: "hdr", time: start, host: "jump" };
  for (let at = 0; at < count; at++) yield enqueued(at, start + at);
}

/**
 * The records of a journal at its size limit that was never compacted. One entry in `stride` still
 * waits; the others were delivered.
 */
export function* full(stride: number): Generator<JournalRecord> {
  const start = Date.now() - 86_400_000;
  let bytes = 0;
  for (let at = 0; bytes < MAX_QUEUE_BYTES - 1024; at++) {
    const [time, entry] = [start + at, enqueued(at, start + at)];
    const { id } = entry;
    const settled: JournalRecord[] = at % stride === 0 ? [] : [
      { t: "att", id, n: 1, time },
      { t: "ack", id, time: time + 180, receipt: `$${id}AbCdEfGhIjKlMnOpQrStUvWx`, via: "put" },
    ];
    const records = at === 0 ? [{ t: "hdr", time: start, host: "jump" } as const, entry] : [entry, ...settled];
    for (const record of records) bytes += encodeRecord(record).length;
    yield* records;
  }
}

/** An entry as long as a typical message of a monitoring script. */
function enqueued(count: number, time: number): JournalRecord & { readonly id: string } {
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
  const id = crypto.randomUUID();
  return { t: "enq", id, time, channel: "matrix", destination: ROOM, notification, expires: notification.expires };
}
