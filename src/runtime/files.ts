/**
 * The file operations of the journal, which is the file that contains the queue. The operations are
 * an interface, so that a test can simulate a disk with failures. All operations are synchronous,
 * because asynchronous operations need about 50 % more time.
 *
 * @module
 */

import { printable } from "../base/printable.ts";
import { formatIsoTime } from "../base/time.ts";
import { findDirectoryDistrust, requireTrustedDirectory, requireTrustedOwnFile } from "./trust.ts";

/** The properties of an open file. */
export interface FileStat {
  /** The size in bytes. */
  readonly size: number;
  /**
   * A text that identifies the file, made of its device, inode number and birth time. Renaming the
   * file does not change this text. A new file can get the inode number of a deleted file, but has
   * another birth time.
   */
  readonly identity: string;
}

/** An open file. */
export interface OpenFile extends Disposable {
  /** Returns the size and the identity of the file. */
  stat(): FileStat;
  /**
   * Reads at an offset. Returns the number of bytes that were read, or 0 at the end of the file.
   */
  read(buffer: Uint8Array, offset: number): number;
  /**
   * Writes at the end of the file, with one system call. Returns the number of bytes that were
   * written, which can be less than the length of `bytes`.
   */
  append(bytes: Uint8Array): number;
  truncate(size: number): void;
  /** Calls `fdatasync`, which writes the content and the size of the file to disk. */
  syncData(): void;
  /**
   * Acquires the exclusive `flock`. Returns false if another open file has the lock. The kernel
   * releases the lock when the file is closed, even after `kill -9`.
   */
  tryLock(): boolean;
  /**
   * Releases the `flock` immediately, even if another process has a copy of this file descriptor.
   */
  unlock(): void;
}

/**
 * The mode for opening a file. `append` creates a missing file. `create` removes an existing file
 * or link with this name, and creates a new file. Therefore links are not followed, and the new
 * file never has the access permissions of the old file.
 */
export type OpenMode = "read" | "append" | "create";

/**
 * The operations of a file system. Before a file is opened or a directory is listed, the real file
 * system checks that no other user of the host can change it (see `trust.ts`).
 */
export interface Files {
  /**
   * Opens a file. Only the owner can read or write a newly created file.
   *
   * @throws {UntrustedError} if the file or its directory is not trusted
   */
  open(path: string, mode: OpenMode): OpenFile;
  /** Renames a file. An existing file with the new name is replaced. */
  rename(from: string, to: string): void;
  /** Removes a file if it exists. */
  remove(path: string): void;
  /**
   * Creates a directory and its missing parents with mode 0700, and syncs all created directories
   * to disk. Existing directories are not changed.
   *
   * @throws {UntrustedError} if the directory exists and is not trusted
   */
  makeDirectory(path: string): void;
  /** Calls `fsync` on a directory, which writes the file names in the directory to disk. */
  syncDirectory(path: string): void;
  /**
   * Returns true if a file or a directory exists. Use this function instead of {@linkcode
   * Files.list} to look for one name. When Deno lists a directory, it ignores disk errors.
   *
   * @throws {UntrustedError} if the directory above is not trusted
   */
  exists(path: string): boolean;
  /** Returns the size of a file in bytes; 0 if the file does not exist, or is a link or a pipe. */
  size(path: string): number;
  /**
   * Returns the file names in a directory; an empty list if the directory does not exist.
   *
   * @throws {UntrustedError} if the directory is not trusted
   */
  list(path: string): string[];
}

/** The size of a block of the disk, in bytes. A file occupies whole blocks. */
const BLOCK_BYTES = 4096;

/** Returns the space that files occupy on the disk, in bytes. Files that do not exist count 0. */
export function occupiedBytes(files: Files, paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + BLOCK_BYTES * Math.ceil(files.size(path) / BLOCK_BYTES), 0);
}

/**
 * Reads the beginning of a file. Returns fewer bytes if the file is shorter.
 *
 * @param size the number of bytes @default the size of the file
 */
export function readBytes(
  file: Pick<OpenFile, "stat" | "read">,
  size: number = file.stat().size,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let length = -1; length !== 0 && at < size; at += length) length = file.read(bytes.subarray(at), at);
  return bytes.subarray(0, at);
}

