/**
 * Reads the attachments that a caller gives. A file is opened, checked, and then read in chunks. A
 * file that cannot be attached is left out, and the notification is sent without this file.
 *
 * @module
 */

import { formatBytes } from "../../base/count.ts";
import { printable } from "../../base/printable.ts";
import { InvalidNotificationError } from "../../base/errors.ts";
import { unreadableState } from "../../runtime/file_errors.ts";
import { cutLine } from "../cut.ts";
import { type AttachmentInput, MAX_FILE_BYTES, MAX_FILES } from "../notification.ts";
import { type ImageSize, readImageSize } from "./image_size.ts";
import { detectMediaType } from "./media_type.ts";

/** The size of a chunk, in bytes. */
const CHUNK_BYTES = 256 * 1024;

/** The number of bytes at the beginning of a file that are used to detect its type. */
const BEGINNING_BYTES = 8 * 1024;

/** The maximum length of a file name, in UTF-8 bytes. Most file systems allow 255 bytes. */
const MAX_NAME_BYTES = 200;

/** The maximum length of a file name extension, in characters. */
const MAX_EXTENSION_CHARS = 12;

/** An open file that was checked and can be attached. */
export interface FileSource extends Disposable {
  /** The file name that readers see. */
  readonly name: string;
  /** The media type: `image/png`. */
  readonly type: string;
  /** The width and the height, if the file is an image. */
  readonly imageSize?: ImageSize;
  /** The size in bytes when the file was opened. The file may still grow. */
  readonly size: number;
  /**
   * Reads the whole file in chunks. Can be called only once.
   *
   * @throws {InvalidNotificationError} if the file grew too large, or cannot be read completely
   */
  chunks(): Iterable<Uint8Array>;
}

/**
 * Opens the files of a notification, up to the allowed number. Leaves out a file that is missing,
 * unreadable, empty, too large, or not a regular file.
 *
 * @param report a function that is called with a sentence about each file that is left out
 */
export function openSources(inputs: readonly AttachmentInput[], report: (problem: string) => void): FileSource[] {
  const sources: FileSource[] = [];
  for (const input of inputs) {
    try {
      if (sources.length < MAX_FILES) sources.push(openSource(input));
      else report(`Cannot attach ${labelOf(input)}: the limit is ${MAX_FILES} files`);
    } catch (error) {
      if (!(error instanceof InvalidNotificationError)) {
        for (const source of sources) source[Symbol.dispose]();
        throw error;
      }
      report(error.message);
    }
  }
  return sources;
}

/** Returns the path or the name that the caller gave. */
function labelOf({ path, name }: AttachmentInput): string {
  return path || name || "a file without a name";
}

function openSource(input: AttachmentInput): FileSource {
  const { path, bytes, name, type } = input;
  const label = labelOf(input);
  if (bytes !== undefined && path === undefined) {
    return createSource({ label, name: name ?? "unnamed", type, size: bytes.length }, createBytesReader(bytes));
  }
  if (!path || bytes !== undefined) {
    const state = path
      ? "it has both a path and bytes"
      : path === ""
      ? "its path is empty"
      : "it has neither a path nor bytes";
    throw new InvalidNotificationError(`Cannot attach ${label}: ${state}`);
  }
  const file = openFile(path);
  try {
    return createSource({ label, name: name ?? path, type, size: file.statSync().size }, createFileReader(file, label));
  } catch (error) {
    file.close();
    throw error;
  }
}

interface Reader extends Disposable {
  /**
   * Reads the next chunk. Only the last chunk is shorter than {@linkcode CHUNK_BYTES}. At the end,
   * the chunk is empty.
   */
  read(): Uint8Array;
}

/**
 * Opens a file for reading. First checks that the path is not a pipe or a device, because opening a
 * pipe can block forever.
 */
function openFile(path: string): Deno.FsFile {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    if (!isFile) throw new InvalidNotificationError(`Cannot attach ${path}: ${isDirectory ? DIRECTORY : NO_FILE}`);
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof InvalidNotificationError) throw error;
    throw new InvalidNotificationError(`Cannot attach ${path}: ${unreadableState(error)}`, { cause: error });
  }
}

const DIRECTORY = "it is a directory, and only files can be attached";
const NO_FILE = "it is a device, a pipe or a socket, not a file";

/** The chunks are views of the bytes, so that the memory holds a large file once. */
function createBytesReader(bytes: Uint8Array): Reader {
  let at = 0;
  return {
    read: () => bytes.subarray(at, at += CHUNK_BYTES),
    [Symbol.dispose]() {},
  };
}

function createFileReader(file: Deno.FsFile, label: string): Reader {
  return {
    read() {
      const chunk = new Uint8Array(CHUNK_BYTES);
      let filled = 0;
      try {
        for (let length = -1; length !== 0 && filled < chunk.length; filled += length) {
          length = file.readSync(chunk.subarray(filled)) ?? 0;
        }
      } catch (error) {
        throw new InvalidNotificationError(`Cannot attach ${label}: reading failed before the end of the file`, {
          cause: error,
        });
      }
      return chunk.subarray(0, filled);
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/** The facts about a file that are known before the file is read. */
interface FileFacts {
  /** The path or the name that the caller gave, for errors. */
  readonly label: string;
  readonly name: string;
  readonly type?: string;
  readonly size: number;
}

function createSource({ label, name, type: givenType, size }: FileFacts, reader: Reader): FileSource {
  const first = reader.read();
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
      for (let chunk = first; chunk.length > 0; chunk = reader.read()) {
        total += chunk.length;
        if (total > MAX_FILE_BYTES) throw tooLargeError(label);
        yield chunk;
      }
    },
    [Symbol.dispose]: () => reader[Symbol.dispose](),
  };
}

/**
 * Makes a file name safe to show and to send. Removes folders, invisible characters, and characters
 * that change the direction of the text. Shortens a long name, but keeps its extension.
 */
export function safeFileName(name: string): string {
  const last = name.toWellFormed().split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  const visible = printable(last).replace(/\s+/g, " ").trim();
  if (/^\.*$/.test(visible)) return "unnamed";
  const extension = new RegExp(`\\.[A-Za-z0-9]{1,${MAX_EXTENSION_CHARS}}$`).exec(visible)?.[0] ?? "";
  const stem = visible.slice(0, visible.length - extension.length);
  return cutLine(stem, MAX_NAME_BYTES - extension.length) + extension;
}

function isMediaType(type: string | undefined): type is string {
  return type !== undefined && type.length <= 100 &&
    /^[a-z0-9][-a-z0-9!#$&^_.+]*\/[a-z0-9][-a-z0-9!#$&^_.+]*$/.test(type);
}

function tooLargeError(label: string): InvalidNotificationError {
  return new InvalidNotificationError(`Cannot attach ${label}: it is larger than ${formatBytes(MAX_FILE_BYTES)}`);
}
