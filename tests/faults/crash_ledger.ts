/**
 * What the queue has promised so far, entry by entry, and whether a queue that was found after a power cut keeps it. An entry goes by the subject of its
 * notification.
 *
 * @module
 */

import { type Entry, expandBatches } from "../../src/queue/entry.ts";
import type { EnqueueRequest } from "../../src/queue/enqueue.ts";

/** `may` was asked for, and nobody was told yet that it is done; `no` is certain. */
export type Certainty = "no" | "may" | "must";

/** What is known of one entry. */
export interface Promised {
  readonly draft: EnqueueRequest;
  /** Which `enqueue` it came with, by when that began, and its place there. */
  readonly batch: number;
  readonly place: number;
  /** When its `enqueue` resolved. */
  readonly resolved?: number;
  /** Whether it waits at the side door, where order is by the clock. */
  readonly aside: boolean;
  readonly present: Certainty;
  /** The least and the most attempts that the journal may tell of. */
  readonly attempts: readonly [number, number];
  readonly open: Certainty;
  readonly dead: Certainty;
  /** Those with the same number were announced as one digest: no later try may have other members. */
  readonly together?: number;
}

/** What was promised at one moment. */
export type Promises = ReadonlyMap<string, Promised>;

/** The subject by which an entry goes. */
export function subjectOf({ notification }: Pick<Entry, "notification">): string {
  const subject = notification !== null && typeof notification === "object" && "subject" in notification;
  return subject ? String(notification.subject) : "(none)";
}

/** A promise that was not kept. */
export class BrokenPromiseError extends Error {
  override name = "BrokenPromiseError" as const;
  readonly kind: "loss" | "duplicate" | "other";

  constructor(kind: BrokenPromiseError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Compares the entries of a queue with what was promised.
 *
 * @throws {BrokenPromiseError} when a promise was not kept
 */
export function checkPromises(promises: Promises, entries: readonly Entry[]): void {
  const problem = broken(promises, entries);
  if (problem !== undefined) throw new BrokenPromiseError(...problem);
}

function broken(
  promises: Promises,
  entries: readonly Entry[],
): readonly [BrokenPromiseError["kind"], string] | undefined {
  const found = new Map<string, Entry>();
  for (const entry of expandBatches(entries)) {
    const subject = subjectOf(entry);
    const promised = promises.get(subject);
    if (promised === undefined) return ["other", `${subject} was never enqueued`];
    if (found.has(subject)) return ["duplicate", `${subject} is there twice`];
    found.set(subject, entry);
    if (promised.present === "no") return ["duplicate", `${subject} came back after its end was confirmed`];
    const problem = brokenEntry(promised, entry);
    if (problem !== undefined) {
      return ["other", `${subject} ${problem}: ${JSON.stringify({ ...entry, notification: "…" })}`];
    }
  }
  for (const [subject, { present }] of promises) {
    if (present === "must" && !found.has(subject)) return ["loss", `${subject} is lost`];
  }
  for (const [subject, { draft, resolved }] of promises) {
    const entry = found.get(subject);
    const isNeeded = draft.primaries?.some((one) => found.has(subjectOf(one.request))) ?? true;
    if (entry !== undefined && resolved !== undefined && !isNeeded && entry.inFlight === undefined) {
      return ["duplicate", `${subject} stands in for nothing any more`];
    }
  }
  const disorder = brokenDigest(promises, entries) ?? brokenOrder(promises, [...found.keys()]);
  if (disorder !== undefined) return ["other", disorder];
}

/** Those that left as one are one, until that is delivered or refused: no later try may have other members. */
function brokenDigest(promises: Promises, entries: readonly Entry[]): string | undefined {
  for (const { members } of entries.filter((entry) => entry.members)) {
    const subjects = new Set(members?.map(subjectOf));
    const numbers = new Set([...subjects].map((subject) => promises.get(subject)?.together));
    for (const [subject, { together }] of promises) {
      if (together !== undefined && numbers.has(together) && !subjects.has(subject)) {
        return `${subject} left its digest`;
      }
    }
  }
  const free = entries.filter((entry) => !entry.members).map(subjectOf);
  const alone = free.find((subject) => promises.get(subject)?.together !== undefined);
  return alone === undefined ? undefined : `${alone} is in no digest any more`;
}

function brokenEntry({ draft, attempts: [least, most], open, dead }: Promised, entry: Entry) {
  if (!sameEnvelope(draft, entry)) return "is not what was enqueued";
  if (entry.attempts < least) return `forgot attempts, of which there were ${least}`;
  if (entry.attempts > most) return `tells of attempts that never were, beyond ${most}`;
  if (contradicts(open, entry.inFlight !== undefined)) return "is wrong about an open attempt";
  if (entry.inFlight !== undefined && entry.inFlight.n !== entry.attempts) {
    return "names another attempt than the last one";
  }
  if (contradicts(dead, entry.dead !== undefined)) return "is wrong about its death";
}

function contradicts(certainty: Certainty, is: boolean): boolean {
  return certainty === "must" && !is || certainty === "no" && is;
}

function sameEnvelope(draft: EnqueueRequest, entry: Entry): boolean {
  return draft.channel === entry.channel && draft.destination === entry.destination && draft.key === entry.key &&
    JSON.stringify(draft.notification) === JSON.stringify(entry.notification);
}

function brokenOrder(promises: Promises, subjects: readonly string[]): string | undefined {
  for (const [at, later] of subjects.entries()) {
    for (const earlier of subjects.slice(at + 1)) {
      const [a, b] = [promises.get(earlier), promises.get(later)];
      if (a && b && !a.aside && !b.aside && precedes(a, b)) return `${later} comes before ${earlier}`;
    }
  }
}

function precedes(a: Promised, b: Promised): boolean {
  if (a.batch === b.batch) return a.place < b.place;
  return a.resolved !== undefined && a.resolved < b.batch;
}
