/**
 * The files of logins in the state directory: the accounts, and the id of this host's device. Also
 * reads password files.
 *
 * A process must hold an account's lock to change the account. Therefore only one process renews
 * the tokens, and the other processes use the saved tokens. `save` returns when the account is on
 * the disk, so the saved tokens survive a power cut.
 *
 * @module
 */

import { ConfigError, StorageError } from "../base/errors.ts";
import { parseJsonObject } from "../base/fields.ts";
import { rememberSecret } from "../base/secret.ts";
import { requireSecretFile } from "../runtime/secret_file.ts";
import { denoFiles, type Files, replaceFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { mapFileErrors, requireTrustedStateDir } from "../runtime/file_errors.ts";
import { requireTrustedOwnFile } from "../runtime/trust.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Account, accountPath, readAccount, serializeAccount } from "./account.ts";

/** Options of {@linkcode AccountStore.withLock}. */
export interface LockOptions {
  readonly runtime: Pick<Runtime, "now" | "sleep" | "random">;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** An account whose lock this process holds. Other processes cannot change the account. */
export interface LockedAccount {
  /**
   * Reads the account. @returns undefined if the account is not logged in
   *
   * @throws {ConfigError} if the account's file cannot be used
   */
  read(): Account | undefined;
  /**
   * Writes the account's file, and waits until the file is on the disk.
   *
   * @throws {StorageError} if the disk fails; the old file is then unchanged
   */
  save(account: Account): void;
  /** Removes the account's file, and waits until the removal is on the disk. */
  remove(): void;
}

/** The accounts of a state directory. */
export class AccountStore {
  readonly #stateDir: string;
  readonly #files: Files;

  constructor(stateDir: string, files: Files = denoFiles) {
    this.#stateDir = stateDir;
    this.#files = files;
  }

  /** Lists the user ids of the accounts, sorted. */
  list(): string[] {
    const names = mapFileErrors(
      `list ${this.#stateDir}/accounts`,
      () => this.#files.list(`${this.#stateDir}/accounts`),
    );
    return names.map(userIdOf).filter((userId) => userId !== undefined).sort();
  }

  /**
   * Reads an account. @returns undefined if the account is not logged in
   *
   * @throws {ConfigError} if the account's file cannot be used
   */
  read(userId: string): Account | undefined {
    return readAccount(this.#stateDir, userId);
  }

  /**
   * Runs `work` while this process holds the account's lock.
   *
   * @throws {StorageError} if another process holds the lock until the timeout, or the disk fails
   */
  async withLock<Result>(
    userId: string,
    options: LockOptions,
    work: (account: LockedAccount) => Promise<Result> | Result,
  ): Promise<Result> {
    requireTrustedStateDir(this.#stateDir);
    const path = accountPath(this.#stateDir, userId);
    const folder = `${this.#stateDir}/accounts`;
    mapFileErrors(`create the folder ${folder}`, () => this.#files.makeDirectory(folder));
    const lock = new FileLock(this.#files, path.replace(/json$/, "lock"));
    const { runtime, timeoutMs, signal } = options;
    using held = await lock.acquire(timeoutMs, runtime, signal);
    if (held === undefined) {
      throw new StorageError("locked", `Cannot use the account ${userId}: another process holds its lock`);
    }
    return await work({
      read: () => readAccount(this.#stateDir, userId),
      save: (account) =>
        mapFileErrors(
          `save ${path}`,
          () => replaceFile(this.#files, path, serializeAccount(account)),
          "write-failed",
        ),
      remove: () =>
        mapFileErrors(`remove ${path}`, () => {
          this.#files.remove(path);
          this.#files.syncDirectory(folder);
        }, "write-failed"),
    });
  }
}

/**
 * Returns the user id from the file name of an account; undefined if the file is not an account.
 */
function userIdOf(name: string): string | undefined {
  try {
    return name.endsWith(".json") ? decodeURIComponent(name.slice(0, -5)) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the device id that is stored in the state directory. If no id is stored yet, creates and
 * stores a new id. Every login uses the same device, so the user's list of devices does not grow
 * with each login. The id has at least ten characters, because servers may refuse a shorter id in a
 * login with OAuth 2.0.
 *
 * @throws {StorageError} if another login is running, or the id cannot be written
 */
export function stableDeviceId(
  stateDir: string,
  runtime: Pick<Runtime, "uuid">,
  files: Files = denoFiles,
): string {
  const path = `${stateDir}/device.json`;
  mapFileErrors(`create the folder ${stateDir}`, () => files.makeDirectory(stateDir));
  using lock = new FileLock(files, `${stateDir}/device.lock`).tryAcquire();
  if (!lock) throw new StorageError("locked", "Cannot create the device id: another login is running");
  mapFileErrors(`use ${path}`, () => requireTrustedOwnFile(stateDir, path));
  const known = readDeviceId(path);
  if (known !== undefined) return known;
  const deviceId = runtime.uuid().replaceAll("-", "").slice(0, 16).toUpperCase();
  mapFileErrors(
    `save ${path}`,
    () => replaceFile(files, path, `${JSON.stringify({ version: 1, deviceId })}\n`),
    "write-failed",
  );
  return deviceId;
}

function readDeviceId(path: string): string | undefined {
  let text;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(`Cannot use ${path}: it cannot be read`, { cause: error });
  }
  const deviceId = parseJsonObject(text)?.deviceId;
  if (typeof deviceId === "string" && /^[\w.~-]{10,255}$/.test(deviceId)) return deviceId;
  throw new ConfigError(`Cannot use ${path}: it is damaged`, {
    hint: "remove the file; the next login creates a new device",
  });
}

/** Returns the name that this host gets in the user's list of devices. */
export function deviceName(runtime: Pick<Runtime, "hostname">): string {
  return `matrix-notify on ${runtime.hostname()}`;
}

/**
 * Reads a password from a file. The password is the content of the file, without the line break at
 * the end.
 *
 * @throws {ConfigError} if the file does not exist, is world-readable, or does not have exactly one
 * line
 */
export function readPassword(path: string): string {
  const password = requireSecretFile(path, "password file").replace(/\r?\n$/, "");
  if (password === "" || /[\r\n]/.test(password)) {
    throw new ConfigError(
      `Cannot use password file ${path}: it must have one line with the password and nothing else`,
    );
  }
  return rememberSecret(password);
}

/**
 * Returns the modification time of a password file, in milliseconds since 1970. Returns undefined
 * if the file does not exist.
 */
export function readModifiedTime(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(`Cannot use password file ${path}: it cannot be read`, { cause: error });
  }
}
