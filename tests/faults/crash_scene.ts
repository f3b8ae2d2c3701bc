/**
 * A scene: processes use one disk, and the scene records every moment at which the power can fail.
 * Then it creates the states that a power cut can leave at each moment. A queue that is opened on
 * such a disk must keep every promise of that moment and must work.
 *
 * @module
 */

import { type Entry, expandBatches } from "../../src/queue/entry.ts";
import { AttachmentStore } from "../../src/queue/attachments/store.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Actor, createRequest, FILE, Ledger } from "./crash_actor.ts";
import { CrashDisk, type DirectoryImage, type Operation } from "./crash_disk.ts";
import { CrashFiles, type OperationFault } from "./crash_files.ts";
import { BrokenPromiseError, checkPromises, type Promised, type Promises, subjectOf } from "./crash_ledger.ts";
import { seededDice } from "./crash_dice.ts";
import { type Choose, crash, crashStates, nothingSurvives } from "./crash_states.ts";
import { crashRuntime, STATE_DIR } from "./crash_runtime.ts";
import { yieldToEventLoop } from "./tally.ts";

/** A moment at which the power could fail. */
interface Moment {
  readonly after: string;
  readonly image: DirectoryImage;
  readonly promises: Promises;
}

/** The journal's path. */
export const JOURNAL = `${STATE_DIR}/queue/queue.jsonl`;

/** A disk, its processes and the recorded moments. */
export class Scene {
  readonly disk = new CrashDisk();
  readonly ledger = new Ledger();
  /** Whether moments are recorded. */
  recording = true;
  readonly #moments: Moment[] = [];

  constructor() {
    this.disk.onChange = (operation, path) => this.moment(`${operation} ${path}`);
  }

  /** Starts another process. */
  actor(chooseFault?: (operation: Operation, path: string) => OperationFault): Actor {
    return new Actor(new CrashFiles(this.disk, chooseFault), this.ledger);
  }

  /** Records the current moment. */
  moment(after: string): void {
    if (this.recording) this.#moments.push({ after, image: this.disk.image(), promises: this.ledger.promises });
  }

  /**
   * Checks the states that power cuts can leave.
   *
   * @param limit the maximum number of states per moment
   * @returns the number of checked states
   * @throws {BrokenPromiseError} if a promise is broken; the message names the moment
   */
  async cutPower(limit: number): Promise<number> {
    this.moment("the end");
    let count = 0;
    for (const [at, { after, image, promises }] of this.#moments.entries()) {
      await yieldToEventLoop();
      for (const disk of crashStates(image, limit, at + 1)) {
        count++;
        try {
          await checkState(disk, promises, count);
        } catch (error) {
          const kind = error instanceof BrokenPromiseError ? error.kind : "other";
          const text = error instanceof BrokenPromiseError
            ? error.message
            : error instanceof Error
            ? error.stack
            : error;
          throw new BrokenPromiseError(kind, `Power cut after operation ${at}, ${after}, state ${count}: ${text}`);
        }
      }
    }
    return count;
  }
}

/** Checks that the queue on a disk has kept all promises, and that it works. */
async function checkState(disk: CrashDisk, promises: Promises, seed: number): Promise<void> {
  const open = (on: CrashDisk) => Queue.open(STATE_DIR, crashRuntime(), { files: new CrashFiles(on) });
  const inJournal = new Map(Array.from(promises, ([subject, promised]) => {
    const present: Promised["present"] = promised.isSpooled && promised.present === "must" ? "may" : promised.present;
    return [subject, { ...promised, present }];
  }));
  const queue = open(disk);
  checkPromises(inJournal, queue.state.entries());
  checkFiles(disk, queue.state.entries());
  queue.prepare();
  await queue.seal();
  await queue.importSpool();
  await queue.sweepAttachments();
  checkFiles(disk, queue.state.entries(), "swept");
  await queue.enqueue([createRequest("fresh")], () => false);
  const later = new Map(promises).set("fresh", createFreshPromise());
  checkPromises(later, queue.state.entries());
  for (const entry of expandBatches(queue.state.entries())) {
    const promised = later.get(subjectOf(entry));
    if (promised) later.set(subjectOf(entry), { ...promised, present: "must" });
  }
  const dice = seededDice(seed);
  const cuts: Choose[] = [nothingSurvives, (options) => dice(options)];
  for (const choose of cuts) {
    checkPromises(later, open(crash(disk.image(), choose, dice)).state.entries());
  }
  await queue.compact();
  checkPromises(later, open(crash(disk.image(), nothingSurvives, dice)).state.entries());
}

/** Checks that every entry has its attachments, and after a sweep that there are no others. */
function checkFiles(disk: CrashDisk, entries: readonly Entry[], swept?: "swept"): void {
  const files = new CrashFiles(disk);
  const store = new AttachmentStore(STATE_DIR, files);
  const named = entries.flatMap(({ files = [] }) => files);
  for (const name of named) {
    try {
      store.read(name, FILE.length);
    } catch (error) {
      throw new BrokenPromiseError("loss", error instanceof Error ? error.message : String(error));
    }
  }
  const rest = files.list(store.directory).filter((name) => !named.includes(name));
  if (swept && rest.length > 0) {
    throw new BrokenPromiseError("other", `${rest.length} unused files are left`);
  }
}

function createFreshPromise(): Promised {
  return {
    request: createRequest("fresh"),
    call: Infinity,
    place: 0,
    isSpooled: false,
    present: "must",
    attempts: [0, 0],
    inFlight: "no",
    dead: "no",
  };
}
