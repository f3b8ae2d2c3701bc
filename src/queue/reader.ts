/**
 * Reads the journal from where it stopped last, in chunks: memory grows neither with the file nor
 * with a line.
 *
 * It takes no lock. A line that ends in LF is complete and is checked. Bytes after the last LF
 * belong to a writer that is still writing, or that died. They are left for the next append to
 * seal. A writer whose disk failed takes its lines back: {@linkcode JournalReader.continues} finds
 * out whether the file still is what was read.
 *
 * @module
 */

import type { OpenFile } from "../runtime/files.ts";
import { decodeLine, isUnfinished, MAX_LINE_BYTES } from "./journal_line.ts";
import type { JournalRecord } from "./record.ts";

/** Where a damaged line is in the file, in bytes, without its line feed. */
export interface DamagedLine {
  readonly offset: number;
  readonly length: number;
  /** Whether its writer died while writing it. Such a line was never acknowledged. */
  readonly isTorn: boolean;
}

/** Gets the lines that a reader reads. */
export interface LineSink {
  /** @param line its bytes, without the line feed; they are valid until the call returns */
  record(record: JournalRecord, line: Uint8Array): void;
  /** Gets a line of a later version or of an unknown type. */
  unknown(line: Uint8Array): void;
  damaged(line: DamagedLine): void;
}

const CHUNK_BYTES = 256 * 1024;
const LF = 0x0a;
/** Enough for the checksum of a line. */
const TAIL_BYTES = 20;

/** A reader that remembers its position. */
export class JournalReader {
  /** Where the first unread line begins. */
  #offset = 0;
  /** The last bytes before that. */
  #tail = new Uint8Array();
  #tornBytes = 0;

  /** How many bytes of complete lines were read. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes after the last line feed that are no record. 0 if a record lacks only its line feed. */
  get tornBytes(): number {
    return this.#tornBytes;
  }

  /**
   * Whether the file still has the last line that was read: the bytes of its checksum are compared.
   */
  continues(file: OpenFile): boolean {
    if (this.#offset < this.#tail.length || this.#tail.length === 0) return true;
    const now = new Uint8Array(this.#tail.length);
    return file.read(now, this.#offset - now.length) === now.length && now.every((byte, at) => byte === this.#tail[at]);
  }

  /** Reads every complete line that is new since the last call. */
  read(file: OpenFile, sink: LineSink): void {
    this.#tornBytes = 0;
    const fresh = file.size() - this.#offset;
    if (fresh <= 0) return;
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, fresh));
    let at = this.#offset;
    for (;;) {
      const length = file.read(chunk, at);
      if (length === 0) return void (this.#tornBytes = at - this.#offset);
      const before = this.#offset;
      this.#lines(chunk.subarray(0, length), at, sink);
      if (this.#offset > before) at = this.#offset;
      // Longer than a line may be, so it is damaged: look for its end without keeping it.
      else if (at + length - before > MAX_LINE_BYTES) at += length;
      else return void (this.#tornBytes = decodeLine(chunk.subarray(0, length)) === "damaged" ? length : 0);
    }
  }

  #lines(chunk: Uint8Array, at: number, sink: LineSink): void {
    let start = this.#offset - at;
    for (;;) {
      const end = chunk.indexOf(LF, Math.max(start, 0));
      if (end < 0) {
        if (start > 0) this.#tail = chunk.slice(Math.max(0, start - TAIL_BYTES), start);
        return;
      }
      const length = at + end - this.#offset;
      this.#line(start >= 0 ? chunk.subarray(start, end) : undefined, length, sink);
      start = end + 1;
      this.#offset = at + start;
    }
  }

  /** @param bytes the line; undefined if it was too long to keep */
  #line(bytes: Uint8Array | undefined, length: number, sink: LineSink): void {
    if (length === 0) return;
    const decoded = bytes === undefined || length > MAX_LINE_BYTES ? "damaged" : decodeLine(bytes);
    if (bytes === undefined || decoded === "damaged") {
      const isTorn = bytes !== undefined && isUnfinished(bytes);
      return sink.damaged({ offset: this.#offset, length, isTorn });
    }
    if (decoded === "unknown") return sink.unknown(bytes);
    sink.record(decoded.record, bytes);
  }
}
