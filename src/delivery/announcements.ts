/**
 * The announced attempts of this process. An attempt is announced in the journal (the queue file)
 * before it starts. If the process is killed, the next deliverer knows which messages may have
 * arrived.
 *
 * ```text
 * announce, adopt ──> announced ──start──> in progress ──end──> result is recorded
 *                     announced ──withdraw──> did not start
 * announced by a process that was killed ──abandonKilled──> in doubt
 * ```
 *
 * @module
 */

import type { Entry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import { ignoreStorageErrors } from "../runtime/file_errors.ts";

/** The parts of the queue that {@linkcode Announcements} uses. */
type AnnouncementQueue = Pick<Queue, "announce" | "withdraw" | "abandon" | "state">;

/** The attempts that this process announced. */
export class Announcements {
  readonly #queue: AnnouncementQueue;
  /** The ids of the entries whose attempts were announced, but did not start yet. */
  readonly #announced = new Set<string>();
  /** The ids of the entries whose attempts started, and whose results are not recorded yet. */
  readonly #started = new Set<string>();

  constructor(queue: AnnouncementQueue) {
    this.#queue = queue;
  }

  /**
   * Remembers the new entries whose first attempt is already announced in the journal. One write
   * can enqueue an entry and also announce its first attempt.
   */
  adopt(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.inFlight) this.#announced.add(entry.id);
  }

  /**
   * Announces one attempt for each entry, in one write. Skips an attempt that is already announced.
   *
   * @throws {StorageError} if the write fails; no attempt may then start
   */
  async announce(entries: readonly Entry[]): Promise<void> {
    const fresh = entries.filter(({ id }) => !this.#announced.has(id));
    if (fresh.length === 0) return;
    for (const { id } of await this.#queue.announce(fresh)) this.#announced.add(id);
  }

  /** Remembers that the attempt for an entry starts now. */
  start(id: string): void {
    this.#announced.delete(id);
    this.#started.add(id);
  }

  /** Remembers that the attempt for an entry has ended, and its result is recorded. */
  end(id: string): void {
    this.#started.delete(id);
  }

  /** Returns true if no attempt for the entry is announced or in progress. */
  isFree({ id }: Entry): boolean {
    return !this.#announced.has(id) && !this.#started.has(id);
  }

  /**
   * Records on disk that announced attempts did not start. If the write fails, the next courier
   * treats these attempts as attempts of a killed process, whose outcome is unknown. This is safe.
   *
   * @param channel the channel of the attempts @default all channels
   */
  async withdraw(channel?: string): Promise<void> {
    const withdrawn: Entry[] = [];
    for (const id of this.#announced) {
      const entry = this.#queue.state.entry(id);
      if (entry !== undefined && channel !== undefined && entry.channel !== channel) continue;
      this.#announced.delete(id);
      if (entry !== undefined) withdrawn.push(entry);
    }
    if (withdrawn.length > 0) await ignoreStorageErrors(this.#queue.withdraw(withdrawn));
  }

  /**
   * Records the attempts of a killed deliverer as in doubt (outcome unknown), because the server
   * may still process their requests.
   *
   * @param next the earliest time of the next attempt, in milliseconds since 1970
   */
  async abandonKilled(next: number): Promise<void> {
    const isKilled = ({ id, inFlight }: Entry) => inFlight !== undefined && !this.#announced.has(id);
    const killed = [...this.#queue.state.eachLive().filter(isKilled)];
    if (killed.length > 0) await this.#queue.abandon(killed, next);
  }
}
