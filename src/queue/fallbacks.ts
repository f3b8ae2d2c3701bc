/**
 * Fallbacks: entries that leave only when others have not been delivered in time.
 *
 * ```text
 * in with the one that it stands in for, in one write:  P, F { fallbackFor: { P: 20:25 } }
 * P is delivered, or dropped     F is spared: it goes without a word. One that says that something is over which its lane was told of leaves all the same
 * P is buried                    F may leave at once
 * P is superseded by Q           F waits for Q, and no longer than for P
 * 20:25, and P is still there    F may leave; then it is an entry like any other, but that P spares it still
 * ```
 *
 * All of this follows from the records of P: nothing is written down for F, and whoever reads the same records spares the same entries.
 *
 * @module
 */

import type { Entry, FallbackFor } from "./entry.ts";
import type { OrderedEntries } from "./ordered_entries.ts";

/** How one ended that fallbacks wait for. */
export type PrimaryEnd = "delivered" | "dropped" | "dead" | { readonly supersededBy: string };

/** What a fallback waits for when one of those that it stands in for has ended. */
export function afterEnd(fallbackFor: FallbackFor, id: string, end: PrimaryEnd): FallbackFor {
  if (fallbackFor[id] === undefined) return fallbackFor;
  if (end === "dead") return { ...fallbackFor, [id]: 0 };
  const { [id]: until, ...others } = fallbackFor;
  if (typeof end === "string") return others;
  const { supersededBy } = end;
  return { ...others, [supersededBy]: Math.min(until, others[supersededBy] ?? Infinity) };
}

/** Waits no longer than those did whose place it takes: whoever says the same again and again would never be heard. */
export function noLongerThan(
  fallbackFor: FallbackFor | undefined,
  replaced: readonly Entry[],
): FallbackFor | undefined {
  if (fallbackFor === undefined) return undefined;
  const earliest = Math.min(...replaced.map((entry) => entry.fallbackFor === undefined ? Infinity : dueTime(entry)));
  return Object.fromEntries(Object.entries(fallbackFor).map(([id, until]) => [id, Math.min(until, earliest)]));
}

/** When an entry may leave, as far as it waits for others; 0 when it does not. */
export function dueTime({ fallbackFor, forced }: Pick<Entry, "fallbackFor" | "forced">): number {
  const times = Object.values(forced ? {} : fallbackFor ?? {});
  return times.length === 0 ? 0 : Math.min(...times);
}

/** What fallbacks need of the rest. */
export interface FallbackOptions {
  /** Takes an entry out of the queue that nobody needs any more. */
  readonly cancel: (entry: Entry) => void;
  /** Whether the lane of an entry must hear it, whatever else was delivered. */
  readonly isOwed: (entry: Entry) => boolean;
}

/** Which fallbacks wait for which entries. */
export class Fallbacks {
  readonly #line: OrderedEntries;
  readonly #options: FallbackOptions;
  readonly #waiting = new Map<string, Set<string>>();

  constructor(line: OrderedEntries, options: FallbackOptions) {
    this.#line = line;
    this.#options = options;
  }

  /** Learns what an entry waits for. */
  add({ id, fallbackFor }: Pick<Entry, "id" | "fallbackFor">): void {
    for (const primary of Object.keys(fallbackFor ?? {})) {
      this.#waiting.set(primary, (this.#waiting.get(primary) ?? new Set()).add(id));
    }
  }

  /** An entry is not in the queue any more. */
  remove({ id, fallbackFor }: Pick<Entry, "id" | "fallbackFor">): void {
    for (const primary of Object.keys(fallbackFor ?? {})) {
      const ids = this.#waiting.get(primary);
      ids?.delete(id);
      if (ids?.size === 0) this.#waiting.delete(primary);
    }
  }

  /** Those that wait for an entry learn how it ended. */
  tell(primary: string, end: PrimaryEnd): void {
    for (const id of [...this.#waiting.get(primary) ?? []]) {
      const entry = this.#line.find(id);
      if (entry?.fallbackFor === undefined) continue;
      const changed = { ...entry, fallbackFor: afterEnd(entry.fallbackFor, primary, end) };
      this.remove(entry);
      this.add(changed);
      this.#line.change(changed);
      this.cancelUnneeded(changed);
    }
  }

  /** Spares an entry, or members of a digest, whose last primary was delivered. Whoever is under way is left alone until its answer comes. */
  cancelUnneeded({ id, members }: Pick<Entry, "id" | "members">): void {
    for (const one of members ?? [{ id }]) {
      const entry = this.#line.find(one.id);
      if (entry === undefined || !isNeedless(entry) || this.#options.isOwed(entry)) continue;
      if ((this.#line.batchOf(entry.id) ?? entry).inFlight === undefined) this.#options.cancel(entry);
    }
  }
}

/** Whether nothing is left that an entry stands in for. What somebody asked for, and what lies with the dead letters, is theirs to decide about. */
function isNeedless({ fallbackFor, forced, dead }: Entry): boolean {
  return fallbackFor !== undefined && Object.keys(fallbackFor).length === 0 && !forced && !dead;
}
