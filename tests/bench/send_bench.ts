/**
 * Compares `send` with the smallest Deno program that PUTs the same event with a bare `fetch`. Both
 * run as processes, in turns, against one loopback homeserver. The ratio of each pair counts, so
 * that a machine that becomes slower does not matter.
 *
 * `deno task bench send [ROUNDS]`; 15 rounds by default.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type Figures, measure, median } from "./measure.ts";

const BARE = `const response = await fetch(Deno.args[0], {
  method: "PUT",
  headers: { Authorization: "Bearer " + Deno.args[1], "Content-Type": "application/json" },
  body: JSON.stringify({ msgtype: "m.text", body: "Body" }),
});
console.log((await response.json()).event_id);
`;

function row(name: string, values: readonly number[], unit: string): string {
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map((value) =>
    value.toFixed(1).padStart(7)
  );
  return `${name.padEnd(24)}${least}${middle}${most} ${unit}`;
}

/** Runs the benchmark of `send` and prints its results. */
export async function benchSend([rounds = 15]: readonly number[]): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await using homeserver = await LoopbackHomeserver.start();
    const { userId, accessToken } = homeserver.addUser("bot");
    const room = homeserver.createRoom({ members: [userId] });
    await Deno.writeTextFile(`${directory}/bare.ts`, BARE);
    const env = {
      MATRIX_HOMESERVER: homeserver.url,
      MATRIX_ACCESS_TOKEN: accessToken,
      MATRIX_ROOM: room,
      MATRIX_NOTIFY_STATE_DIR: `${directory}/state`,
    };
    const house = new URL("../../mod.ts", import.meta.url).pathname;
    const put = (id: string) =>
      `${homeserver.url}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${id}`;
    const bare = (id: string) =>
      measure(["run", "-A", "--no-config", `${directory}/bare.ts`, put(id), accessToken], env);
    const send = () => measure(["run", "-A", ...inheritedConfig(), house, "send", "Subject", "Body"], env);
    await bare("warm-up");
    await send();
    const pairs: { bare: Figures; send: Figures }[] = [];
    for (let round = 0; round < rounds; round++) pairs.push({ bare: await bare(`${round}`), send: await send() });

    console.log(`${rounds} rounds in turns          min median    max`);
    for (const [what, unit] of [["wallMs", "ms"], ["peakMib", "MiB"]] as const) {
      console.log(row(`bare fetch, ${what}`, pairs.map((pair) => pair.bare[what]), unit));
      console.log(row(`send, ${what}`, pairs.map((pair) => pair.send[what]), unit));
      console.log(row("send / bare fetch", pairs.map((pair) => pair.send[what] / pair.bare[what]), "x"));
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
