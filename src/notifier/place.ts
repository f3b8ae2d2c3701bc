/**
 * Opens the queue in its place, the state directory. If there is no place for a queue, each
 * notification gets one attempt without the queue. There is no place in these cases:
 *
 * - the home directory of the user is unknown
 * - another user, except root, can change the state directory or put another directory in its place
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
import { requireTrustedStateDir } from "../runtime/file_errors.ts";
import type { Files } from "../runtime/files.ts";
import { requirePlaces } from "../runtime/permissions.ts";
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

/** The directories that a queue needs, if they exist. */
const QUEUE_FOLDERS = ["queue", "queue/spool"];

/**
 * Opens the queue in the state directory.
 *
 * @param stateDir the state directory that the caller chose
 * @throws {PermissionError} if Deno denies access to the environment
 */
export function openPlace(runtime: Runtime, stateDir: string | undefined, options: QueueOptions): Place {
  try {
    const path = stateDir ?? findStateDir(runtime);
    requireTrustedStateDir(path, QUEUE_FOLDERS);
    return { stateDir: path, queue: Queue.open(path, runtime, options) };
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
    requirePlaces("find the state directory");
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
    exists: () => false,
    size: () => 0,
    list: () => [],
    rename: refuse,
    remove: refuse,
    makeDirectory: refuse,
    syncDirectory: refuse,
  };
}
