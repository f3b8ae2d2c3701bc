/**
 * A process that uses the queue, and writes down what it asks for and what it was told.
 *
 * Before each call whatever it may do becomes possible, behind it whatever it promises becomes certain. What rides unsynced stays possible.
 *
 * @module
 */

import { type Entry, expandBatches } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { EnqueueRequest } from "../../src/queue/enqueue.ts";
import type { AttemptResult } from "../../src/queue/entry_transitions.ts";
import type { CrashFiles } from "./crash_files.ts";
import { type Promised, type Promises, subjectOf } from "./crash_ledger.ts";
import { crashRuntime, STATE_DIR } from "./crash_runtime.ts";

/** All promises of all processes, and the order in which they were made. */
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

/** What is in every file. */
export const FILE: Uint8Array = new TextEncoder().encode("file ".repeat(4));

/** An envelope that goes by its subject. */
export function draft(subject: string, bytes = 20): EnqueueRequest {
  const notification = { subject, message: `${subject} `.padEnd(bytes, "äx\n") };
  return { channel: "matrix", destination: "!room", notification, expires: 9e12 };
}

/** An envelope that goes only when others, which come in with it, have not been delivered in time. */
export function fallback(subject: string, ...primaries: EnqueueRequest[]): EnqueueRequest {
  const requests = primaries.map((primary) => ({ request: primary, afterMs: 600_000 }));
  return { ...draft(subject), channel: "phone", destination: "alerts", primaries: requests };
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

  /** The entries that go by these subjects, as they are now. */
  entries(...subjects: string[]): Entry[] {
    this.queue.refresh();
    return expandBatches(this.queue.state.entries()).filter((entry) => subjects.includes(subjectOf(entry)));
  }

  /** The digests that there are now. */
  digests(): Entry[] {
    this.queue.refresh();
    return this.queue.state.liveEntries().filter(({ members }) => members !== undefined);
  }

  /** Gathers entries into one digest and announces it: what is promised of them stays as it is. */
  async gather(...subjects: string[]): Promise<void> {
    await this.queue.batch([this.entries(...subjects)]);
    await this.queue.announce(this.digests());
    const together = this.#ledger.tick();
    this.#all(subjects, () => ({ together }));
  }

  /** What becomes of a digest becomes of its members, but that a refusal lets them go by themselves. */
  async settleDigest(result: AttemptResult, { isProof = false } = {}): Promise<void> {
    for (const digest of this.digests()) {
      const subjects = (digest.members ?? []).map(subjectOf);
      if (result.state !== "failed") this.#all(subjects, () => ({ together: undefined }));
      if (result.state === "delivered") this.#all(subjects, () => ({ present: "may" }));
      await this.queue.recordResult(digest, result, { isProof });
      if (result.state === "delivered" && isProof) this.#all(subjects, () => ({ present: "no" }));
    }
  }

  async enqueue(drafts: readonly EnqueueRequest[], { announced = false } = {}): Promise<void> {
    const batch = this.#ledger.tick();
    const subjects = drafts.map(subjectOf);
    const leaving = drafts.filter(({ primaries }) => announced && !primaries).map(subjectOf);
    subjects.forEach((subject, place) =>
      this.#ledger.set(subject, {
        draft: drafts[place],
        batch,
        place,
        aside: false,
        present: "may",
        attempts: [0, leaving.includes(subject) ? 1 : 0],
        open: leaving.includes(subject) ? "may" : "no",
        dead: "no",
      })
    );
    const { problem } = await this.queue.enqueue(drafts, () => announced);
    const resolved = this.#ledger.tick();
    this.#all(subjects, () => ({ resolved, present: "must", aside: problem !== undefined }));
    if (!problem) this.#all(leaving, () => ({ attempts: [1, 1], open: "must" }));
  }

  /** Enqueues an entry that needs a file. */
  async attach(subject: string, options: { readonly announced?: boolean } = {}): Promise<void> {
    using incoming = await this.queue.stageFiles();
    const { name } = incoming.write([FILE.subarray(0, 5), FILE.subarray(5)], subject);
    incoming.confirm();
    await this.enqueue([{ ...draft(subject), files: [name] }], options);
    incoming.keep([name]);
  }

  async announce(...subjects: string[]): Promise<void> {
    this.#all(subjects, ({ attempts: [least, most] }) => ({ attempts: [least, most + 1], open: "may" }));
    for (const entry of await this.queue.announce(this.entries(...subjects))) {
      this.#all([subjectOf(entry)], () => ({ attempts: [entry.attempts, entry.attempts], open: "must" }));
    }
  }

  async withdraw(...subjects: string[]): Promise<void> {
    this.#all(subjects, ({ attempts: [least, most] }) => ({ attempts: [least - 1, most], open: "may" }));
    await this.queue.withdraw(this.entries(...subjects));
  }

  async settle(subject: string, result: AttemptResult, { isProof = false } = {}): Promise<void> {
    const spared = this.#sparedBy(subject);
    if (result.state === "delivered") this.#all([subject, ...spared], () => ({ present: "may" }));
    else this.#all([subject], () => ({ open: "may", dead: result.state === "dead" ? "may" : "no" }));
    for (const entry of this.entries(subject)) await this.queue.recordResult(entry, result, { isProof });
    if (result.state === "dead") this.#all([subject], () => ({ open: "no", dead: "must" }));
    else if (result.state === "delivered" && isProof) this.#all([subject, ...spared], () => ({ present: "no" }));
  }

  /** Those that nothing else stands before any more when this one is delivered. */
  #sparedBy(subject: string): string[] {
    const { promises } = this.#ledger;
    const isLeft = (name: string) => name !== subject && promises.get(name)?.present === "must";
    return [...promises].filter(([, { draft: { primaries = [] } }]) => {
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
