/**
 * What scenes have in common.
 *
 * @module
 */

import { assert } from "@std/assert";
import { FileLock } from "../../src/runtime/file_lock.ts";
import type { AttemptResult } from "../../src/queue/entry_transitions.ts";
import { type Actor, draft } from "./crash_actor.ts";
import { CrashFiles } from "./crash_files.ts";
import { STATE_DIR } from "./crash_runtime.ts";
import type { Scene } from "./crash_scene.ts";

/** The service took it. */
export const DELIVERED: AttemptResult = { state: "delivered", receipt: "$1", via: "put" };
/** The service asks for patience. */
export const REFUSED: AttemptResult & { readonly state: "failed" } = {
  state: "failed",
  class: "rate-limited",
  reason: "429",
  next: 5,
  notBefore: 5,
};
/** The service will never take it. */
export const HOPELESS: AttemptResult = { state: "dead", reason: "too large", status: 413 };

/** Messages of 100 KB that are delivered, until a compaction is worth it. Nobody looks at these moments. */
export async function fill(scene: Scene, actor: Actor): Promise<void> {
  scene.recording = false;
  for (const subject of ["old 1", "old 2", "old 3"]) {
    await actor.enqueue([draft(subject, 60_000)], { announced: true });
    await actor.settle(subject, DELIVERED, { isProof: true });
  }
  scene.recording = true;
}

/** Somebody holds the journal's lock and hangs. */
export function holdLock(scene: Scene): FileLock {
  const lock = new FileLock(new CrashFiles(scene.disk), `${STATE_DIR}/queue/lock`);
  assert(lock.tryAcquire());
  return lock;
}
