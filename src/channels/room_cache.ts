/**
 * The room cache: what channels found out and want to know again, such as the room behind an alias.
 * It can always be lost.
 *
 * ```text
 * remember: rooms.lock -> read rooms.json -> replace it, durably
 * ```
 *
 * A file that cannot be read counts as empty. If it cannot be written, the values are kept in this
 * process. Neither stops a notification.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import { parseJsonObject } from "../base/fields.ts";
import { denoFiles, type Files, replaceFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** How long to wait for the lock. */
export interface TurnOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A cache that all processes of a state directory share. */
export interface RoomCache {
  /**
   * The value of a key; undefined if there is none. The caller validates it, because people can
   * edit the file.
   */
  get(key: string): unknown;
  /**
   * Stores a JSON value, or removes it with `undefined`. When this resolves it is on disk, unless
   * the disk is full.
   */
  remember(key: string, value: unknown): Promise<void>;
  /**
   * Runs work while no other process with this cache does.
   *
   * @throws {StorageError} if the lock is not free in time
   */
  withLock<Result>(work: () => Promise<Result>, options: TurnOptions): Promise<Result>;
}

/** A cache that ends with its process. */
export function inMemoryRoomCache(): RoomCache {
  const values = new Map<string, unknown>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    get: (key) => values.get(key),
    remember(key, value) {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
      return Promise.resolve();
    },
    withLock(work) {
      const turn = last.then(work, work);
      last = turn.catch(() => {});
      return turn;
    },
  };
}

/** How long a writer waits for another one, milliseconds. */
const WRITE_TURN_MS = 2_000;

/** A larger file is not ours. */
const MAX_BYTES = 1024 * 1024;

/** `rooms.json`. */
export class RoomCacheFile implements RoomCache {
  readonly #directory: string;
  readonly #runtime: Pick<Runtime, "now" | "sleep" | "random">;
  readonly #files: Files;
  /** Values that could not be written. */
  readonly #unsaved = new Map<string, unknown>();

  constructor(stateDir: string, runtime: Pick<Runtime, "now" | "sleep" | "random">, files: Files = denoFiles) {
    this.#directory = stateDir;
    this.#runtime = runtime;
    this.#files = files;
  }

  get(key: string): unknown {
    if (this.#unsaved.has(key)) return this.#unsaved.get(key);
    const values = this.#read();
    return Object.hasOwn(values, key) ? values[key] : undefined;
  }

  async remember(key: string, value: unknown): Promise<void> {
    this.#unsaved.set(key, value);
    try {
      await this.#locked("rooms.lock", () => Promise.resolve(this.#save()), { timeoutMs: WRITE_TURN_MS });
      this.#unsaved.clear();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  async withLock<Result>(work: () => Promise<Result>, options: TurnOptions): Promise<Result> {
    return await this.#locked("direct.lock", work, options);
  }

  async #locked<Result>(name: string, work: () => Promise<Result>, options: TurnOptions): Promise<Result> {
    mapFileErrors(`write ${this.#directory}`, () => this.#files.makeDirectory(this.#directory));
    const lock = new FileLock(this.#files, `${this.#directory}/${name}`);
    if (!await lock.acquire(options.timeoutMs, this.#runtime, options.signal)) {
      throw new StorageError("locked", `Cannot lock ${this.#directory}/${name}: another process holds it`);
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  #save(): void {
    const path = `${this.#directory}/rooms.json`;
    const values = { ...this.#read(), ...Object.fromEntries(this.#unsaved) };
    const text = `${JSON.stringify(values, undefined, 2)}\n`;
    mapFileErrors(`write ${path}`, () => replaceFile(this.#files, path, text), "write-failed");
  }

  #read(): Readonly<Record<string, unknown>> {
    try {
      using file = this.#files.open(`${this.#directory}/rooms.json`, "read");
      const bytes = new Uint8Array(Math.min(file.size(), MAX_BYTES));
      let size = 0;
      for (let count = -1; count !== 0 && size < bytes.length; size += count) {
        count = file.read(bytes.subarray(size), size);
      }
      return parseJsonObject(new TextDecoder().decode(bytes.subarray(0, size))) ?? {};
    } catch {
      return {};
    }
  }
}
