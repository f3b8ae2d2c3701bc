/**
 * Reads the bodies of requests, and limits their memory and time. All receivers of `serve` share
 * one reader, so the memory for all bodies together is limited.
 *
 * ```text
 * the first 64 KiB of each body   count against the memory for small bodies
 * the rest of a large body        is reserved in the memory for large bodies before it is read
 * ```
 *
 * Therefore a client can still send small alerts while other clients fill the memory for large
 * bodies. While a large body waits for memory, it is not read, and its client cannot send more.
 *
 * A compressed body is decoded after it has arrived. The decoded bytes count like a second body.
 *
 * Each body has one buffer. The memory of a chunk is freed as soon as the chunk is copied into it.
 *
 * @module
 */

import { MAX_REQUEST_BYTES } from "../ingest/http/request.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The limits of a reader. */
export interface BodyLimits {
  /** How many bytes of each body count against the memory for small bodies. @default {65536} */
  readonly smallBytes?: number;
  /**
   * The memory for small bodies, in bytes. The memory for large bodies has the same size. A body
   * that is larger than this memory can be read only while no other large body is in memory.
   * @default {33554432} (32 MiB)
   */
  readonly maxTotalBytes?: number;
  /** The time in which a body must arrive, in milliseconds. @default {30000} */
  readonly maxMs?: number;
  /** How long a large body waits for memory, in milliseconds. @default {10000} */
  readonly maxWaitMs?: number;
}

/**
 * A body, or the reason why it was not read. Dispose of this object to free its memory. Then
 * `bytes`, and all views of it, are empty.
 */
export interface ReadBody extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer> | "too-large" | "unavailable" | "too-slow";
  /** The limit for this body, in bytes. */
  readonly maxBytes: number;
}

interface ReadOptions {
  readonly maxBytes: number;
  /** How much a body reserves if it is large. 0 if its memory is already reserved. */
  readonly largeBytes: number;
  /** Gets what frees the memory of the body. */
  readonly held: DisposableStack;
}

/** The size of the first buffer of a body, in bytes. */
const FIRST_BYTES = 4 * 1024;

/** Reads bodies, and counts the memory that they take. */
export class BodyReader {
  readonly #runtime: Pick<Runtime, "sleep">;
  readonly #limits: Required<BodyLimits>;
  readonly #large: Memory;
  #smallBytes = 0;

  constructor(
    runtime: Pick<Runtime, "sleep">,
    { smallBytes = 64 * 1024, maxTotalBytes = 32 * 2 ** 20, maxMs = 30_000, maxWaitMs = 10_000 }: BodyLimits = {},
  ) {
    this.#runtime = runtime;
    this.#limits = { smallBytes, maxTotalBytes, maxMs, maxWaitMs };
    this.#large = new Memory(maxTotalBytes);
  }

  /**
   * Reads the body of a request, and decodes it if it is compressed. Never throws. The result is
   * `too-slow` also if the connection ends before the body is complete.
   *
   * @param maxBytes the maximum size of the body. A compressed body and its decoded bytes each have
   * at most {@linkcode MAX_REQUEST_BYTES}.
   */
  async read(request: Request, maxBytes: number): Promise<ReadBody> {
    const decode = findDecoder(request.headers.get("content-encoding") ?? "");
    const limit = decode === undefined ? maxBytes : Math.min(maxBytes, MAX_REQUEST_BYTES);
    const declared = declaredBytes(request) ?? limit;
    const { smallBytes } = this.#limits;
    // A large compressed body also reserves the memory for the decoded bytes. Otherwise two such
    // bodies could wait for each other.
    const largeBytes = declared - smallBytes + (decode === undefined ? 0 : limit);
    const held = new DisposableStack();
    let bytes: ReadBody["bytes"] = declared > limit
      ? "too-large"
      : await this.#read(request.body, { maxBytes: declared, largeBytes, held });
    if (decode !== undefined && typeof bytes !== "string" && bytes.length > 0) {
      const restBytes = bytes.length > smallBytes ? 0 : limit - smallBytes;
      bytes = await this.#read(ReadableStream.from(decode(bytes)), { maxBytes: limit, largeBytes: restBytes, held });
    }
    if (typeof bytes === "string") held.dispose();
    return { bytes, maxBytes: limit, [Symbol.dispose]: () => held.dispose() };
  }

