/**
 * The file operations that the journal is built on. They are an interface, so that a test can lose,
 * tear and refuse writes as a disk does. All are synchronous: asynchronous ones take half as long
 * again.
 *
 * @module
 */

/** An open file. */
export interface OpenFile extends Disposable {
  /** Bytes in the file. */
  size(): number;
  /** Identifies the file: it stays the same when the file is renamed. */
  identity(): string;
  /** Reads at an offset. Returns the number of bytes; 0 at the end. */
  read(buffer: Uint8Array, offset: number): number;
  /** Writes once, at the end. Returns the number of bytes that were written, which may be fewer. */
  append(bytes: Uint8Array): number;
  truncate(size: number): void;
  /** `fdatasync`: bytes and size are on disk when it returns. */
  syncData(): void;
  /**
   * Takes the exclusive `flock` if it is free. The kernel releases it when the file closes, also on
   * `kill -9`.
   */
  tryLock(): boolean;
  /** Releases the `flock` at once, even if another process has a copy of this descriptor. */
  unlock(): void;
}

/** How to open a file: `append` creates it if it is missing, `create` empties it. */
export type OpenMode = "read" | "append" | "create";

/** The operations of a file system. */
export interface Files {
  /** Opens a file. A file that it creates can be read by its owner only. */
  open(path: string, mode: OpenMode): OpenFile;
  /** Renames a file and replaces the file that has the new name. */
  rename(from: string, to: string): void;
  /** Removes a file, if it exists. */
  remove(path: string): void;
  /**
   * Creates a directory and its parents, durably, with mode 0700. Existing ones stay as they are.
   */
  makeDirectory(path: string): void;
  /** `fsync` of a directory: its names are on disk when it returns. */
  syncDirectory(path: string): void;
  /** Lists the names in a directory; none if it does not exist. */
  list(path: string): string[];
}

/**
 * Replaces a file atomically and durably. The directory must exist, and only one process may do
 * this at a time.
 */
export function replaceFile(files: Files, path: string, content: string | readonly Uint8Array[]): void {
  const temporary = `${path}.tmp`;
  const parts = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  {
    using file = files.open(temporary, "create");
    for (const part of parts) {
      for (let rest = part; rest.length > 0;) rest = rest.subarray(file.append(rest));
    }
    file.syncData();
  }
  files.rename(temporary, path);
  files.syncDirectory(parentDirectory(path));
}

/** The real file system. */
export const denoFiles: Files = {
  open(path, mode) {
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
  list(path) {
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
    if (error instanceof Deno.errors.AlreadyExists && Deno.statSync(path).isDirectory) return;
    throw error;
  }
  denoFiles.syncDirectory(parentDirectory(path));
}

/** Returns the directory of a path. */
export function parentDirectory(path: string): string {
  const end = path.replace(/\/+$/, "").lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, end) || "/";
}

const MODES: Readonly<Record<OpenMode, Deno.OpenOptions>> = {
  read: { read: true },
  append: { read: true, append: true, create: true, mode: 0o600 },
  create: { write: true, truncate: true, create: true, mode: 0o600 },
};

function openFile(file: Deno.FsFile): OpenFile {
  return {
    size: () => file.statSync().size,
    identity() {
      const { dev, ino } = file.statSync();
      return `${dev}:${ino}`;
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
 * A log that is longer than this is renamed to `<name>.old`, so that the two have at most about
 * twice as many bytes.
 */
export const MAX_LOG_BYTES: number = 256 * 1024;

/**
 * Appends a line with its time to a log file. Errors are ignored: a log must not stop a delivery.
 */
export function appendLog(path: string, text: string, now: number): void {
  try {
    if (findSize(path) > MAX_LOG_BYTES) Deno.renameSync(path, `${path}.old`);
    const line = `${new Date(now).toISOString()} ${text.replace(/[\p{Cc}\p{Cf}]+/gu, " ")}\n`;
    Deno.writeTextFileSync(path, line, { append: true, mode: 0o600 });
  } catch {
    return;
  }
}

function findSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
