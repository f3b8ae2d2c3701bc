/** The queue: what waits in it, and for what; and whether somebody sees to it. */

import { formatDuration } from "../base/duration.ts";
import { healthOf } from "../notifier/health.ts";
import type { Status } from "../notifier/status.ts";
import type { Check } from "./check.ts";
import { type DoctorContext, stateDirOf } from "./context.ts";
import { failure, ok, warning } from "./finding.ts";
import { readQueue } from "./queue_reading.ts";

/** As `status --check` has it. */
const MAX_AGE_MS = 15 * 60_000;

/** Judges as `status --check` does. */
export const queueHealth: Check<DoctorContext> = {
  name: "queue",
  needs: ["state directory"],
  *look(context) {
    const { status } = readQueue(context);
    const { state, problems } = healthOf(status, MAX_AGE_MS);
    const all = [...problems, ...asides(status)].join("; ");
    if (state === "critical") yield failure(all, hintFor(status));
    else if (state === "warning") yield warning(all, hintFor(status));
    else {yield ok(
        [
          waiting(status) === 0 ? "nothing waits" : `${waiting(status)} wait`,
          last(status, context.runtime.now()),
          ...asides(status),
        ].join("; "),
      );}
  },
};

/** What waits needs somebody: a process in the background, or the next `send` or `flush`. */
export const deliverer: Check<DoctorContext> = {
  name: "deliverer",
  needs: ["queue"],
  *look(context) {
    const { status } = readQueue(context);
    if (waiting(status) === 0) {
      yield ok("there is nothing to do");
      return;
    }
    const folder = `${stateDirOf(context)}/queue`;
    const isAtWork = ["background.lock", "deliver.lock"].some((name) => context.host.isLocked(`${folder}/${name}`));
    if (isAtWork) yield ok("a process is at work on what waits");
    else {
      yield warning(
        `nobody is at work on what waits (${waiting(status)}); the next send tries it`,
        "run: matrix-notify flush",
      );
    }
  },
};

function waiting({ queued, deferred, held }: Status): number {
  return queued + deferred + held;
}

function last({ lastDelivery }: Status, now: number): string {
  if (lastDelivery === undefined) return "nothing was delivered yet";
  return `the last delivery was ${formatDuration(now - lastDelivery)} ago`;
}

/** What is no alarm, and yet of interest. */
function asides({ torn, spooled, possibleDuplicates }: Status): string[] {
  return [
    ...(spooled > 0 ? [`${spooled} of them beside the journal, until somebody delivers`] : []),
    ...(torn > 0 ? [`${torn} torn ${torn === 1 ? "line" : "lines"}, which nobody was told are queued`] : []),
    ...(possibleDuplicates > 0 ? [`${possibleDuplicates} possible duplicates so far`] : []),
  ];
}

/** The first thing to do. */
function hintFor({ held, dead, quarantined, bytes, maxBytes, waitingFor }: Status): string {
  if (held > 0 || bytes > 0.8 * maxBytes || waitingFor !== undefined) {
    return "mend what it waits for, then run: matrix-notify flush";
  }
  if (dead > 0) return "decide about them: matrix-notify queue list --dead, queue retry --dead, queue drop --dead";
  if (quarantined > 0) {
    return "look at the disk; the damaged lines are, or will be, in queue/quarantine of the state directory";
  }
  return "run: matrix-notify flush";
}
