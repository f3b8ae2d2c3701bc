/**
 * What a `send` costs beside the least that any Deno program could do: one bare `fetch` that PUTs the same event. Both run as whole processes, in
 * turns, against the same loopback homeserver; the ratio of each pair counts, so that a machine that grows slower does not matter.
 *
 * `deno task bench [ROUNDS]`; 15 rounds by default. Needs Python 3, which can tell the peak memory of a child.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";

const BARE = `const response = await fetch(Deno.args[0], {
  method: "PUT",
  headers: { Authorization: "Bearer " + Deno.args[1], "Content-Type": "application/json" },
  body: JSON.stringify({ msgtype: "m.text", body: "Body" }),
});
console.log((await response.json()).event_id);
`;

/** Runs a command and prints seconds, peak KiB and exit code: Deno itself does not tell what a child used. */
const MEASURE = `import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.perf_counter() - start, usage.ru_maxrss, os.waitstatus_to_exitcode(status))`;

interface Figures {
  readonly wallMs: number;
  readonly peakMib: number;
}

async function measure(args: readonly string[], env: Record<string, string>): Promise<Figures> {
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", MEASURE, Deno.execPath(), ...args],
    env: { ...env, NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  const [seconds, kib, code] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  if (code !== 0) throw new Error(`Cannot measure ${args.join(" ")}: it ended with ${code}`);
  return { wallMs: seconds * 1000, peakMib: kib / 1024 };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function row(name: string, values: readonly number[], unit: string): string {
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map((value) =>
    value.toFixed(1).padStart(7)
  );
  return `${name.padEnd(24)}${least}${middle}${most} ${unit}`;
}

const rounds = Number(Deno.args[0] ?? 15);
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
  const bare = (id: string) => measure(["run", "-A", "--no-config", `${directory}/bare.ts`, put(id), accessToken], env);
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
