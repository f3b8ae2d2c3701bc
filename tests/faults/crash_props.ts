/**
 * Results and steps that several scenes use.
 *
 * @module
 */

import { assert } from "@std/assert";
import { FileLock, type HeldLock } from "../../src/runtime/file_lock.ts";
import type { AttemptResult } from "../../src/queue/change_records.ts";
import { type Actor, createRequest } from "./crash_actor.ts";
import { CrashFiles } from "./crash_files.ts";
import { STATE_DIR } from "./crash_runtime.ts";
import type { Scene } from "./crash_scene.ts";

/** Accepted. */
export const DELIVERED: AttemptResult = { state: "delivered", receipt: "$1", via: "put" };
/** Rate-limited. */
export const RATE_LIMITED: AttemptResult & { readonly state: "failed" } = {
  state: "failed",
  class: "rate-limited",
  reason: "429",
  next: 5,
  notBefore: 5,
};
/** Rejected for good. */
export const REJECTED: AttemptResult = { state: "dead", reason: "too large", status: 413 };

/** Delivers large messages until the journal can be compacted. The moments are not recorded. */
export async function fill(scene: Scene, actor: Actor): Promise<void> {
  scene.recording = false;
  for (const subject of ["old 1", "old 2", "old 3"]) {
    await actor.enqueue([createRequest(subject, 60_000)], { announced: true });
    await actor.settle(subject, DELIVERED, { isProof: true });
  }
  scene.recording = true;
}

/** Acquires the lock of the journal, like a process that hangs. */
export function holdLock(scene: Scene): HeldLock {
  const lock = new FileLock(new CrashFiles(scene.disk), `${STATE_DIR}/queue/lock`).tryAcquire();
  assert(lock);
  return lock;
}