  async #read(body: Body, { maxBytes, largeBytes, held }: ReadOptions): Promise<ReadBody["bytes"]> {
    if (body === null) return new Uint8Array();
    const source = openBody(body);
    const over = new AbortController();
    let isLate = false;
    const timer = this.#runtime.sleep(this.#limits.maxMs, over.signal).then(() => {
      isLate = true;
      return source.cancel();
    }).catch(() => {});
    // The memory of a refused body is free before the wait for `cancel`. Other bodies can then use
    // this memory.
    const refuse = async (reason: "too-large" | "unavailable") => {
      held.dispose();
      await source.cancel().catch(() => {});
      return reason;
    };
    const { smallBytes, maxTotalBytes } = this.#limits;
    let buffer = new Uint8Array(Math.min(FIRST_BYTES, smallBytes + 1)), size = 0, counted = 0;
    held.defer(() => {
      this.#smallBytes -= counted;
      // Frees the memory now. The garbage collector could wait for a long time.
      if (!buffer.buffer.detached) buffer.buffer.transfer(0);
    });
    try {
      for (;;) {
        const count = await source.read(buffer, size);
        if (isLate) return "too-slow";
        if (count === 0) return buffer.subarray(0, size);
        size += count;
        if (size > maxBytes) return await refuse("too-large");
        this.#smallBytes += Math.min(size, smallBytes) - counted;
        counted = Math.min(size, smallBytes);
        if (this.#smallBytes > maxTotalBytes) return await refuse("unavailable");
        if (size < buffer.length) continue;
        const isSmall = size <= smallBytes;
        if (!isSmall && largeBytes > 0 && !await this.#reserve(largeBytes, held)) return await refuse("unavailable");
        // One byte more than the limit: a read needs a free byte to notice the end of the body.
        const larger = new Uint8Array((isSmall ? Math.min(2 * size, smallBytes) : maxBytes) + 1);
        larger.set(buffer);
        buffer = larger;
      }
    } catch {
      return "too-slow";
    } finally {
      over.abort();
      await timer;
    }
  }

  /** Waits for memory for a large body. Returns false if there is none in time. */
  async #reserve(size: number, held: DisposableStack): Promise<boolean> {
    const over = new AbortController();
    const late = this.#runtime.sleep(this.#limits.maxWaitMs, over.signal).then(() => undefined, () => undefined);
    const reservation = this.#large.reserve(size);
    try {
      const isReserved = await Promise.race([reservation.granted.then(() => true), late]);
      held.use(reservation);
      return isReserved === true;
    } finally {
      over.abort();
    }
  }
}

/** Returns the `Content-Length` of a body; undefined if it is missing or was sent twice. */
function declaredBytes({ headers }: Request): number | undefined {
  const length = headers.get("content-length") ?? "";
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/**
 * Compressed bytes are decoded in pieces of up to this size. The result of a piece has at most 1
 * MiB. The first pieces are shorter, because a damaged piece is lost as a whole.
 */
const FIRST_PIECE_BYTES = 16, PIECE_BYTES = 1024;

/** The formats of `Content-Encoding` that are decoded (RFC 9110, section 8.4.1). */
const FORMATS: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

/** Formats that are not decoded. A few bytes of `br` can become gigabytes. */
const UNREADABLE: readonly string[] = ["br", "zstd", "compress", "x-compress"];

type Decoder = (bytes: Uint8Array<ArrayBuffer>) => AsyncIterable<Uint8Array<ArrayBuffer>>;

/**
 * Returns a function that decodes a body. A sentence replaces what cannot be decoded, because an
 * alert must arrive. Returns undefined if the body is not compressed.
 */
function findDecoder(contentEncoding: string): Decoder | undefined {
  const name = contentEncoding.trim().toLowerCase();
  const format = FORMATS.get(name);
  if (format !== undefined) return (bytes) => decompress(bytes, format);
  if (!UNREADABLE.includes(name)) return undefined;
  return async function* () {
    yield encoder.encode(`The body cannot be read: send it without compression, or as gzip instead of ${name}`);
  };
}

const encoder = new TextEncoder();

async function* decompress(bytes: Uint8Array<ArrayBuffer>, format: CompressionFormat) {
  if (!isCompressed(bytes, format)) return void (yield bytes);
  try {
    yield* format === "gzip" ? decodeMembers(bytes) : decode(bytes, format);
  } catch {
    yield encoder.encode(`\n\nA part of the body cannot be read: it is not valid ${format}`);
  }
}

/** Decodes one stream of compressed bytes. @throws {TypeError} if the bytes are not valid */
function decode(bytes: Uint8Array<ArrayBuffer>, format: CompressionFormat): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = function* () {
    for (let at = 0, end = FIRST_PIECE_BYTES; at < bytes.length;) {
      yield bytes.subarray(at, end);
      [at, end] = [end, end + Math.min(Math.max(FIRST_PIECE_BYTES, end >> 3), PIECE_BYTES)];
    }
  };
  return ReadableStream.from(pieces()).pipeThrough(new DecompressionStream(format));
}

