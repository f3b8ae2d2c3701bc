/** What a homeserver remembers, and how much it takes: what decides whether a message comes once, and when. */

import { formatDuration } from "../../base/duration.ts";
import type { Check } from "../check.ts";
import { ok, warning } from "../finding.ts";
import { readQueue } from "../storage_checks.ts";
import type { MatrixPatient } from "./patient.ts";

/** Whether a repeated try can make a second message. */
export const memory: Check<MatrixPatient> = {
  name: "once",
  needs: ["account"],
  async *look(patient) {
    const software = await patient.software();
    if (software === "Synapse") {
      yield ok("Synapse remembers for a day what it took from a device: each message comes exactly once");
    } else if (patient.inDoubt === "wait") {
      yield ok(
        `${software ?? "the server"} forgets early: a doubtful try is waited for, and the room read back, for once`,
      );
    } else {
      yield warning(
        `${
          software ?? "the server, which does not tell what it is,"
        } forgets early what it took: each message comes once, or a possible second one is counted`,
        'where once matters more than soon, set "inDoubt": "wait"',
      );
    }
  },
};

/** Whether the server said that it is too much. It is not asked: only sending would tell. */
export const limit: Check<MatrixPatient> = {
  name: "rate limit",
  *look(patient) {
    const { runtime } = patient.context;
    const { wait } = readQueue(patient.context).queue.state.channelState(patient.source.name);
    if (wait?.class === "rate-limited" && wait.next > runtime.now()) {
      yield warning(
        `the server wants us to wait for another ${formatDuration(wait.next - runtime.now())}: ${wait.reason}`,
        "send less often, or have the homeserver's administrator lift the limit for the account (Synapse: override_ratelimit)",
      );
    } else {yield ok(
        "nothing is limited now; Synapse takes 10 messages at once and then one in 5 s, if nobody changed that",
      );}
  },
};
