/** The queue as whoever must not write reads it. */

import { loadConfig } from "../config/load.ts";
import { delaysAt, type Policies } from "../delivery/delays.ts";
import { ConfigError } from "../base/errors.ts";
import { denoFiles, type Files } from "../runtime/files.ts";
import { TORN_SUFFIX } from "../queue/quarantine.ts";
import { Queue } from "../queue/queue.ts";
import { Reporter } from "../notifier/outcomes.ts";
import { type Status, statusOf } from "../notifier/status.ts";
import { type DoctorContext, stateDirOf } from "./context.ts";

/** The queue, read once. */
export interface QueueReading {
  readonly queue: Queue;
  readonly status: Status;
}

/**
 * Reads the queue. A reader usually sets a copy of each damaged line aside; this one only counts those that have none.
 *
 * @throws {StorageError} when it cannot be read
 */
export function readQueue(context: DoctorContext): QueueReading {
  const { runtime } = context;
  let unsaved = 0;
  const refuse = () => {
    throw new Deno.errors.PermissionDenied("Nothing is to be written");
  };
  const files: Files = {
    ...denoFiles,
    open(path, mode) {
      if (mode === "read") return denoFiles.open(path, mode);
      if (path.includes("/quarantine/") && !path.includes(`${TORN_SUFFIX}.`)) unsaved++;
      return refuse();
    },
    makeDirectory() {},
    rename: refuse,
    remove: refuse,
    syncDirectory: refuse,
  };
  const queue = Queue.open(stateDirOf(context), runtime, { files });
  const now = runtime.now();
  const courier = { readyTimes: () => new Map(), holds: () => delaysAt(now, queue.state, policiesOf(context)) };
  const status = statusOf(queue, new Reporter(queue, courier, () => true), now);
  return { queue, status: { ...status, quarantined: status.quarantined + unsaved } };
}

/** Who waits for the end of a quiet night is not stuck. A configuration that cannot be used is another check's business. */
function policiesOf({ runtime, options }: DoctorContext): Policies {
  try {
    return loadConfig(runtime, options).policies;
  } catch (error) {
    if (error instanceof ConfigError) return new Map();
    throw error;
  }
}
