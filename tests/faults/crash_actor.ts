/**
 * A process that uses the queue and records what the queue promises.
 *
 * Before each call its possible effects become possible ("may"). After it, the effects that the
 * call promises become certain ("must" or "no"). Effects of records that are not synced stay
 * possible.
 *
 * @module
 */

import { type Entry, expandBatches } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { EnqueueRequest } from "../../src/queue/change_records.ts";
import type { AttemptResult } from "../../src/queue/change_records.ts";
import type { CrashFiles } from "./crash_files.ts";
import { type Promised, type Promises, subjectOf } from "./crash_ledger.ts";
import { crashRuntime, STATE_DIR } from "./crash_runtime.ts";

/** The promises to all processes, in order. */
export class Ledger {
  promises: Promises = new Map();
  #ticks = 0;

  tick(): number {
    return ++this.#ticks;
  }

  set(subject: string, promised: Promised): void {
    this.promises = new Map(this.promises).set(subject, promised);
  }

  update(subject: string, change: (promised: Promised) => Partial<Promised>): void {
    const promised = this.promises.get(subject);
    if (promised) this.set(subject, { ...promised, ...change(promised) });
  }
}

/** The content of every attachment. */
export const FILE: Uint8Array = new TextEncoder().encode("file ".repeat(4));

/** Creates an envelope that is known by its subject. */
export function createRequest(subject: string, bytes = 20): EnqueueRequest {
  const notification = { subject, message: `${subject} `.padEnd(bytes, "äx\n") };
  return { channel: "matrix", destination: "!room", notification, expires: 9e12 };
}

/** Creates several short requests. */
export function createRequests(...subjects: readonly string[]): EnqueueRequest[] {
  return subjects.map((subject) => createRequest(subject));
}

/** Creates a fallback for other envelopes of the same call. */
export function createFallback(subject: string, ...primaries: EnqueueRequest[]): EnqueueRequest {
  const requests = primaries.map((primary) => ({ request: primary, afterMs: 600_000 }));
  return { ...createRequest(subject), channel: "phone", destination: "alerts", primaries: requests };
}

/** One process. */
export class Actor {
  readonly queue: Queue;
  readonly files: CrashFiles;
  readonly #ledger: Ledger;

  constructor(files: CrashFiles, ledger: Ledger) {
    this.files = files;
    this.#ledger = ledger;
    this.queue = Queue.open(STATE_DIR, crashRuntime(), { files });
    this.queue.prepare();
  }

  /** The current entries with these subjects. */
  entries(...subjects: string[]): Entry[] {
    this.queue.refresh();
    return expandBatches(this.queue.state.entries()).filter((entry) => subjects.includes(subjectOf(entry)));
  }

  /** The current batches. */
  batches(): Entry[] {
    this.queue.refresh();
    return this.queue.state.liveEntries().filter(({ members }) => members !== undefined);
  }

  /** Puts entries into one batch and announces it. The promises to its members do not change. */
  async batch(...subjects: string[]): Promise<void> {
    await this.queue.batch([{ entries: this.entries(...subjects) }]);
    await this.queue.announce(this.batches());
    const together = this.#ledger.tick();
    this.#all(subjects, () => ({ together }));
  }

  /**
   * Records the result of all batches. It counts for their members too; a rejection releases them
   * from the batch.
   */
  async settleBatches(result: AttemptResult, { isProof = false } = {}): Promise<void> {
    for (const batch of this.batches()) {
      const subjects = (batch.members ?? []).map(subjectOf);
      if (result.state !== "failed") this.#all(subjects, () => ({ together: undefined }));
      if (result.state === "delivered") this.#all(subjects, () => ({ present: "may" }));
      await this.queue.recordResult(batch, result, { isProof });
      if (result.state === "delivered" && isProof) this.#all(subjects, () => ({ present: "no" }));
    }
  }

  async enqueue(requests: readonly EnqueueRequest[], { announced = false } = {}): Promise<void> {
    const call = this.#ledger.tick();
    const subjects = requests.map(subjectOf);
    const leaving = requests.filter(({ primaries }) => announced && !primaries).map(subjectOf);
    subjects.forEach((subject, place) =>
      this.#ledger.set(subject, {
        request: requests[place],
        call,
        place,
        isSpooled: false,
        present: "may",
        attempts: [0, leaving.includes(subject) ? 1 : 0],
        inFlight: leaving.includes(subject) ? "may" : "no",
        dead: "no",
      })
    );
    const { problem } = await this.queue.enqueue(requests, () => announced);
    const resolved = this.#ledger.tick();
    this.#all(subjects, () => ({ resolved, present: "must", isSpooled: problem !== undefined }));
    if (!problem) this.#all(leaving, () => ({ attempts: [1, 1], inFlight: "must" }));
  }

  /** Enqueues an entry with an attachment. */
  async attach(subject: string, options: { readonly announced?: boolean } = {}): Promise<void> {
    using incoming = await this.queue.stageFiles();
    const { name } = incoming.write([FILE.subarray(0, 5), FILE.subarray(5)], subject);
    incoming.confirm();
    await this.enqueue([{ ...createRequest(subject), files: [name] }], options);
    incoming.keep([name]);
  }

  async announce(...subjects: string[]): Promise<void> {
    this.#all(subjects, ({ attempts: [least, most] }) => ({ attempts: [least, most + 1], inFlight: "may" }));
    for (const entry of await this.queue.announce(this.entries(...subjects))) {
      this.#all([subjectOf(entry)], () => ({ attempts: [entry.attempts, entry.attempts], inFlight: "must" }));
    }
  }

  async withdraw(...subjects: string[]): Promise<void> {
    this.#all(subjects, ({ attempts: [least, most] }) => ({ attempts: [least - 1, most], inFlight: "may" }));
    await this.queue.withdraw(this.entries(...subjects));
  }

  async settle(subject: string, result: AttemptResult, { isProof = false } = {}): Promise<void> {
    const cancelled = this.#findCancelledBy(subject);
    if (result.state === "delivered") this.#all([subject, ...cancelled], () => ({ present: "may" }));
    else this.#all([subject], () => ({ inFlight: "may", dead: result.state === "dead" ? "may" : "no" }));
    for (const entry of this.entries(subject)) await this.queue.recordResult(entry, result, { isProof });
    if (result.state === "dead") this.#all([subject], () => ({ inFlight: "no", dead: "must" }));
    else if (result.state === "delivered" && isProof) this.#all([subject, ...cancelled], () => ({ present: "no" }));
  }

  /** Finds the fallbacks that are not needed any more when this entry is delivered. */
  #findCancelledBy(subject: string): string[] {
    const { promises } = this.#ledger;
    const isLeft = (name: string) => name !== subject && promises.get(name)?.present === "must";
    return [...promises].filter(([, { request: { primaries = [] } }]) => {
      const subjects = primaries.map((one) => subjectOf(one.request));
      return subjects.includes(subject) && !subjects.some(isLeft);
    }).map(([name]) => name);
  }

  async retry(...subjects: string[]): Promise<void> {
    this.#all(subjects, () => ({ dead: "may" }));
    await this.queue.retry(this.entries(...subjects), 1000);
    this.#all(subjects, () => ({ dead: "no" }));
  }

  async drop(...subjects: string[]): Promise<void> {
    this.#all(subjects, () => ({ present: "may", together: undefined }));
    await this.queue.drop(this.entries(...subjects));
    this.#all(subjects, () => ({ present: "no" }));
  }

  #all(subjects: readonly string[], change: (promised: Promised) => Partial<Promised>): void {
    for (const subject of subjects) this.#ledger.update(subject, change);
  }
}