/**
 * Replaces a file atomically (a reader sees either the old or the new content), and syncs the new
 * file to disk. The directory of the file must exist. The caller ensures that only one process
 * replaces the file at a time.
 *
 * @param check called when `<path>.tmp` is complete; if it throws, the file is not replaced
 */
export function replaceFile(
  files: Files,
  path: string,
  content: string | readonly Uint8Array[],
  check: () => void = () => {},
): void {
  const temporary = `${path}.tmp`;
  const parts = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  {
    using file = files.open(temporary, "create");
    for (const part of parts) {
      for (let rest = part; rest.length > 0;) rest = rest.subarray(file.append(rest));
    }
    file.syncData();
  }
  check();
  files.rename(temporary, path);
  files.syncDirectory(parentDirectory(path));
}

/** The real file system. */
export const denoFiles: Files = {
  open(path, mode) {
    if (mode === "create") {
      requireTrustedDirectory(parentDirectory(path), "folder", path);
      this.remove(path);
    } else requireTrustedOwnFile(parentDirectory(path), path);
    return openFile(Deno.openSync(path, MODES[mode]));
  },
  rename: (from, to) => Deno.renameSync(from, to),
  remove(path) {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
  makeDirectory(path) {
    // The directory usually exists. These checks avoid an error of `mkdir`, which costs 50 µs.
    if (requireTrustedDirectory(path, "folder")?.isDirectory || isDirectory(path)) return;
    try {
      createDirectory(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      this.makeDirectory(parentDirectory(path));
      createDirectory(path);
    }
  },
  syncDirectory(path) {
    using directory = Deno.openSync(path, { read: true });
    directory.syncSync();
  },
  exists(path) {
    requireTrustedDirectory(parentDirectory(path), "directory");
    try {
      Deno.lstatSync(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  },
  size(path) {
    try {
      const { isFile, size } = Deno.lstatSync(path);
      return isFile ? size : 0;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  },
  list(path) {
    requireTrustedDirectory(path, "directory");
    try {
      return Array.from(Deno.readDirSync(path), (entry) => entry.name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  },
};

function createDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists) || !isDirectory(path)) throw error;
    requireTrustedDirectory(path, "folder");
    return;
  }
  denoFiles.syncDirectory(parentDirectory(path));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Returns the directory of a path. */
export function parentDirectory(path: string): string {
  const end = path.replace(/\/+$/, "").lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, end) || "/";
}

const MODES: Readonly<Record<OpenMode, Deno.OpenOptions>> = {
  read: { read: true },
  append: { read: true, append: true, create: true, mode: 0o600 },
  create: { write: true, createNew: true, mode: 0o600 },
};

function openFile(file: Deno.FsFile): OpenFile {
  return {
    stat() {
      const { size, dev, ino, birthtime } = file.statSync();
      return { size, identity: `${dev}:${ino}:${birthtime?.getTime()}` };
    },
    read(buffer, offset) {
      file.seekSync(offset, Deno.SeekMode.Start);
      return file.readSync(buffer) ?? 0;
    },
    append: (bytes) => file.writeSync(bytes),
    truncate: (size) => file.truncateSync(size),
    syncData: () => file.syncDataSync(),
    tryLock: () => file.tryLockSync(true),
    unlock: () => file.unlockSync(),
    [Symbol.dispose]: () => file.close(),
  };
}

/**
 * The maximum size of a log file. A larger file is renamed to `<name>.old` before the next line is
 * written. Both files together have about twice this size at most.
 */
export const MAX_LOG_BYTES: number = 256 * 1024;

/**
 * Appends a line with the current time to a log file. Errors are ignored, because logging must not
 * stop a delivery. If the file or its directory is not trusted, nothing is written.
 */
export function appendLog(path: string, text: string, now: number): void {
  try {
    if (findDirectoryDistrust(parentDirectory(path)) !== undefined) return;
    if (denoFiles.size(path) > MAX_LOG_BYTES) Deno.renameSync(path, `${path}.old`);
    using file = denoFiles.open(path, "append");
    file.append(new TextEncoder().encode(`${formatIsoTime(now)} ${printable(text)}\n`));
  } catch {
    return;
  }
}

/** Returns a text that changes when a file changes, is replaced, created or removed. */
export function fileVersion(path: string): string {
  try {
    const { ino, size, mtime } = Deno.statSync(path);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch {
    return "-";
  }
}
