/**
 * Enqueues notifications and appends lines to a file, in turns in one process. Prints the wall
 * times of one notification and of one append, in milliseconds.
 *
 * Arguments: state directory, rounds, concurrent callers.
 *
 * @module
 */

import { Notifier } from "../../mod.ts";
import { ROOM } from "./journals.ts";

const [stateDir, rounds, callers] = Deno.args;
const line = new TextEncoder().encode(`${"x".repeat(400)}\n`);

await using notifier = await Notifier.open({
  stateDir,
  channels: { matrix: { kind: "matrix", homeserver: "http://127.0.0.1:9", accessToken: "token", room: ROOM } },
});
using file = Deno.openSync(`${stateDir}/floor`, { append: true, create: true });

function append(): void {
  file.writeSync(line);
  file.syncDataSync();
}

async function notify(): Promise<void> {
  await notifier.notify({
    subject: "Host 192.0.2.7 is down",
    message: "netwatch found no answer from 192.0.2.7 within 3 s – gateway ether3",
    severity: "warning",
    origin: "netwatch",
  }, { waitMs: 0 });
}

/** Returns the time of one call out of `calls`, in milliseconds. */
async function time(calls: number, work: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  if (calls === 1) await work();
  else await Promise.all(Array.from({ length: calls }, work));
  return (performance.now() - start) / calls;
}

const ours: number[] = [], floor: number[] = [];
for (let round = -Number(rounds) / 5; round < Number(rounds); round++) {
  const pair = [await time(1, append), await time(Number(callers), notify)];
  if (round < 0) continue;
  floor.push(pair[0]);
  ours.push(pair[1]);
}
console.log(JSON.stringify({ ours, floor }));
