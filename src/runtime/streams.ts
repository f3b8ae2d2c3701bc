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

/** The beginning and the end of a stream. If nothing is missing, `end` is empty. */
export interface StreamEnds {
  readonly beginning: Uint8Array;
  readonly end: Uint8Array;
  /** The number of bytes between the beginning and the end. */
  readonly missing: number;
}

/** The number of bytes after which a stream is not read further: `/dev/zero` never ends. */
const MAX_STREAM_BYTES = 2 ** 30;

/**
 * Reads a stream, and keeps its beginning and its end.
 *
 * @param endBytes the number of bytes to keep at the beginning, and again at the end
 */
export async function readEnds(stream: ReadableStream<Uint8Array>, endBytes: number): Promise<StreamEnds> {
  const first: Uint8Array[] = [], last: Uint8Array[] = [];
  let firstBytes = 0, lastBytes = 0, total = 0;
  for await (const chunk of stream) {
    const rest = chunk.subarray(Math.max(0, endBytes - firstBytes));
    first.push(chunk.subarray(0, chunk.length - rest.length));
    firstBytes += chunk.length - rest.length;
    last.push(rest);
    lastBytes += rest.length;
    while (lastBytes - last[0].length >= endBytes) lastBytes -= last.shift()?.length ?? 0;
    total += chunk.length;
    if (total >= MAX_STREAM_BYTES) break;
  }
  const end = (await concat(last)).subarray(Math.max(0, lastBytes - endBytes));
  const missing = total - firstBytes - end.length;
  if (missing > 0) return { beginning: await concat(first), end, missing };
  return { beginning: await concat([...first, end]), end: new Uint8Array(), missing };
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
