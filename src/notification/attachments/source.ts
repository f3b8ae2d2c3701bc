/**
 * Attachments as they come in: a file is opened, checked, and read in chunks. A file that cannot be
 * taken is refused before any of it is stored.
 *
 * @module
 */

import { InvalidNotificationError } from "../../base/errors.ts";
import { type AttachmentInput, MAX_FILE_BYTES, MAX_FILES } from "../notification.ts";
import { formatBytes } from "../render.ts";
import { type ImageSize, readImageSize } from "./image_size.ts";
import { detectMediaType } from "./media_type.ts";

/** How much is read at once. */
const CHUNK_BYTES = 256 * 1024;

/** How much of a file decides its type. */
const BEGINNING_BYTES = 8 * 1024;

/** The longest file name, in UTF-8 bytes. File systems take no more. */
const MAX_NAME_BYTES = 200;

/** The longest file name extension, in characters. */
const MAX_EXTENSION_CHARS = 12;

/** A file that can be taken, and is open. */
export interface FileSource extends Disposable {
  /** Its name for the readers. */
  readonly name: string;
  /** Its media type: `image/png`. */
  readonly type: string;
  /** Its width and height, if it is an image. */
  readonly imageSize?: ImageSize;
  /** Its size in bytes when it was opened. It may still grow. */
  readonly size: number;
  /**
   * Reads all of it. Call it once.
   *
   * @throws {InvalidNotificationError} if it grew too large, or cannot be read to its end
   */
  chunks(): Iterable<Uint8Array>;
}

/**
 * Opens the files of a notification. If one is refused, none stays open.
 *
 * @throws {InvalidNotificationError} if one is missing, empty, too large, or not a regular file, or
 * if there are too many
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
  if (bytes !== undefined) {
    return createSource({ label: name ?? "unnamed", type, size: bytes.length }, createReader(bytes));
  }
  const file = openFile(path ?? "");
  try {
    return createSource({ label: path ?? "", name, type, size: file.statSync().size }, {
      read: (buffer) => file.readSync(buffer) ?? 0,
      [Symbol.dispose]: () => file.close(),
    });
  } catch (error) {
    file.close();
    throw error;
  }
}

interface Reader extends Disposable {
  /** @returns how many bytes it read, 0 at the end */
  read(buffer: Uint8Array): number;
}

/**
 * Opens a regular file. It checks the kind of file first, since opening a pipe can block for ever.
 */
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

function createReader(bytes: Uint8Array): Reader {
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
interface FileFacts {
  /** Its path or name as the caller gave it, for errors. */
  readonly label: string;
  readonly name?: string;
  readonly type?: string;
  readonly size: number;
}

function createSource({ label, name = label, type: givenType, size }: FileFacts, reader: Reader): FileSource {
  const read = () => readChunk(reader, label);
  const first = read();
  if (first.length === 0) throw new InvalidNotificationError(`Cannot attach ${label}: it is empty`);
  if (size > MAX_FILE_BYTES) throw tooLargeError(label);
  const safeName = safeFileName(name);
  const type = isMediaType(givenType) ? givenType : detectMediaType(first.subarray(0, BEGINNING_BYTES), safeName);
  return {
    name: safeName,
    type,
    imageSize: readImageSize(first, type),
    size: Math.max(size, first.length),
    *chunks() {
      let total = 0;
      for (let chunk = first; chunk.length > 0; chunk = read()) {
        total += chunk.length;
        if (total > MAX_FILE_BYTES) throw tooLargeError(label);
        yield chunk;
      }
    },
    [Symbol.dispose]: () => reader[Symbol.dispose](),
  };
}

/**
 * Makes a file name that is safe to show and to send: without folders, invisible characters, and
 * characters that change the direction of the text. A long name keeps its extension.
 */
export function safeFileName(name: string): string {
  const last = name.toWellFormed().split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  const visible = last.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").replace(/\s+/g, " ").trim();
  if (/^\.*$/.test(visible)) return "unnamed";
  const extension = new RegExp(`\\.[A-Za-z0-9]{1,${MAX_EXTENSION_CHARS}}$`).exec(visible)?.[0] ?? "";
  const stem = visible.slice(0, visible.length - extension.length);
  return shorten(stem, MAX_NAME_BYTES - extension.length) + extension;
}

function shorten(text: string, maxBytes: number): string {
  const { read, written } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  if (read === text.length) return text;
  const room = maxBytes - new TextEncoder().encode("…").length;
  return `${text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(Math.min(written, room))).read)}…`;
}

function isMediaType(type: string | undefined): type is string {
  return type !== undefined && type.length <= 100 &&
    /^[a-z0-9][-a-z0-9!#$&^_.+]*\/[a-z0-9][-a-z0-9!#$&^_.+]*$/.test(type);
}

/**
 * Reads the next chunk. Only the last one is shorter than {@linkcode CHUNK_BYTES}; after it comes
 * an empty one.
 */
function readChunk(reader: Reader, label: string): Uint8Array {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  try {
    for (let length = -1; length !== 0 && filled < chunk.length; filled += length) {
      length = reader.read(chunk.subarray(filled));
    }
  } catch (error) {
    throw new InvalidNotificationError(`Cannot attach ${label}: it cannot be read to its end`, { cause: error });
  }
  return chunk.subarray(0, filled);
}

function tooLargeError(label: string): InvalidNotificationError {
  return new InvalidNotificationError(`Cannot attach ${label}: it is larger than ${formatBytes(MAX_FILE_BYTES)}`, {
    hint: "put it where its readers can fetch it, and send the --link",
  });
}
