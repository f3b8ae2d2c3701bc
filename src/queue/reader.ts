/**
 * Reads the new lines of the journal in chunks. The memory use does not depend on the size of the
 * file or of a line.
 *
 * Reading does not need a lock. A line that ends in LF is complete and is checked. Bytes after the
 * last LF are from a process that is still writing or was killed. The next append ends this
 * incomplete line with an LF. If a sync fails, the process that appended the lines removes them.
 * {@linkcode JournalReader.continues} detects the removal.
 *
 * @module
 */

import type { OpenFile } from "../runtime/files.ts";
import { decodeLine, isUnfinished, MAX_LINE_BYTES, storeNotification } from "./journal_line.ts";
import type { JournalRecord } from "./record.ts";
import { JsonStore } from "./stored_json.ts";

/**
 * The position and the length of a damaged line in the file, in bytes. The length does not include
 * the line feed.
 */
export interface DamagedLine {
  readonly offset: number;
  readonly length: number;
  /**
   * True if the process that wrote the line was killed during the write. The append of the line was
   * then never confirmed.
   */
  readonly isTorn: boolean;
}

/** Receives the lines of a journal. */
export interface LineSink {
  /**
   * @param line the bytes of the record, without the line feed; the bytes are valid only until the
   * call returns
   */
  record(record: JournalRecord, line: Uint8Array): void;
  /**
   * Receives a line that a later version of matrix-notify wrote, or a record of an unknown type.
   */
  unknown(line: Uint8Array): void;
  damaged(line: DamagedLine): void;
}

const CHUNK_BYTES = 256 * 1024;
const LF = 0x0a;
/**
 * The number of bytes that `continues` compares: the end of a line, which includes the checksum.
 */
const TAIL_BYTES = 20;

/** A reader that remembers its position. */
export class JournalReader {
  /** The position of the first unread line. */
  #offset = 0;
  /** The last bytes before the first unread line. */
  #tail = new Uint8Array();
  #tornBytes = 0;
  #endsWithOwnLine = false;
  readonly #store = new JsonStore();

  /** The total length of the complete lines that were read, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The number of bytes after the last line feed. The number is 0 if these bytes are a complete
   * record, and only the line feed is missing.
   */
  get tornBytes(): number {
    return this.#tornBytes;
  }

  /**
   * True if this process appended the last line. Other processes never remove such a line: after a
   * failed sync, a process removes only the lines that it appended itself.
   */
  get endsWithOwnLine(): boolean {
    return this.#endsWithOwnLine;
  }

  /**
   * Returns true if the file still contains the last line that was read. Compares only the end of
   * the line, which contains the checksum.
   */
  continues(file: OpenFile): boolean {
    if (this.#offset < this.#tail.length || this.#tail.length === 0) return true;
    const now = new Uint8Array(this.#tail.length);
    return file.read(now, this.#offset - now.length) === now.length && now.every((byte, at) => byte === this.#tail[at]);
  }

  /**
   * Moves the position past a line that this process appended. All earlier lines must have been
   * read. `line` includes the line feed.
   *
   * @returns the record; the notification of a new entry is stored as text, as after `read`
   */
  pass(record: JournalRecord, line: Uint8Array): JournalRecord {
    this.#offset += line.length;
    this.#tail = line.slice(-TAIL_BYTES);
    this.#tornBytes = 0;
    this.#endsWithOwnLine = true;
    return record.t === "enq" ? storeNotification(record, line, this.#store) : record;
  }

  /** Reads all complete lines that are new since the last call. */
  read(file: OpenFile, sink: LineSink, size = file.stat().size): void {
    this.#tornBytes = 0;
    if (size <= this.#offset) return;
    this.#endsWithOwnLine = false;
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - this.#offset));
    let at = this.#offset;
    for (;;) {
      const length = at < size ? file.read(chunk, at) : 0;
      if (length === 0) return void (this.#tornBytes = at - this.#offset);
      const before = this.#offset;
      this.#lines(chunk.subarray(0, length), at, sink);
      if (this.#offset > before) at = this.#offset;
      // The line is too long and therefore damaged. Look for the end of the line without storing
      // the line.
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

  /** @param bytes the line; undefined if the line was too long to store */
  #line(bytes: Uint8Array | undefined, length: number, sink: LineSink): void {
    if (length === 0) return;
    const decoded = bytes === undefined || length > MAX_LINE_BYTES ? "damaged" : decodeLine(bytes, this.#store);
    if (bytes === undefined || decoded === "damaged") {
      const isTorn = bytes !== undefined && isUnfinished(bytes);
      return sink.damaged({ offset: this.#offset, length, isTorn });
    }
    if (decoded === "unknown") return sink.unknown(bytes);
    sink.record(decoded.record, bytes);
  }
}
