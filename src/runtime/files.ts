/**
 * The few file operations that the journal is built on. They stand behind an interface so that a test can lose, tear and refuse
 * what a disk can lose, tear and refuse. All are synchronous: they run at the disk's own speed, and the asynchronous ones cost half as
 * much again.
 *
 * @module
 */

/** An open file. */
export interface OpenFile extends Disposable {
  /** Bytes in the file. */
  size(): number;
  /** Which file it is, whatever it is called by now. */
  identity(): string;
  /** Reads at an offset; returns how many bytes, 0 at the end. */
  read(buffer: Uint8Array, offset: number): number;
  /** One write at the end of the file; returns how many bytes it took, which may be fewer. */
  append(bytes: Uint8Array): number;
  truncate(size: number): void;
  /** `fdatasync`: the bytes, and the size, are on the disk when it returns. */
  syncData(): void;
  /** Takes the exclusive `flock` if it is free. The kernel gives it back when the file closes, also on `kill -9`. */
  tryLock(): boolean;
  /** Gives it back at once, whoever else has the file open by a copy of this descriptor. */
  unlock(): void;
}

/** How to open a file: `append` creates it where there is none, `create` begins it anew. */
export type OpenMode = "read" | "append" | "create";

/** A file system. */
export interface Files {
  /** Opens a file; one that it makes is readable by its owner alone. */
  open(path: string, mode: OpenMode): OpenFile;
  /** Gives a file another name, in the place of what has that name. */
  rename(from: string, to: string): void;
  /** Removes a file; nothing happens where there is none. */
  remove(path: string): void;
  /** Makes a directory and its parents, durably, open to their owner alone; nothing happens where it is there. */
  makeDirectory(path: string): void;
  /** `fsync` of a directory: the names in it are on the disk when it returns. */
  syncDirectory(path: string): void;
  /** The names in a directory; none when there is no such directory. */
  list(path: string): string[];
}

/**
 * Puts a file in the place of what has its name, whole or not at all, and durably: its bytes are on the disk before it gets the name, and the name is when
 * this returns. Two must not do so at once. Its directory must be there.
 */
export function replaceFile(files: Files, path: string, content: string | readonly Uint8Array[]): void {
  const draft = `${path}.tmp`;
  const parts = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  {
    using file = files.open(draft, "create");
    for (const part of parts) {
      for (let rest = part; rest.length > 0;) rest = rest.subarray(file.append(rest));
    }
    file.syncData();
  }
  files.rename(draft, path);
  files.syncDirectory(parentOf(path));
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
      make(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      this.makeDirectory(parentOf(path));
      make(path);
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

function make(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && Deno.statSync(path).isDirectory) return;
    throw error;
  }
  denoFiles.syncDirectory(parentOf(path));
}

/** The directory that a path is in. */
export function parentOf(path: string): string {
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

/** A log that is longer than this is renamed to `<name>.old`, so that the two have at most about twice as many bytes. */
export const MAX_LOG_BYTES: number = 256 * 1024;

/** Appends a line with its time to a log file. Errors are ignored: a log must not stop a delivery. */
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
