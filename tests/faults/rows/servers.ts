/** Homeservers with different scopes of transaction ids. */

import type { HomeserverFaultName, HomeserverOptions } from "../../../src/testing/mod.ts";
import type { World } from "../world.ts";

/** A homeserver and its allowed deviations. */
export interface Server extends Pick<HomeserverOptions, "software" | "transactions"> {
  readonly name: string;
  /**
   * Whether possible duplicates are counted after a lost answer: the server gives no way to find
   * out whether the message arrived.
   */
  readonly mayCount: boolean;
}

/** All homeservers. The last one ignores transaction ids. */
export const SERVERS: readonly Server[] = [
  { name: "Synapse", software: "Synapse", mayCount: false },
  { name: "Dendrite", software: "Dendrite", mayCount: true },
  { name: "Conduit", software: "Conduit", mayCount: true },
  { name: "no memory", software: "Dendrite", transactions: "none", mayCount: true },
];

/** Faults that lose the answer although the message is stored. */
export const PERSISTED: readonly HomeserverFaultName[] = [
  "drop-after-persisting",
  "502-after-persisting",
  "504-after-persisting",
  "hang-after-persisting",
  "slow-after-persisting",
];

/** Faults that lose the answer, and the message is not stored. */
export const UNPERSISTED: readonly HomeserverFaultName[] = ["drop-before-persisting", "502", "503", "500", "hang"];

/** Waits for a promise. Requests that hang reach their timeout as soon as they have arrived. */
export async function withTimeouts<Result>({ homeserver, runtime }: World, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const done = work.finally(() => isOver = true);
  // The caller handles a rejection.
  done.catch(() => {});
  while (!isOver) {
    const hangs = homeserver.requests.some(({ fault, status, handled }) =>
      status === "pending" && (fault === "hang" || (fault === "hang-after-persisting" && handled))
    );
    if (hangs) {
      runtime.time += 60_000;
      runtime.expireTimeouts();
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return await done;
}
