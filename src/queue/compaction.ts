/**
 * Compaction: replaces the journal with a shorter journal that has the same state.
 *
 * ```text
 * under `lock`:  write queue.jsonl.new -> fdatasync -> rename over queue.jsonl
 *                -> fsync of the directory -> unlock
 * ```
 *
 * Until the rename is on the disk, the old journal is valid. After that, the new journal is valid.
 * After a crash, one of the two journals exists and is complete. The directory is synced before
 * another process can append. Without this sync, a power cut could undo the rename, and the lines
 * that were appended after the rename would be lost.
 *
 * @module
 */

import type { Files, OpenFile } from "../runtime/files.ts";
import { encodeRecord } from "./journal_line.ts";
import { ACK_RETENTION_MS, MIN_COMPACTION_BYTES, NAMED_ACK_RETENTION_MS, NEARLY_FULL_BYTES } from "./limits.ts";
import { type DamagedLine, JournalReader } from "./reader.ts";
import type { AckRecord, JournalRecord } from "./record.ts";

/** The content of the new journal. */
export interface Compaction {
  /** The records that restore the current state. */
  readonly snapshot: Iterable<JournalRecord>;
  /**
   * Returns true if the line of this record must be copied from the old journal to the new one.
   * Called once for each record, in the order of the journal. Not called for lines of unknown
   * types, which are always copied.
   */
  readonly keep: (record: JournalRecord) => boolean;
  /** Copies a damaged line to the quarantine. If this function throws, the compaction fails. */
  readonly damaged: (source: OpenFile, line: DamagedLine) => void;
}

/**
 * Returns true if a compaction would make the journal much shorter. The compaction must remove more
 * than half of the journal. If the journal is nearly full, it is enough to remove about a tenth.
 */
export function isWorthCompacting(bytes: number, keptBytes: number): boolean {
  const ratio = bytes > NEARLY_FULL_BYTES ? 1.1 : 2;
  return bytes > MIN_COMPACTION_BYTES && bytes > ratio * keptBytes;
}

/** The parts of the state of the queue that {@linkcode createAckFilter} uses. */
interface AckState {
  readonly forgottenAcks: number;
  entry(id: string): unknown;
}

/**
 * Returns the function that selects the `ack` records (the records of deliveries) that a compaction
 * copies to the new journal. An `ack` is copied as long as a caller may still ask for the result.
 *
 * In the new journal, the copied lines follow the snapshot. An `ack` would remove an entry that the
 * snapshot restores. Therefore the `ack` of an entry in the queue is not copied. Such an `ack`
 * exists if a power cut removed the `ack` of a batch, but not the `ack` of a member.
 */
export function createAckFilter(state: () => AckState, now: number): Compaction["keep"] {
  let acks = 0;
  return (record) =>
    record.t === "ack" && acks++ >= state().forgottenAcks && isRecent(record, now) &&
    state().entry(record.id) === undefined;
}

function isRecent({ time, idempotencyKey }: AckRecord, now: number): boolean {
  return time > now - (idempotencyKey === undefined ? ACK_RETENTION_MS : NAMED_ACK_RETENTION_MS);
}

/**
 * Replaces the journal at `path` with a compacted journal. The caller must hold the lock of the
 * journal.
 */
export function compactFile(files: Files, path: string, { snapshot, keep, damaged }: Compaction): void {
  const temporary = `${path}.new`;
  {
    using file = files.open(temporary, "create");
    const writer = new LineWriter(file);
    for (const record of snapshot) writer.write(encodeRecord(record));
    using old = files.open(path, "read");
    const copy = (line: Uint8Array) => {
      writer.write(line);
      writer.write(LF);
    };
    new JournalReader().read(old, {
      record: (record, line) => keep(record) && copy(line),
      unknown: copy,
      damaged: (line) => damaged(old, line),
    });
    writer.flush();
    file.syncData();
  }
  files.rename(temporary, path);
  files.syncDirectory(path.slice(0, path.lastIndexOf("/")));
}

const BUFFER_BYTES = 256 * 1024;
const LF = Uint8Array.of(0x0a);

/** Combines lines into large writes. */
class LineWriter {
  readonly #file: OpenFile;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  write(bytes: Uint8Array): void {
    if (this.#filled + bytes.length > BUFFER_BYTES) this.flush();
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  flush(): void {
    let rest = this.#buffer.subarray(0, this.#filled);
    while (rest.length > 0) rest = rest.subarray(this.#file.append(rest));
    this.#filled = 0;
  }
}
