/**
 * Fallbacks: entries that are sent only if their primaries (the entries that are tried earlier) are
 * not delivered in time.
 *
 * ```text
 * one write enqueues P (primary) and F (fallback), with F.fallbackFor = { P: 20:25 }
 *
 * P is delivered or dropped     F is cancelled without a message. Exception: F reports the end of
 *                               an incident whose start was sent to the destination of F
 * P becomes a dead letter       F can be sent immediately
 * P is replaced by Q            F waits for Q, but at most until the timeout of P
 * P still waits at 20:25        F can be sent; if P is delivered before F is sent, F is cancelled
 * ```
 *
 * The state of F is computed from the records of P. Therefore a cancellation of F needs no record:
 * every process reads the records of P and then cancels F.
 *
 * @module
 */

import type { Entry } from "./entry.ts";
import type { OrderedEntries } from "./ordered_entries.ts";
import type { FallbackFor } from "./record.ts";

/** The reason why a primary (an entry that is tried before its fallback) no longer waits. */
export type PrimaryEnd = "delivered" | "dropped" | "dead" | { readonly supersededBy: string };

/**
 * Updates the list of the entries that are tried before a fallback. Returns a changed copy of the
 * list.
 *
 * @param fallbackFor the list
 * @param id the id of an entry in the list that no longer waits
 */
function afterEnd(fallbackFor: FallbackFor, id: string, end: PrimaryEnd): FallbackFor {
  if (fallbackFor[id] === undefined) return fallbackFor;
  if (end === "dead") return { ...fallbackFor, [id]: 0 };
  const { [id]: until, ...others } = fallbackFor;
  if (typeof end === "string") return others;
  const { supersededBy } = end;
  return { ...others, [supersededBy]: Math.min(until, others[supersededBy] ?? Infinity) };
}

/**
 * Limits the wait of a fallback that replaces other fallbacks. The wait ends no later than the
 * waits of the replaced fallbacks. Without this limit, frequent notifications with the same key
 * would postpone the fallback forever.
 */
export function limitWait(fallbackFor: FallbackFor, replaced: readonly Entry[]): FallbackFor {
  const earliest = Math.min(...replaced.map((entry) => entry.fallbackFor === undefined ? Infinity : dueTime(entry)));
  return Object.fromEntries(Object.entries(fallbackFor).map(([id, until]) => [id, Math.min(until, earliest)]));
}

/**
 * Returns the time when a fallback can be sent, in milliseconds since 1970. Returns 0 if the entry
 * does not wait for a primary (an entry that is tried before the fallback).
 */
export function dueTime({ fallbackFor, forced }: Pick<Entry, "fallbackFor" | "forced">): number {
  const times = Object.values(forced ? {} : fallbackFor ?? {});
  return times.length === 0 ? 0 : Math.min(...times);
}

/** The parts of the queue state that {@linkcode Fallbacks} uses. */
export interface FallbackOptions {
  /** Removes a fallback that is not needed any more. */
  readonly cancel: (entry: Entry) => void;
  /** Returns true if a fallback must be delivered even after its primaries were delivered. */
  readonly isOwed: (entry: Entry) => boolean;
}

/** The waiting fallbacks and their primaries (the entries that are tried before a fallback). */
export class Fallbacks {
  readonly #entries: OrderedEntries;
  readonly #options: FallbackOptions;
  /** The ids of the waiting fallbacks of each primary. The key is the id of the primary. */
  readonly #waiting = new Map<string, Set<string>>();

  constructor(entries: OrderedEntries, options: FallbackOptions) {
    this.#entries = entries;
    this.#options = options;
  }

  /** Adds an entry if it is a fallback. */
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

  /**
   * Updates the fallbacks of a primary (an entry that is tried before them). The primary no longer
   * waits.
   */
  onPrimaryEnd(primary: string, end: PrimaryEnd): void {
    const waiting = this.#waiting.get(primary);
    if (waiting === undefined) return;
    for (const id of [...waiting]) {
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
   * Cancels a fallback if all of its primaries were delivered or dropped. For a batch (several
   * entries in one message), checks each member. An entry that is being sent is not cancelled.
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
 * Returns true if all primaries (the entries that are tried before the fallback) were delivered or
 * dropped. Returns false for dead letters and for entries that a person retried.
 */
function isUnneeded({ fallbackFor, forced, dead }: Entry): boolean {
  return fallbackFor !== undefined && Object.keys(fallbackFor).length === 0 && !forced && !dead;
}
