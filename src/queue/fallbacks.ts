/**
 * Fallbacks: entries that leave only if their primaries are not delivered in time.
 *
 * ```text
 * enqueued in one write:          P, F { fallbackFor: { P: 20:25 } }
 * P is delivered or dropped       F is cancelled silently, unless it resolves an incident
 *                                 that its lane has reported
 * P becomes a dead letter         F may leave at once
 * P is replaced by Q              F waits for Q, and no longer than it would have waited for P
 * 20:25, and P still waits        F may leave; until it does, the delivery of P still cancels it
 * ```
 *
 * All of this follows from the records of P. Nothing is written for F: every process that reads the
 * same records cancels the same entries.
 *
 * @module
 */

import type { Entry } from "./entry.ts";
import type { OrderedEntries } from "./ordered_entries.ts";
import type { FallbackFor } from "./record.ts";

/** How a primary left the queue. */
export type PrimaryEnd = "delivered" | "dropped" | "dead" | { readonly supersededBy: string };

/** Returns what a fallback waits for after one of its primaries has left the queue. */
export function afterEnd(fallbackFor: FallbackFor, id: string, end: PrimaryEnd): FallbackFor {
  if (fallbackFor[id] === undefined) return fallbackFor;
  if (end === "dead") return { ...fallbackFor, [id]: 0 };
  const { [id]: until, ...others } = fallbackFor;
  if (typeof end === "string") return others;
  const { supersededBy } = end;
  return { ...others, [supersededBy]: Math.min(until, others[supersededBy] ?? Infinity) };
}

/**
 * Limits the wait of a fallback to that of the fallbacks that it replaces. Without this limit, a
 * caller that repeats a key often would postpone its fallback forever.
 */
export function limitWait(
  fallbackFor: FallbackFor | undefined,
  replaced: readonly Entry[],
): FallbackFor | undefined {
  if (fallbackFor === undefined) return undefined;
  const earliest = Math.min(...replaced.map((entry) => entry.fallbackFor === undefined ? Infinity : dueTime(entry)));
  return Object.fromEntries(Object.entries(fallbackFor).map(([id, until]) => [id, Math.min(until, earliest)]));
}

/** When a fallback may leave, in milliseconds since 1970; 0 if the entry waits for no primary. */
export function dueTime({ fallbackFor, forced }: Pick<Entry, "fallbackFor" | "forced">): number {
  const times = Object.values(forced ? {} : fallbackFor ?? {});
  return times.length === 0 ? 0 : Math.min(...times);
}

/** What fallbacks need of the queue state. */
export interface FallbackOptions {
  /** Removes a fallback that is not needed any more. */
  readonly cancel: (entry: Entry) => void;
  /**
   * Whether an entry must be delivered in its own lane, even after its primaries were delivered.
   */
  readonly isOwed: (entry: Entry) => boolean;
}

/** Which fallbacks wait for which primaries. */
export class Fallbacks {
  readonly #entries: OrderedEntries;
  readonly #options: FallbackOptions;
  /** The ids of fallbacks by the ids of their primaries. */
  readonly #waiting = new Map<string, Set<string>>();

  constructor(entries: OrderedEntries, options: FallbackOptions) {
    this.#entries = entries;
    this.#options = options;
  }

  /** Adds an entry. */
  add({ id, fallbackFor }: Pick<Entry, "id" | "fallbackFor">): void {
    for (const primary of Object.keys(fallbackFor ?? {})) {
      this.#waiting.set(primary, (this.#waiting.get(primary) ?? new Set()).add(id));
    }
  }

  /** Removes an entry that has left the queue. */
  remove({ id, fallbackFor }: Pick<Entry, "id" | "fallbackFor">): void {
    for (const primary of Object.keys(fallbackFor ?? {})) {
      const ids = this.#waiting.get(primary);
      ids?.delete(id);
      if (ids?.size === 0) this.#waiting.delete(primary);
    }
  }

  /** Updates the fallbacks of a primary that has left the queue. */
  onPrimaryEnd(primary: string, end: PrimaryEnd): void {
    for (const id of [...this.#waiting.get(primary) ?? []]) {
      const entry = this.#entries.find(id);
      if (entry?.fallbackFor === undefined) continue;
      const changed = { ...entry, fallbackFor: afterEnd(entry.fallbackFor, primary, end) };
      this.remove(entry);
      this.add(changed);
      this.#entries.change(changed);
      this.cancelUnneeded(changed);
    }
  }

  /**
   * Cancels an entry, or members of a batch, if its last primary was delivered. While an attempt is
   * in flight, nothing is cancelled.
   */
  cancelUnneeded({ id, members }: Pick<Entry, "id" | "members">): void {
    for (const one of members ?? [{ id }]) {
      const entry = this.#entries.find(one.id);
      if (entry === undefined || !isUnneeded(entry) || this.#options.isOwed(entry)) continue;
      if ((this.#entries.findBatch(entry.id) ?? entry).inFlight === undefined) this.#options.cancel(entry);
    }
  }
}

/**
 * Whether a fallback has no primaries left. One that a person retried, and a dead letter, are left
 * to that person.
 */
function isUnneeded({ fallbackFor, forced, dead }: Entry): boolean {
  return fallbackFor !== undefined && Object.keys(fallbackFor).length === 0 && !forced && !dead;
}
