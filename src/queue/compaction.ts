/**
 * Compaction: writes a shorter journal with the same state.
 *
 * ```text
 * under `lock`:  write queue.jsonl.new -> fdatasync -> rename over queue.jsonl
 *                -> fsync of the directory -> unlock
 * ```
 *
 * Until the rename is on the disk the old journal counts, after that the new one. A crash leaves
 * one of them, whole. The directory is synced before any process may append. Otherwise a power cut
 * could undo the rename, and with it lines that were acknowledged.
 *
 * @module
 */

import type { Files, OpenFile } from "../runtime/files.ts";
import { encodeRecord } from "./journal_line.ts";
import { ACK_RETENTION_MS, MIN_COMPACTION_BYTES, NAMED_ACK_RETENTION_MS, NEARLY_FULL_BYTES } from "./limits.ts";
import { type DamagedLine, JournalReader } from "./reader.ts";
import type { AckRecord, JournalRecord } from "./record.ts";

/** What the new journal contains. */
export interface Compaction {
  /** The records that replace the history. */
  readonly snapshot: Iterable<JournalRecord>;
  /** Whether an old line is copied as it is. Lines of unknown types always are. */
  readonly keep: (record: JournalRecord) => boolean;
  /** Copies a damaged line to the quarantine. Compaction fails if this throws. */
  readonly damaged: (source: OpenFile, line: DamagedLine) => void;
}

/**
 * Whether a compaction is worth it: more than half of the journal must be history. If the journal
 * is nearly full, a tenth is enough.
 */
export function isWorthCompacting(bytes: number, keptBytes: number): boolean {
  const ratio = bytes > NEARLY_FULL_BYTES ? 1.1 : 2;
  return bytes > MIN_COMPACTION_BYTES && bytes > ratio * keptBytes;
}

/**
 * Whether a compaction keeps a record besides the state: an `ack`, as long as a caller may ask for
 * its entry.
 */
export function isKept(record: JournalRecord, now: number): record is AckRecord {
  return record.t === "ack" &&
    record.time > now - (record.idempotencyKey === undefined ? ACK_RETENTION_MS : NAMED_ACK_RETENTION_MS);
}

/** Replaces the journal at `path` by a compacted one. The caller holds `lock`. */
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

/** Collects lines into large writes. */
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
