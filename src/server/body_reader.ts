/**
 * Reads the bodies of requests, and limits their memory and time. All receivers of `serve` share
 * one reader, so the memory for all bodies together is limited.
 *
 * ```text
 * the first 64 KiB of each body   count against the memory for small bodies
 * the rest                        counts against the memory for large bodies
 * ```
 *
 * Therefore a client can still send small alerts while other clients fill the memory for large
 * bodies.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";

/** The limits of a reader. */
export interface BodyLimits {
  /** How many bytes of each body count against the memory for small bodies. @default {65536} */
  readonly smallBytes?: number;
  /**
   * The memory for small bodies, in bytes. The memory for large bodies has the same size. A body
   * that is larger than this memory can be read only while no other large body is in memory.
   * @default {67108864} (64 MiB)
   */
  readonly maxTotalBytes?: number;
  /** The time in which a body must arrive, in milliseconds. @default {30000} */
  readonly maxMs?: number;
}

/** A body, or the reason why it was not read. Dispose of this object to free its memory. */
export interface ReadBody extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer> | "too-large" | "unavailable" | "too-slow";
}

/** Reads bodies, and counts the memory that they take. */
export class BodyReader {
  readonly #runtime: Pick<Runtime, "sleep">;
  readonly #limits: Required<BodyLimits>;
  readonly #used = { small: 0, large: 0 };

  constructor(
    runtime: Pick<Runtime, "sleep">,
    { smallBytes = 64 * 1024, maxTotalBytes = 64 * 2 ** 20, maxMs = 30_000 }: BodyLimits = {},
  ) {
    this.#runtime = runtime;
    this.#limits = { smallBytes, maxTotalBytes, maxMs };
  }

  /**
   * Reads the body of a request. Never throws. The result is `too-slow` also if the connection ends
   * before the body is complete.
   *
   * @param maxBytes the maximum size of the body
   */
  async read(request: Request, maxBytes: number): Promise<ReadBody> {
    let size = 0;
    const release = () => {
      this.#count(size, 0);
      size = 0;
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
    const timer = this.#runtime.sleep(this.#limits.maxMs, over.signal).then(() => {
      isLate = true;
      return reader.cancel();
    }).catch(() => {});
    try {
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      for (;;) {
        const { value, done } = await reader.read();
        if (isLate) return end("too-slow");
        if (done) return end(join(chunks, size));
        this.#count(size, size + value.length);
        size += value.length;
        const isTooLarge = size > maxBytes;
        if (isTooLarge || this.#isFull(maxBytes)) {
          // Frees the memory of this body before the wait for `cancel`. Other bodies can then use
          // this memory.
          const refused = end(isTooLarge ? "too-large" : "unavailable");
          await reader.cancel().catch(() => {});
          return refused;
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

  /** Counts a body whose size has changed. */
  #count(before: number, after: number): void {
    const { smallBytes } = this.#limits;
    const small = Math.min(after, smallBytes) - Math.min(before, smallBytes);
    this.#used.small += small;
    this.#used.large += after - before - small;
  }

  #isFull(maxBytes: number): boolean {
    const { maxTotalBytes } = this.#limits;
    return this.#used.small > maxTotalBytes || this.#used.large > Math.max(maxTotalBytes, maxBytes);
  }
}

function join(chunks: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  if (chunks.length === 1) return chunks[0];
  const joined = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
