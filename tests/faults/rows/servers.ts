/** Homeservers that differ in what they remember. */

import type { HomeserverFaultName, HomeserverOptions } from "../../../src/testing/mod.ts";
import type { World } from "../world.ts";

/** A homeserver, and what cannot be helped there. */
export interface Server extends Pick<HomeserverOptions, "software" | "transactions"> {
  readonly name: string;
  /** Whether it cannot tell what became of a lost try, so that a repeated one is counted as a possible duplicate. */
  readonly mayCount: boolean;
}

/** All of them; the last one remembers nothing at all. */
export const SERVERS: readonly Server[] = [
  { name: "Synapse", software: "Synapse", mayCount: false },
  { name: "Dendrite", software: "Dendrite", mayCount: true },
  { name: "Conduit", software: "Conduit", mayCount: true },
  { name: "no memory", software: "Dendrite", transactions: "none", mayCount: true },
];

/** Faults after which nobody knows whether the message arrived, though it did. */
export const PERSISTED: readonly HomeserverFaultName[] = [
  "drop-after-persisting",
  "502-after-persisting",
  "504-after-persisting",
  "hang-after-persisting",
  "slow-after-persisting",
];

/** Faults after which nobody knows either, and it did not. */
export const UNPERSISTED: readonly HomeserverFaultName[] = ["drop-before-persisting", "502", "503", "500", "hang"];

/** While something is done, whoever waits for a server that hangs loses patience as soon as the request has arrived. */
export async function impatiently<Result>({ homeserver, runtime }: World, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const done = work.finally(() => isOver = true);
  // Whoever waits for the work hears of its failure.
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
