/**
 * Reads the bodies of requests within limits. A slow client waits alone: it holds a connection, but
 * little memory, and not longer than the limit.
 */

import type { Runtime } from "../runtime/runtime.ts";

/** The limits of a reader. */
export interface BodyLimits {
  /** The maximum size of a body, in bytes. */
  readonly maxBytes: number;
  /** The maximum size of all bodies that are in memory, in bytes. */
  readonly maxTotalBytes: number;
  /** The time in which a body must arrive, in milliseconds. */
  readonly maxMs: number;
}

/** A body, or the reason why it was not read. Disposing of it gives its memory back. */
export interface ReadBody extends Disposable {
  readonly bytes: Uint8Array | "too-large" | "unavailable" | "too-slow";
}

/** Reads bodies, and counts the memory that they take. */
export class BodyReader {
  readonly #runtime: Pick<Runtime, "sleep">;
  readonly #limits: BodyLimits;
  #total = 0;

  constructor(runtime: Pick<Runtime, "sleep">, limits: BodyLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  /** Reads the body of a request. Never throws: a body that breaks off is too slow. */
  async read(request: Request): Promise<ReadBody> {
    const { maxBytes, maxMs } = this.#limits;
    let reserved = 0;
    const release = () => {
      this.#total -= reserved;
      reserved = 0;
    };
    const end = (bytes: ReadBody["bytes"]): ReadBody => {
      if (typeof bytes === "string") release();
      return { bytes, [Symbol.dispose]: release };
    };
    if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return end("too-large");
    const reader = request.body?.getReader();
    if (reader === undefined) return end(new Uint8Array());
    const over = new AbortController();
    let isLate = false;
    const timer = this.#runtime.sleep(maxMs, over.signal).then(() => {
      isLate = true;
      return reader.cancel();
    }).catch(() => {});
    try {
      const chunks: Uint8Array[] = [];
      for (;;) {
        const { value, done } = await reader.read();
        if (isLate) return end("too-slow");
        if (done) return end(join(chunks, reserved));
        reserved += value.length;
        this.#total += value.length;
        const isTooLarge = reserved > maxBytes;
        if (isTooLarge || this.#total > this.#limits.maxTotalBytes) {
          await reader.cancel().catch(() => {});
          return end(isTooLarge ? "too-large" : "unavailable");
        }
        chunks.push(value);
      }
    } catch {
      return end("too-slow");
    } finally {
      over.abort();
      await timer;
    }
  }
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const joined = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
