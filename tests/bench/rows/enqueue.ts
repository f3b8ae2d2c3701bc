/** Rows for enqueueing: `Notifier.notify` with `waitMs: 0`, while the homeserver is down. */

import { measure, medians, type Pairs, ratios } from "../measure.ts";
import { waiting } from "../journals.ts";
import type { Line, Row } from "../row.ts";
import { actor, type BenchWorld } from "../world.ts";

/** The wall times of each pair, in milliseconds, as `enqueue_actor.ts` prints them. */
async function run(world: BenchWorld, waitingCount: number, ...args: readonly number[]): Promise<Pairs<number>> {
  const stateDir = world.newState(waiting(waitingCount));
  const { text } = await measure(actor("enqueue_actor.ts", stateDir, ...args.map(String)));
  return JSON.parse(text);
}

export const enqueueRows: Row = {
  name: "enqueue",
  async run(world, { isQuick }) {
    const lines: Line[] = [];
    for (const count of isQuick ? [0, 1000] : [0, 1000, 10_000]) {
      const pairs = await run(world, count, isQuick ? 50 : 500, 1);
      lines.push({
        what: `enqueue with ${count.toLocaleString("en")} waiting / append + fdatasync`,
        goal: "≤ 1.5, flat",
        wall: `**${ratios(pairs)}** ${medians(pairs, "ms", 2)}`,
      });
    }
    const pairs = await run(world, 0, isQuick ? 5 : 50, 64);
    lines.push({
      what: "64 concurrent callers, each / append + fdatasync",
      goal: "≤ 0.5",
      wall: `**${ratios(pairs)}** ${medians(pairs, "ms", 2)}`,
      note: await countSyncs(world),
    });
    return lines;
  },
};

/** Counts the syncs of 64 concurrent callers. */
async function countSyncs(world: BenchWorld): Promise<string> {
  const counts: number[] = [];
  for (const rounds of [1, 11]) {
    const stateDir = world.newState(waiting(0));
    const output = `${world.directory}/strace`;
    const strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-y", "-o", output, "-e", "trace=fdatasync,fsync"];
    try {
      await measure([...strace, ...actor("enqueue_actor.ts", stateDir, String(rounds), "64")]);
    } catch {
      return "strace is not available";
    }
    counts.push(Deno.readTextFileSync(output).match(new RegExp(`sync\\(\\d+<${stateDir}/queue`, "g"))?.length ?? 0);
  }
  const each = (counts[1] - counts[0]) / 640;
  return `${each.toFixed(4)} syncs per notification (goal ≤ 0.125)`;
}
