/**
 * Writes standard output and standard error. A write never throws, because an alert must be sent
 * even if its messages cannot be printed. The first failure is remembered, and the command line
 * turns it into an exit code.
 *
 * - If the reader is slow (`EAGAIN`, a full pipe), the write waits.
 * - If the reader has ended (`EPIPE`, for example `head -1`), the rest of the output is discarded.
 *   This is not an error.
 * - Every other error (a full disk, a terminal that is gone) is a failure. The rest of the output
 *   is discarded, so that the output has no gaps.
 *
 * @module
 */

import { sleep } from "./timers.ts";

/** `closed`: the reader has ended. `failed`: a write failed for another reason. */
export type OutputState = "open" | "closed" | "failed";

/** The name of an output: standard output or standard error. */
export type OutputName = "stdout" | "stderr";

/** An output that could not be written completely. */
export interface OutputFailure {
  readonly to: OutputName;
  readonly error: unknown;
}

/** The part of `Deno.stdout` that an {@linkcode Output} uses. */
export interface OutputStream {
  /** Writes some of the bytes and returns their number. */
  writeSync(bytes: Uint8Array): number;
  write(bytes: Uint8Array): Promise<number>;
}

/** The properties of a stream that determine how the stream reports a full pipe. */
export interface OutputTraits {
  /**
   * True for `Deno.stdout`: Rust keeps an unfinished line in a buffer of {@linkcode
   * RUST_BUFFER_BYTES}.
   */
  readonly hasLineBuffer: boolean;
  readonly isTerminal: boolean;
}

/** The waiting time before the next write to a full pipe in non-blocking mode, in milliseconds. */
const FULL_PIPE_WAIT_MS = 5;

/** Writes one of the outputs. */
export class Output {
  readonly #stream: OutputStream;
  readonly #traits: OutputTraits;
  #state: OutputState = "open";
  #error: unknown;

  constructor(stream: OutputStream, traits: OutputTraits) {
    this.#stream = stream;
    this.#traits = traits;
  }

  get state(): OutputState {
    return this.#state;
  }

  /** The error that made the state `failed`. */
  get error(): unknown {
    return this.#error;
  }

  /** Writes all bytes. Blocks the whole process while the reader is slow. */
  write(bytes: Uint8Array): void {
    const rest = new Rest(bytes, this.#traits);
    for (let part = rest.part(); part !== undefined && this.#state === "open"; part = rest.part()) {
      try {
        rest.wrote(this.#stream.writeSync(part));
      } catch (error) {
        if (this.#isFull(error, rest)) blockFor(FULL_PIPE_WAIT_MS);
      }
    }
  }

  /** Writes all bytes. Other work of the process continues while the reader is slow. */
  async writeLater(bytes: Uint8Array): Promise<OutputState> {
    const rest = new Rest(bytes, this.#traits);
    for (let part = rest.part(); part !== undefined && this.#state === "open"; part = rest.part()) {
      try {
        rest.wrote(await this.#stream.write(part));
      } catch (error) {
        if (this.#isFull(error, rest)) await sleep(FULL_PIPE_WAIT_MS);
      }
    }
    return this.#state;
  }

  /** Handles an error of a write. Returns true if the write must be tried again. */
  #isFull(error: unknown, rest: Rest): boolean {
    if (error instanceof Deno.errors.Interrupted) return true;
    if (error instanceof Deno.errors.WouldBlock) {
      rest.wasFull();
      return true;
    }
    this.#state = error instanceof Deno.errors.BrokenPipe ? "closed" : "failed";
    if (this.#state === "failed") this.#error = error;
    return false;
  }
}

function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The size of the buffer of Rust's `std::io::Stdout` (a `LineWriter`), in bytes. */
const RUST_BUFFER_BYTES = 1024;

/** The largest write to a pipe that is never split (`PIPE_BUF` of Linux), in bytes. */
const ATOMIC_BYTES = 4096;

const LINE_FEED = 10;
const NOTHING = new Uint8Array();

/**
 * The bytes that are not written yet, in parts.
 *
 * `Deno.stdout` writes through a line buffer of Rust. If the pipe becomes full during a write, Deno
 * throws `WouldBlock`, and the number of written bytes is unknown. Therefore each write contains
 * only one of the following parts. Rust never writes half of such a part before the error:
 *
 * - whole lines, together at most {@linkcode ATOMIC_BYTES}. On a terminal, this part is only a line
 *   break, and the text of the line is written before it, as a separate part.
 * - text without a line break that is larger than the buffer: Rust writes it directly
 * - text without a line break that fits into the buffer: Rust keeps the text in the buffer. A later
 *   write of zero bytes writes the buffer to the pipe.
 */
class Rest {
  readonly #traits: OutputTraits;
  #bytes: Uint8Array;
  #isInBuffer = false;

  constructor(bytes: Uint8Array, traits: OutputTraits) {
    this.#bytes = bytes;
    this.#traits = traits;
  }

  /** Returns the next part to write, or undefined if everything is written. */
  part(): Uint8Array | undefined {
    if (this.#isInBuffer) return NOTHING;
    if (this.#bytes.length === 0) return undefined;
    if (!this.#traits.hasLineBuffer) return this.#bytes;
    const lines = this.#traits.isTerminal ? 1 : ATOMIC_BYTES;
    const end = this.#bytes.subarray(0, lines).lastIndexOf(LINE_FEED) + 1;
    if (end > 0) return this.#bytes.subarray(0, end);
    const lineBreak = this.#bytes.indexOf(LINE_FEED);
    return lineBreak < 0 ? this.#bytes : this.#bytes.subarray(0, lineBreak);
  }

  /** Removes the first `count` bytes after they are written. */
  wrote(count: number): void {
    this.#isInBuffer = false;
    this.#bytes = this.#bytes.subarray(count);
  }

  /** Notes that the part was not written because the pipe is full. */
  wasFull(): void {
    const part = this.part();
    if (!this.#traits.hasLineBuffer || part === undefined || part.length >= RUST_BUFFER_BYTES) return;
    if (part.length === 0 || part.at(-1) === LINE_FEED) return;
    this.wrote(part.length);
    this.#isInBuffer = true;
  }
}