/** The largest number of members of a gzip body that are decoded. */
const MAX_MEMBERS = 1000;

/** How often compressed bytes may look like the header of a member, without being one. */
const MAX_FALSE_HEADERS = 10;

/**
 * Decodes the members of a gzip body (RFC 1952, section 2.2). `DecompressionStream` decodes only
 * one member, and does not return its length. Therefore each header that could be the next one is
 * tried: it is the next one if the bytes before it are a whole member with the right checksum.
 * Otherwise, the member is decoded again, up to the following header. The bytes that were yielded
 * before are skipped.
 *
 * @throws {TypeError} if a member is not valid
 */
async function* decodeMembers(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let start = 0, end = 0, decoded = 0, members = 1, falseHeaders = 0;
  while (end < bytes.length) {
    const isLast = members >= MAX_MEMBERS || falseHeaders >= MAX_FALSE_HEADERS;
    end = isLast ? bytes.length : findHeader(bytes, end + 1);
    try {
      let size = 0;
      for await (const chunk of decode(bytes.subarray(start, end), "gzip")) {
        size += chunk.length;
        const fresh = size - decoded;
        if (fresh <= 0) continue;
        decoded = size;
        yield chunk.subarray(Math.max(0, chunk.length - fresh));
      }
      [start, decoded, members] = [end, 0, members + 1];
    } catch (error) {
      if (end === bytes.length) throw error;
      falseHeaders++;
    }
  }
}

/**
 * Finds the next header of a member. Returns the length of the body if there is none. Calls of
 * `indexOf` for the first byte would take 0.7 s for a large body that has only this byte.
 */
function findHeader(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 3 < bytes.length; at++) {
    if (bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && bytes[at + 3] < 0x20) return at;
  }
  return bytes.length;
}

/** Some clients send the header with a body that is not compressed. */
function isCompressed([first = 0, second = 0]: Uint8Array, format: CompressionFormat): boolean {
  if (format === "gzip") return first === 0x1f && second === 0x8b;
  return (first & 0x0f) === 8 && (256 * first + second) % 31 === 0;
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>> | null;

/** A body that is copied into a buffer. */
interface BodySource {
  /**
   * Copies the next bytes into the buffer, from `start` on. Returns the number of bytes; 0 at the
   * end of the body.
   */
  read(buffer: Uint8Array<ArrayBuffer>, start: number): Promise<number>;
  cancel(): Promise<void>;
}

/**
 * Opens a body. Deno could also write into a given buffer (`{ mode: "byob" }`). But in Deno 2.9.6,
 * some reads of chunked bodies then never end.
 */
function openBody(body: ReadableStream<Uint8Array<ArrayBuffer>>): BodySource {
  const reader = body.getReader();
  let chunk = new Uint8Array(), at = 0;
  return {
    async read(buffer, start) {
      while (at === chunk.length) {
        const { value, done } = await reader.read();
        if (done) return 0;
        [chunk, at] = [value, 0];
      }
      const part = chunk.subarray(at, at + buffer.length - start);
      buffer.set(part, start);
      at += part.length;
      // Deno allocates 64 KiB for each chunk, even if the chunk has one byte.
      const { length } = part;
      if (at === chunk.length) {
        chunk.buffer.transfer(0);
        [chunk, at] = [new Uint8Array(), 0];
      }
      return length;
    },
    cancel: () => reader.cancel(),
  };
}

/** A part of the memory. Dispose of this object to free the part, or to stop waiting for it. */
interface Reservation extends Disposable {
  readonly granted: Promise<void>;
}

/** Counts memory. Reservations that do not fit wait in the order of their arrival. */
class Memory {
  readonly #maxBytes: number;
  readonly #waiting = new Set<{ readonly size: number; readonly grant: () => void }>();
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  reserve(size: number): Reservation {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { size, grant: resolve };
    this.#waiting.add(waiter);
    this.#grant();
    return {
      granted: promise,
      [Symbol.dispose]: () => {
        if (!this.#waiting.delete(waiter)) this.#usedBytes -= size;
        this.#grant();
      },
    };
  }

  #grant(): void {
    for (const waiter of this.#waiting) {
      if (this.#usedBytes > 0 && this.#usedBytes + waiter.size > this.#maxBytes) return;
      this.#usedBytes += waiter.size;
      this.#waiting.delete(waiter);
      waiter.grant();
    }
  }
}
