/** Rows for commands beside a long queue. */

import { full, waiting } from "../journals.ts";
import { inTurns, measure, median, medians, type Pairs, pick, spread } from "../measure.ts";
import type { Line, Row } from "../row.ts";
import { ACCESS_TOKEN, type BenchWorld, eventUrl, floor, program, SHIPPED } from "../world.ts";

export const backlogRows: Row = {
  name: "backlog",
  async run(world, { isQuick }) {
    const count = isQuick ? 1000 : 10_000;
    const send = program("send", "Subject", "Body", "--wait", "0s", "--no-background");
    const [few, many] = [world.newState(waiting(1)), world.newState(waiting(count))].map((stateDir) =>
      world.env(world.plain, stateDir)
    );
    const bare: number[] = [];
    const pairs = await inTurns(isQuick ? 3 : 21, () => measure(send, many), async () => {
      const put = floor("put.ts", eventUrl(world.plain, crypto.randomUUID()), ACCESS_TOKEN);
      bare.push((await measure(put)).wallMs);
      return await measure(send, few);
    });
    const [wall, cpu, peak] = [
      pick(pairs, ({ wallMs }) => wallMs),
      pick(pairs, ({ cpuMs }) => cpuMs),
      pick(pairs, ({ peakMib }) => peakMib),
    ];
    const more = ({ ours, floor }: Pairs<number>) => ours.map((value, at) => value - floor[at]);
    return [{
      what: `\`send --wait 0s\`, ${SHIPPED}: extra beside ${count.toLocaleString("en")} waiting / bare \`fetch\` PUT`,
      goal: "≤ 1.5, ≤ 12 MiB",
      wall: `**${spread(more(wall).map((value, at) => value / bare[at + 1]))}** +${spread(more(wall), 0)} / ${
        median(bare).toFixed(0)
      } ms`,
      cpu: `+${spread(more(cpu), 0)} ms`,
      memory: `**+${spread(more(peak), 1)} MiB** ${medians(peak, "MiB")}`,
    }];
  },
};

export const statusRows: Row = {
  name: "status",
  async run(world, { isQuick }) {
    const lines: Line[] = [];
    for (const [stride, name] of [[40, "1 of 40 entries waits"], [1, "all entries wait"]] as const) {
      lines.push(await status(world, stride, name, isQuick ? 1 : 5));
    }
    return lines;
  },
};

async function status(world: BenchWorld, stride: number, name: string, rounds: number): Promise<Line> {
  const records = [...full(stride)];
  const [whole, half] = [records, records.slice(0, records.length / 2)].map((part) => world.newState(part));
  const run = (stateDir: string) => measure(program("status", "--state-dir", stateDir));
  const pairs = await inTurns(rounds, () => run(whole), () => run(half));
  const empty = await measure(program("status", "--state-dir", world.newDirectory("state")));
  const cpu = pick(pairs, ({ cpuMs }) => cpuMs - empty.cpuMs);
  return {
    what: `\`status\`, ${SHIPPED}, journal of 16 MiB (${name}) / of 8 MiB`,
    goal: "2 (linear), ≤ 60 MiB",
    wall: medians(pick(pairs, ({ wallMs }) => wallMs), "ms"),
    cpu: `**${spread(cpu.ours.map((value, at) => value / cpu.floor[at]))}** without the start, ${medians(cpu, "ms")}`,
    memory: `**${spread(pairs.ours.map(({ peakMib }) => peakMib), 0)} MiB** (empty queue: ${empty.peakMib.toFixed(0)})`,
  };
}
