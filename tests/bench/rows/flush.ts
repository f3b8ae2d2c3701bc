/** Rows for the delivery of a backlog, against a loop of bare `fetch` calls. */

import { waiting } from "../journals.ts";
import { inTurns, measure, type Measured, medians, pick, ratios, spread } from "../measure.ts";
import type { Line, Row } from "../row.ts";
import { actor, type BenchWorld, eventUrl, floor } from "../world.ts";

export const flushRows: Row = {
  name: "flush",
  async run(world, { isQuick }) {
    const [count, rounds] = isQuick ? [1000, 1] : [10_000, 3];
    const lines: Line[] = [];
    for (const batch of ["false", "default"]) {
      const pairs = await inTurns(
        rounds,
        () => flush(world, count, batch),
        () => measure(floor("put_loop.ts", eventUrl(world.plain), String(count))),
      );
      const each = pick(pairs, ({ wallMs }) => wallMs / count);
      const cpu = pick(pairs, ({ cpuMs }) => cpuMs / count);
      const peak = pick(pairs, ({ peakMib }) => peakMib);
      const isSingle = batch === "false";
      lines.push({
        what: `flush of ${count.toLocaleString("en")}${
          isSingle ? ', `"batch": false`' : ", in batches"
        } / a loop of bare \`fetch\``,
        goal: isSingle ? "≤ 1.25" : "report only",
        wall: `**${ratios(each)}** ${medians(each, "ms each", 2)}`,
        cpu: `**${ratios(cpu)}** ${medians(cpu, "ms each", 2)}`,
        memory: `**+${spread(peak.ours.map((value, at) => value - peak.floor[at]), 0)} MiB** ${medians(peak, "MiB")}`,
      });
    }
    return lines;
  },
};

/**
 * Delivers a backlog, and checks that every event arrived.
 *
 * @throws {Error} if one is missing
 */
async function flush(world: BenchWorld, count: number, batch: string): Promise<Measured> {
  const stateDir = world.newState(waiting(count));
  const before = (await world.plain.counts()).events;
  const measured = await measure(actor("flush_actor.ts", stateDir, world.plain.url, batch));
  const events = (await world.plain.counts()).events - before;
  if (batch === "false" ? events !== count : events === 0) throw new Error(`${events} of ${count} events arrived`);
  Deno.removeSync(stateDir, { recursive: true });
  return measured;
}
