/** Reads streams that may never end. */

/** Reads a stream until the stream ends, or until more than `maxBytes` bytes were read. */
export async function readAtMost(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  return concat(chunks);
}

/**
 * The beginning and the end of a stream. If the whole stream fits into `beginning`, `end` is empty.
 */
export interface StreamEnds {
  readonly beginning: Uint8Array;
  readonly end: Uint8Array;
  /** The number of bytes between the beginning and the end. */
  readonly missing: number;
}

/** The maximum number of bytes to read, because a stream such as `/dev/zero` never ends. */
const MAX_STREAM_BYTES = 2 ** 30;

/** Keeps the beginning and the end of a stream of bytes. */
export class EndsBuffer {
  readonly #endBytes: number;
  readonly #first: Uint8Array[] = [];
  readonly #last: Uint8Array[] = [];
  #firstBytes = 0;
  #lastBytes = 0;
  #total = 0;

  /** @param endBytes the number of bytes to keep from the beginning, and also from the end */
  constructor(endBytes: number) {
    this.#endBytes = endBytes;
  }

  /** The number of bytes that were added to the buffer. */
  get total(): number {
    return this.#total;
  }

  push(chunk: Uint8Array): void {
    const rest = chunk.subarray(Math.max(0, this.#endBytes - this.#firstBytes));
    this.#total += chunk.length;
    this.#firstBytes += chunk.length - rest.length;
    if (rest.length < chunk.length) this.#first.push(chunk.subarray(0, chunk.length - rest.length));
    if (rest.length === 0) return;
    this.#last.push(rest);
    this.#lastBytes += rest.length;
    while (this.#lastBytes - this.#last[0].length >= this.#endBytes) {
      this.#lastBytes -= this.#last.shift()?.length ?? 0;
    }
  }

  async ends(): Promise<StreamEnds> {
    const end = (await concat(this.#last)).subarray(Math.max(0, this.#lastBytes - this.#endBytes));
    const missing = this.#total - this.#firstBytes - end.length;
    if (missing > 0) return { beginning: await concat(this.#first), end, missing };
    return { beginning: await concat([...this.#first, end]), end: new Uint8Array(), missing };
  }
}

/** Reads a stream, and keeps its beginning and its end in a buffer. */
export async function readEnds(stream: ReadableStream<Uint8Array>, buffer: EndsBuffer): Promise<StreamEnds> {
  for await (const chunk of stream) {
    buffer.push(chunk);
    if (buffer.total >= MAX_STREAM_BYTES) break;
  }
  return await buffer.ends();
}

async function concat(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await new Blob([...chunks] as BlobPart[]).arrayBuffer());
}

/** Calls a function with each chunk of a stream, until the stream ends or the signal aborts. */
export async function forEachChunk(
  stream: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel();
  signal.addEventListener("abort", stop);
  for (let part = await reader.read(); !part.done; part = await reader.read()) onChunk(part.value);
  signal.removeEventListener("abort", stop);
}
