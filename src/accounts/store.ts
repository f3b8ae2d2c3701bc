/**
 * The accounts on disk. Whoever changes one holds its lock, so that of several processes one renews a session and the others use what it got; what is saved is
 * on the disk when `save` returns, so that no token is used that a power cut could take back.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import { denoFiles, type Files, replaceFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Account, accountPath, readAccount, serializeAccount } from "./account.ts";

/** Waiting for whoever changes an account. */
export interface LockOptions {
  readonly runtime: Pick<Runtime, "now" | "sleep" | "random">;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** An account that nobody else changes meanwhile. */
export interface HeldAccount {
  /** What its file holds; undefined when nobody is logged in. @throws {ConfigError} when it cannot be used */
  read(): Account | undefined;
  /** Writes it durably. @throws {StorageError} when the disk does not take it; then what was there is there still */
  save(account: Account): void;
  /** Forgets it durably. */
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

  /** The user ids of the accounts, sorted. */
  list(): string[] {
    const names = mapFileErrors(
      `list ${this.#stateDir}/accounts`,
      () => this.#files.list(`${this.#stateDir}/accounts`),
    );
    return names.filter((name) => name.endsWith(".json")).map((name) => decodeURIComponent(name.slice(0, -5))).sort();
  }

  /**
   * Reads an account.
   *
   * @throws {ConfigError} when its file cannot be used
   */
  read(userId: string): Account | undefined {
    return readAccount(this.#stateDir, userId);
  }

  /**
   * Works on an account while nobody else does.
   *
   * @throws {StorageError} when its lock is not to be had in time, or the disk fails
   */
  async exclusively<Result>(
    userId: string,
    options: LockOptions,
    work: (held: HeldAccount) => Promise<Result> | Result,
  ): Promise<Result> {
    const path = accountPath(this.#stateDir, userId);
    const folder = `${this.#stateDir}/accounts`;
    mapFileErrors(`make the folder ${folder}`, () => this.#files.makeDirectory(folder));
    const lock = new FileLock(this.#files, path.replace(/json$/, "lock"));
    const { runtime, timeoutMs, signal } = options;
    if (!await lock.acquire(timeoutMs, runtime, signal)) {
      throw new StorageError("busy", `Cannot use the account ${userId}: another process does not let go of its lock`);
    }
    try {
      return await work({
        read: () => readAccount(this.#stateDir, userId),
        save: (account) =>
          mapFileErrors(`save ${path}`, () => replaceFile(this.#files, path, serializeAccount(account)), "unwritten"),
        remove: () =>
          mapFileErrors(`remove ${path}`, () => {
            this.#files.remove(path);
            this.#files.syncDirectory(folder);
          }, "unwritten"),
      });
    } finally {
      lock.release();
    }
  }
}
