/**
 * Flushes a queue in this process. Arguments: state directory, URL of the homeserver, `false` for
 * no batches.
 *
 * @module
 */

import { Notifier } from "../../mod.ts";
import { ROOM } from "./journals.ts";

const [stateDir, homeserver, batch] = Deno.args;

await using notifier = await Notifier.open({
  stateDir,
  ...(batch === "false" ? { batch: false } : {}),
  channels: { matrix: { kind: "matrix", homeserver, accessToken: "token", room: ROOM } },
});
const outcomes = await notifier.flush();
const left = outcomes.filter(({ state }) => state !== "delivered").length;
if (left > 0) throw new Error(`${left} notifications were not delivered`);
