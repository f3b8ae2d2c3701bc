/** A file on its way in: opened, looked at, and read piece by piece. What cannot be taken is refused before anything of it is kept. */

import { InvalidNotificationError } from "../../base/errors.ts";
import { type AttachmentInput, MAX_FILE_BYTES, MAX_FILES } from "../notification.ts";
import { formatBytes } from "../render.ts";
import { safeFileName } from "./file_name.ts";
import { type ImageSize, readImageSize } from "./image_size.ts";
import { detectMediaType } from "./media_type.ts";

/** How much is read at once, and looked at to tell what it is. */
const CHUNK_BYTES = 256 * 1024;

/** How much of a file tells its type. */
const BEGINNING_BYTES = 8 * 1024;

/** A file that can be taken. */
export interface FileSource extends Disposable {
  /** How it is called for its readers. */
  readonly name: string;
  /** Its media type. */
  readonly type: string;
  /** How large the image is, where it is one. */
  readonly imageSize?: ImageSize;
  /** How large it seems to be: somebody may still write it. */
  readonly size: number;
  /**
   * All of it, once.
   *
   * @throws {InvalidNotificationError} when it turns out to be larger than it may be, or cannot be read to its end
   */
  chunks(): Iterable<Uint8Array>;
}

/**
 * Opens the files of a notification.
 *
 * @throws {InvalidNotificationError} when one cannot be taken: it is missing, empty, too large, or no file; then none is open
 */
export function openSources(inputs: readonly AttachmentInput[]): FileSource[] {
  if (inputs.length > MAX_FILES) {
    throw new InvalidNotificationError(`Cannot attach ${inputs.length} files: the limit is ${MAX_FILES}`, {
      hint: "put them into one archive",
    });
  }
  const sources: FileSource[] = [];
  try {
    for (const input of inputs) sources.push(openSource(input));
    return sources;
  } catch (error) {
    for (const source of sources) source[Symbol.dispose]();
    throw error;
  }
}

function openSource({ path, bytes, name, type }: AttachmentInput): FileSource {
  if ((path === undefined) === (bytes === undefined)) {
    throw new InvalidNotificationError("Cannot attach a file: it needs either a path or bytes");
  }
  if (bytes !== undefined) return sourceOf({ called: name ?? "unnamed", type, size: bytes.length }, readerOf(bytes));
  const file = openFile(path ?? "");
  try {
    return sourceOf({ called: path ?? "", name, type, size: file.statSync().size }, {
      read: (buffer) => file.readSync(buffer) ?? 0,
      [Symbol.dispose]: () => file.close(),
    });
  } catch (error) {
    file.close();
    throw error;
  }
}

interface Reader extends Disposable {
  /** @returns how many bytes it gave, 0 at the end */
  read(buffer: Uint8Array): number;
}

/** A pipe would never end to be opened, so that a file is looked at first. */
function openFile(path: string): Deno.FsFile {
  const problem = (state: string, hint?: string) =>
    new InvalidNotificationError(`Cannot attach ${path}: ${state}`, { hint });
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    if (isDirectory) {
      throw problem("it is a directory", "put it into an archive, for example with: tar -czf files.tgz DIR");
    }
    if (!isFile) throw problem("it is no file but a device, a pipe or a socket");
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof InvalidNotificationError) throw error;
    throw problem(error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read");
  }
}

function readerOf(bytes: Uint8Array): Reader {
  let at = 0;
  return {
    read(buffer) {
      const part = bytes.subarray(at, at + buffer.length);
      buffer.set(part);
      at += part.length;
      return part.length;
    },
    [Symbol.dispose]() {},
  };
}

/** What is known of a file before it is read. */
interface Known {
  /** How whoever gave it calls it, for errors. */
  readonly called: string;
  readonly name?: string;
  readonly type?: string;
  readonly size: number;
}

function sourceOf({ called, name = called, type: said, size }: Known, reader: Reader): FileSource {
  const read = () => fill(reader, called);
  const first = read();
  if (first.length === 0) throw new InvalidNotificationError(`Cannot attach ${called}: it is empty`);
  if (size > MAX_FILE_BYTES) throw tooLarge(called);
  const safeName = safeFileName(name);
  const type = isMediaType(said) ? said : detectMediaType(first.subarray(0, BEGINNING_BYTES), safeName);
  return {
    name: safeName,
    type,
    imageSize: readImageSize(first, type),
    size: Math.max(size, first.length),
    *chunks() {
      let total = 0;
      for (let chunk = first; chunk.length > 0; chunk = read()) {
        total += chunk.length;
        if (total > MAX_FILE_BYTES) throw tooLarge(called);
        yield chunk;
      }
    },
    [Symbol.dispose]: () => reader[Symbol.dispose](),
  };
}

function isMediaType(type: string | undefined): type is string {
  return type !== undefined && type.length <= 100 &&
    /^[a-z0-9][-a-z0-9!#$&^_.+]*\/[a-z0-9][-a-z0-9!#$&^_.+]*$/.test(type);
}

/** The next piece, whole but at the end. */
function fill(reader: Reader, called: string): Uint8Array {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  try {
    for (let length = -1; length !== 0 && filled < chunk.length; filled += length) {
      length = reader.read(chunk.subarray(filled));
    }
  } catch (error) {
    throw new InvalidNotificationError(`Cannot attach ${called}: it cannot be read to its end`, { cause: error });
  }
  return chunk.subarray(0, filled);
}

function tooLarge(called: string): InvalidNotificationError {
  return new InvalidNotificationError(`Cannot attach ${called}: it is larger than ${formatBytes(MAX_FILE_BYTES)}`, {
    hint: "put it where its readers can fetch it, and send the --link",
  });
}
