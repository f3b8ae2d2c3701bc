/**
 * Compaction: a shorter journal that tells the same.
 *
 * ```text
 * under `lock`:  write queue.jsonl.new -> fsync -> rename over queue.jsonl -> fsync of the directory -> unlock
 * ```
 *
 * Before the rename is on the disk the old journal is the truth, afterwards the new one; a crash leaves one of them, whole. The directory is synced before
 * anybody may append, so that no acknowledged line stands in a file whose name a power cut could take back.
 *
 * @module
 */

import type { Files, OpenFile } from "../runtime/files.ts";
import { type DamagedLine, JournalReader } from "./reader.ts";
import { encodeRecord, type JournalRecord } from "./record.ts";

/** What the new journal holds. */
export interface Compaction {
  /** What stands for the history. */
  readonly snapshot: Iterable<JournalRecord>;
  /** Whether an old line is carried over as it is. Lines of unknown types always are. */
  readonly keep: (record: JournalRecord) => boolean;
  /** Sees to it that a damaged line is kept elsewhere, or throws. */
  readonly damaged: (source: OpenFile, line: DamagedLine) => void;
}

const BUFFER_BYTES = 256 * 1024;
const LF = Uint8Array.of(0x0a);

/** Puts a compacted journal in the place of `path`. */
export function compactFile(files: Files, path: string, { snapshot, keep, damaged }: Compaction): void {
  const temporary = `${path}.new`;
  {
    using file = files.open(temporary, "create");
    const writer = new LineWriter(file);
    for (const record of snapshot) writer.write(encodeRecord(record));
    using old = files.open(path, "read");
    const carry = (line: Uint8Array) => {
      writer.write(line);
      writer.write(LF);
    };
    new JournalReader().read(old, {
      record: (record, line) => keep(record) && carry(line),
      unknown: carry,
      damaged: (line) => damaged(old, line),
    });
    writer.flush();
    file.syncData();
  }
  files.rename(temporary, path);
  files.syncDirectory(path.slice(0, path.lastIndexOf("/")));
}

/** Gathers lines into large writes. */
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
