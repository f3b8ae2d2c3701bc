/**
 * Reads the journal from where it stopped last, in chunks: memory does not grow with the file, nor with a line.
 *
 * It takes no lock. What ends in a line feed is whole, so that it may be judged; bytes behind the last line feed belong to somebody who is still writing, or
 * who died, and are left for the next append to seal. A writer whose disk failed takes its lines back: {@linkcode JournalReader.continues} tells whether the
 * file still is what was read.
 *
 * @module
 */

import type { OpenFile } from "../runtime/files.ts";
import { decodeLine, isUnfinished, type JournalRecord, MAX_LINE_BYTES } from "./record.ts";

/** A complete line that is no record, by its place in the file; its line feed is not included. */
export interface DamagedLine {
  readonly offset: number;
  readonly length: number;
  /** Whether it looks as if its writer died over it. Nobody was told that such a line is queued. */
  readonly isTorn: boolean;
}

/** Who listens to a reader. */
export interface LineSink {
  /** @param line its bytes, without the line feed; they are valid until this returns */
  record(record: JournalRecord, line: Uint8Array): void;
  /** A whole line of a later version or of an unknown type. */
  unknown(line: Uint8Array): void;
  damaged(line: DamagedLine): void;
}

const CHUNK_BYTES = 256 * 1024;
const LF = 0x0a;
/** A checksum with what is around it. */
const TAIL_BYTES = 20;

/** A reader that knows how far it has come. */
export class JournalReader {
  /** Where the first line begins that was not read yet. */
  #offset = 0;
  /** The last bytes before it. */
  #tail = new Uint8Array();
  #tornBytes = 0;

  /** How far complete lines were read, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes behind the last line feed that are no record: somebody is still writing them, or died. 0 where a record only lacks its line feed. */
  get tornBytes(): number {
    return this.#tornBytes;
  }

  /** Whether the file still ends the last line that was read in the same bytes; its checksum stands there. */
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
      // Longer than any line of ours: it is damage whatever is in it, so look for its end without keeping it.
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

  /** @param bytes the line, or undefined when it was too long to keep */
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
