/**
 * Opens the queue in its place, the state directory. If there is no place for a queue, each
 * notification gets one attempt without the queue. There is no place in these cases:
 *
 * - the home directory of the user is unknown
 * - the state directory belongs to another user, except root
 * - other users can write to the state directory
 * - the queue cannot be read
 *
 * Sometimes the queue can be read, but not written (for example, on a full disk or a read-only file
 * system). This problem is noticed only when a notification is enqueued. The notification then also
 * gets one attempt without the queue.
 *
 * @module
 */

import { ConfigError, StorageError } from "../base/errors.ts";
import { stateDirPath } from "../config/paths.ts";
import { Queue, type QueueOptions } from "../queue/queue.ts";
import { findDirectoryProblem } from "../runtime/directory.ts";
import type { Files } from "../runtime/files.ts";
import { requireEnvAccess } from "../runtime/permissions.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The place of the queue. */
export interface Place {
  /** The state directory; empty if it is unknown. */
  readonly stateDir: string;
  /** The queue. If there is no place for a queue, this queue is empty, and every write fails. */
  readonly queue: Queue;
  /** The reason why there is no place for a queue. Absent if there is a place. */
  readonly problem?: StorageError;
}

/**
 * Opens the queue in the state directory.
 *
 * @param stateDir the state directory that the caller chose
 * @throws {PermissionError} if Deno denies access to the environment
 */
export function openPlace(runtime: Runtime, stateDir: string | undefined, options: QueueOptions): Place {
  try {
    const path = stateDir ?? findStateDir(runtime);
    const problem = findDirectoryProblem(path);
    if (problem === undefined) return { stateDir: path, queue: Queue.open(path, runtime, options) };
    const { state, hint } = problem;
    throw new StorageError("permission-denied", `Cannot use the state directory ${path}: ${state}`, { hint });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const queue = Queue.open(stateDir ?? "", runtime, { ...options, files: refusingFiles(error) });
    return { stateDir: stateDir ?? "", queue, problem: error };
  }
}

function findStateDir(runtime: Runtime): string {
  try {
    return stateDirPath(runtime);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    requireEnvAccess("find the state directory");
    throw new StorageError("no-place", error.message, { hint: error.hint, cause: error });
  }
}

/** Returns a file system that is empty and refuses every write with the same error. */
function refusingFiles(problem: StorageError): Files {
  const refuse = () => {
    throw problem;
  };
  return {
    open(_, mode) {
      if (mode === "read") throw new Deno.errors.NotFound("There is no place for a queue");
      return refuse();
    },
    list: () => [],
    rename: refuse,
    remove: refuse,
    makeDirectory: refuse,
    syncDirectory: refuse,
  };
}
