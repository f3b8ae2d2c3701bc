/**
 * Fallbacks: entries that leave only when others have not been delivered in time.
 *
 * ```text
 * in with the one that it stands in for, in one write:  P, F { unless: { P: 20:25 } }
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

import type { Entry, Unless } from "./entry.ts";
import type { Line } from "./ordered_entries.ts";

/** How one ended that fallbacks wait for. */
export type PrimaryEnd = "delivered" | "dropped" | "dead" | { readonly supersededBy: string };

/** What a fallback waits for when one of those that it stands in for has ended. */
export function afterEnd(unless: Unless, id: string, end: PrimaryEnd): Unless {
  if (unless[id] === undefined) return unless;
  if (end === "dead") return { ...unless, [id]: 0 };
  const { [id]: until, ...others } = unless;
  if (typeof end === "string") return others;
  const { supersededBy } = end;
  return { ...others, [supersededBy]: Math.min(until, others[supersededBy] ?? Infinity) };
}

/** Waits no longer than those did whose place it takes: whoever says the same again and again would never be heard. */
export function noLongerThan(unless: Unless | undefined, replaced: readonly Entry[]): Unless | undefined {
  if (unless === undefined) return undefined;
  const earliest = Math.min(...replaced.map((entry) => entry.unless === undefined ? Infinity : dueTime(entry)));
  return Object.fromEntries(Object.entries(unless).map(([id, until]) => [id, Math.min(until, earliest)]));
}

/** When an entry may leave, as far as it waits for others; 0 when it does not. */
export function dueTime({ unless, asked }: Pick<Entry, "unless" | "asked">): number {
  const times = Object.values(asked ? {} : unless ?? {});
  return times.length === 0 ? 0 : Math.min(...times);
}

/** What fallbacks need of the rest. */
export interface FallbackOptions {
  /** Takes an entry out of the queue that nobody needs any more. */
  readonly spare: (entry: Entry) => void;
  /** Whether the lane of an entry must hear it, whatever else was delivered. */
  readonly isOwed: (entry: Entry) => boolean;
}

/** Which fallbacks wait for which entries. */
export class Fallbacks {
  readonly #line: Line;
  readonly #options: FallbackOptions;
  readonly #waiting = new Map<string, Set<string>>();

  constructor(line: Line, options: FallbackOptions) {
    this.#line = line;
    this.#options = options;
  }

  /** Learns what an entry waits for. */
  add({ id, unless }: Pick<Entry, "id" | "unless">): void {
    for (const primary of Object.keys(unless ?? {})) {
      this.#waiting.set(primary, (this.#waiting.get(primary) ?? new Set()).add(id));
    }
  }

  /** An entry is not in the queue any more. */
  remove({ id, unless }: Pick<Entry, "id" | "unless">): void {
    for (const primary of Object.keys(unless ?? {})) {
      const ids = this.#waiting.get(primary);
      ids?.delete(id);
      if (ids?.size === 0) this.#waiting.delete(primary);
    }
  }

  /** Those that wait for an entry learn how it ended. */
  tell(primary: string, end: PrimaryEnd): void {
    for (const id of [...this.#waiting.get(primary) ?? []]) {
      const entry = this.#line.find(id);
      if (entry?.unless === undefined) continue;
      const changed = { ...entry, unless: afterEnd(entry.unless, primary, end) };
      this.remove(entry);
      this.add(changed);
      this.#line.change(changed);
      this.spareNeedless(changed);
    }
  }

  /** Spares an entry, or members of a digest, whose last primary was delivered. Whoever is under way is left alone until its answer comes. */
  spareNeedless({ id, members }: Pick<Entry, "id" | "members">): void {
    for (const one of members ?? [{ id }]) {
      const entry = this.#line.find(one.id);
      if (entry === undefined || !isNeedless(entry) || this.#options.isOwed(entry)) continue;
      if ((this.#line.digestOf(entry.id) ?? entry).open === undefined) this.#options.spare(entry);
    }
  }
}

/** Whether nothing is left that an entry stands in for. What somebody asked for, and what lies with the dead letters, is theirs to decide about. */
function isNeedless({ unless, asked, dead }: Entry): boolean {
  return unless !== undefined && Object.keys(unless).length === 0 && !asked && !dead;
}
