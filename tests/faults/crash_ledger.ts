/**
 * The promises of the queue, entry by entry, and the check whether a queue that is opened after a
 * power cut keeps them. Entries are known by the subjects of their notifications.
 *
 * @module
 */

import { type Entry, expandBatches, notificationOf } from "../../src/queue/entry.ts";
import type { EnqueueRequest } from "../../src/queue/change_records.ts";

/** `may`: requested, but not confirmed. `must` and `no` are confirmed. */
export type Certainty = "no" | "may" | "must";

/** The promises about one entry. */
export interface Promised {
  readonly request: EnqueueRequest;
  /** When its call of `enqueue` began, and its place in that call. */
  readonly call: number;
  readonly place: number;
  /** When that call resolved. */
  readonly resolved?: number;
  /** Whether it is in the spool, whose files are ordered by time. */
  readonly isSpooled: boolean;
  readonly present: Certainty;
  /** The smallest and the largest allowed number of attempts. */
  readonly attempts: readonly [number, number];
  readonly inFlight: Certainty;
  readonly dead: Certainty;
  /**
   * Entries with the same number were announced as one batch. A later attempt must have the same
   * members.
   */
  readonly together?: number;
}

/** All promises at one moment, by subject. */
export type Promises = ReadonlyMap<string, Promised>;

/** Returns the subject of an entry. */
export function subjectOf(entry: Pick<Entry, "notification">): string {
  const notification = notificationOf(entry);
  const subject = notification !== null && typeof notification === "object" && "subject" in notification;
  return subject ? String(notification.subject) : "(none)";
}

/** A promise that the queue did not keep. */
export class BrokenPromiseError extends Error {
  override name = "BrokenPromiseError" as const;
  readonly kind: "loss" | "duplicate" | "other";

  constructor(kind: BrokenPromiseError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Compares the entries of a queue with the promises.
 *
 * @throws {BrokenPromiseError} if a promise is not kept
 */
export function checkPromises(promises: Promises, entries: readonly Entry[]): void {
  const problem = findBroken(promises, entries);
  if (problem !== undefined) throw new BrokenPromiseError(...problem);
}

function findBroken(
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
    if (promised.present === "no") return ["duplicate", `${subject} came back after its final state was confirmed`];
    const problem = findEntryProblem(promised, entry);
    if (problem !== undefined) {
      return ["other", `${subject} ${problem}: ${JSON.stringify({ ...entry, notification: "…" })}`];
    }
  }
  for (const [subject, { present }] of promises) {
    if (present === "must" && !found.has(subject)) return ["loss", `${subject} is lost`];
  }
  for (const [subject, { request, resolved }] of promises) {
    const entry = found.get(subject);
    const isNeeded = request.primaries?.some((one) => found.has(subjectOf(one.request))) ?? true;
    if (entry !== undefined && resolved !== undefined && !isNeeded && entry.inFlight === undefined) {
      return ["duplicate", `${subject} is a fallback that is not needed any more`];
    }
  }
  const disorder = findBatchProblem(promises, entries) ?? findOrderProblem(promises, [...found.keys()]);
  if (disorder !== undefined) return ["other", disorder];
}

/** A batch keeps its members until it is delivered or rejected. */
function findBatchProblem(promises: Promises, entries: readonly Entry[]): string | undefined {
  for (const { members } of entries.filter((entry) => entry.members)) {
    const subjects = new Set(members?.map(subjectOf));
    const numbers = new Set([...subjects].map((subject) => promises.get(subject)?.together));
    for (const [subject, { together }] of promises) {
      if (together !== undefined && numbers.has(together) && !subjects.has(subject)) {
        return `${subject} left its batch`;
      }
    }
  }
  const free = entries.filter((entry) => !entry.members).map(subjectOf);
  const alone = free.find((subject) => promises.get(subject)?.together !== undefined);
  return alone === undefined ? undefined : `${alone} is in no batch any more`;
}

function findEntryProblem({ request, attempts: [least, most], inFlight, dead }: Promised, entry: Entry) {
  if (!isSameEnvelope(request, entry)) return "is not what was enqueued";
  if (entry.attempts < least) return `has fewer attempts than ${least}`;
  if (entry.attempts > most) return `has more attempts than ${most}`;
  if (contradicts(inFlight, entry.inFlight !== undefined)) return "has a wrong attempt in flight";
  if (entry.inFlight !== undefined && entry.inFlight.n !== entry.attempts) {
    return "has an attempt in flight that is not the last one";
  }
  if (contradicts(dead, entry.dead !== undefined)) return "is wrong about being dead";
}

function contradicts(certainty: Certainty, is: boolean): boolean {
  return certainty === "must" && !is || certainty === "no" && is;
}

function isSameEnvelope(request: EnqueueRequest, entry: Entry): boolean {
  return request.channel === entry.channel && request.destination === entry.destination && request.key === entry.key &&
    JSON.stringify(request.notification) === JSON.stringify(entry.notification);
}

function findOrderProblem(promises: Promises, subjects: readonly string[]): string | undefined {
  for (const [at, later] of subjects.entries()) {
    for (const earlier of subjects.slice(at + 1)) {
      const [a, b] = [promises.get(earlier), promises.get(later)];
      if (a && b && !a.isSpooled && !b.isSpooled && precedes(a, b)) return `${later} comes before ${earlier}`;
    }
  }
}

function precedes(a: Promised, b: Promised): boolean {
  if (a.call === b.call) return a.place < b.place;
  return a.resolved !== undefined && a.resolved < b.call;
}
