/**
 * The room cache. It stores results of earlier requests, such as the room of an alias. Users can
 * delete its file, `rooms.json`, at any time.
 *
 * ```text
 * remember: rooms.lock -> read rooms.json -> replace rooms.json on the disk
 * ```
 *
 * If the file cannot be read, the cache is empty. If the file cannot be written, the newest values
 * are kept in memory. In both cases, notifications are still sent.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import { isObject, parseJsonObject } from "../base/fields.ts";
import { fitsInBytes } from "../notification/cut.ts";
import { denoFiles, type Files, fileVersion, readBytes, replaceFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The limits for waiting for a lock. */
export interface TurnOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A cache that is shared by all processes with the same state directory. */
export interface RoomCache {
  /**
   * Returns the value of a key; undefined if there is no value. The caller must validate the value,
   * because users can edit the file.
   */
  get(key: string): unknown;
  /**
   * Stores a JSON value; `undefined` removes the stored value. The promise resolves after the value
   * is written to disk, or after writing the file failed.
   */
  remember(key: string, value: unknown): Promise<void>;
  /**
   * Runs a function while this process has the lock. If another process calls this method, that
   * process waits until the function ends.
   *
   * @throws {StorageError} if another process keeps the lock for too long
   */
  withLock<Result>(work: () => Promise<Result>, options: TurnOptions): Promise<Result>;
}

/**
 * The largest number of values, and of room names, that are kept in memory. A sender can name any
 * room, so there can be a value for each.
 */
const MAX_VALUES = 1000;

/** Adds the newest value. Above {@linkcode MAX_VALUES}, the oldest value is forgotten. */
function setNewest(values: Map<string, unknown>, key: string, value: unknown): void {
  values.delete(key);
  values.set(key, value);
  const [oldest] = values.keys();
  if (values.size > MAX_VALUES && oldest !== undefined) values.delete(oldest);
}

/** Creates a cache in memory, which is lost when the process ends. */
export function inMemoryRoomCache(): RoomCache {
  const values = new Map<string, unknown>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    get: (key) => values.get(key),
    remember(key, value) {
      if (value === undefined) values.delete(key);
      else setNewest(values, key, value);
      return Promise.resolve();
    },
    withLock(work) {
      const turn = last.then(work, work);
      last = turn.catch(() => {});
      return turn;
    },
  };
}

/** The key of the entry with the names of rooms. The value is an object: room ids with names. */
const NAMES_KEY = "names";

/** The longest name that is stored, in characters. */
const MAX_NAME = 80;

/** The names of rooms by id. A room without a name has the value undefined. */
export type RoomNames = Readonly<Record<string, string | undefined>>;

/** Stores names of rooms. The newest names that are stored for other rooms are kept. */
export async function rememberRoomNames(cache: RoomCache, names: RoomNames): Promise<void> {
  const before = readRoomNames(cache);
  const shortened = Object.entries(names).map(([id, name]) =>
    [id, name && Array.from(name).slice(0, MAX_NAME).join("")] as const
  );
  const all: RoomNames = { ...before, ...Object.fromEntries(shortened) };
  const after: RoomNames = Object.fromEntries(Object.entries(all).slice(-MAX_VALUES));
  if (Object.keys(after).some((id) => after[id] !== before[id])) await cache.remember(NAMES_KEY, after);
}

/** Returns the stored names of rooms. */
export function readRoomNames(cache: Pick<RoomCache, "get">): RoomNames {
  const stored = cache.get(NAMES_KEY);
  if (!isObject(stored)) return {};
  return Object.fromEntries(
    Object.entries(stored).flatMap(([id, name]) => typeof name === "string" && name.trim() !== "" ? [[id, name]] : []),
  );
}

/** Formats a destination, with its name if it is a room with a known name: `Alerts (!id)`. */
export function formatDestination(destination: string, names: RoomNames): string {
  const name = Object.hasOwn(names, destination) ? names[destination] : undefined;
  return name === undefined ? destination : `${name} (${destination})`;
}

/** The longest time that a write waits for the lock of the file, in milliseconds. */
const WRITE_TURN_MS = 2_000;

/** The largest file that is read and written, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** The cache in the file `rooms.json`. */
export class RoomCacheFile implements RoomCache {
  readonly #directory: string;
  readonly #runtime: Pick<Runtime, "now" | "sleep" | "random">;
  readonly #files: Files;
  /** Values that are not written to the file yet. */
  readonly #unsaved = new Map<string, unknown>();
  /** The content and the version of the file at the last read. */
  #known: { readonly version: string; readonly values: Readonly<Record<string, unknown>> } | undefined;

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
    setNewest(this.#unsaved, key, value);
    try {
      await this.#locked("rooms.lock", () => Promise.resolve(this.#save()), { timeoutMs: WRITE_TURN_MS });
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
    using held = await lock.acquire(options.timeoutMs, this.#runtime, options.signal);
    if (held === undefined) {
      throw new StorageError("locked", `Cannot lock ${this.#directory}/${name}: another process holds it`);
    }
    return await work();
  }

  #save(): void {
    const path = `${this.#directory}/rooms.json`;
    const known = Object.entries(this.#read()).filter(([key]) => !this.#unsaved.has(key));
    const text = formatNewest(Object.fromEntries([...known, ...this.#unsaved]));
    mapFileErrors(`write ${path}`, () => replaceFile(this.#files, path, text), "write-failed");
    // There is no `await` since the values were read. Otherwise a value that another call adds
    // meanwhile would be lost.
    this.#unsaved.clear();
  }

  /** Reads the file if it has changed since the last call. */
  #read(): Readonly<Record<string, unknown>> {
    const version = fileVersion(`${this.#directory}/rooms.json`);
    if (this.#known?.version !== version) this.#known = { version, values: this.#parse() };
    return this.#known.values;
  }

  #parse(): Readonly<Record<string, unknown>> {
    try {
      using file = this.#files.open(`${this.#directory}/rooms.json`, "read");
      const bytes = readBytes(file, Math.min(file.stat().size, MAX_BYTES));
      return parseJsonObject(new TextDecoder().decode(bytes)) ?? {};
    } catch {
      return {};
    }
  }
}

/** Formats values as JSON. If the text is longer than {@linkcode MAX_BYTES}, the oldest are left out. */
function formatNewest(values: Readonly<Record<string, unknown>>): string {
  const text = `${JSON.stringify(values, undefined, 2)}\n`;
  if (fitsInBytes(text, MAX_BYTES)) return text;
  const entries = Object.entries(values);
  return formatNewest(Object.fromEntries(entries.slice(Math.ceil(entries.length / 4))));
}
