/** Rows 11, 19 and 20: no homeserver, one that is none, and one that fails every time. */

import type { CoreOptions } from "../../../src/notifier/wiring.ts";
import type { HomeserverFaultName } from "../../../src/testing/mod.ts";
import { NOTHING, ONE, placed, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { World } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";

const MINUTE_MS = 60_000;
const OUTAGES_MS = [MINUTE_MS, 60 * MINUTE_MS, 7 * 60 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS] as const;
const MESSAGES = [1, 3, 10] as const;

/** In how many steps time passes at most. */
const STEPS = 300;

/** Backoff of 5 minutes at most, half of it dice that show 0.5; 12 more until it is as long as that. */
const MAX_PROBES = (outageMs: number) => outageMs / (3.5 * MINUTE_MS) + 12;

const UNREACHABLE = {
  "refused": (port: number) => `http://127.0.0.1:${port}`,
  "no such name": () => "http://nowhere.invalid",
  "no TLS": (port: number) => `https://127.0.0.1:${port}`,
} as const;

/** Rows 11, 19 and 20. */
export const OUTAGE_ROWS: readonly Row[] = [
  {
    number: 11,
    fault: "homeserver down: refused, no such name, no TLS; for minutes to days",
    how: "on a virtual clock; also: one probe a backoff step, however many wait",
    run: async (effort) => {
      const ways = Object.keys(UNREACHABLE) as (keyof typeof UNREACHABLE)[];
      // A resolver answers in its own time, and there is one answer a probe.
      const bearable = pairs(ways, OUTAGES_MS).filter(([way, ms]) => way !== "no such name" || ms <= OUTAGES_MS[1]);
      return await tallyEach(
        sample(pairs(bearable, MESSAGES), effort),
        4,
        ([[way, outageMs], count]) => unreachable(way, outageMs, count),
      );
    },
  },
  {
    number: 19,
    fault: "HTML with 200, 302, 404, 502 in the place of the homeserver",
    how: "loopback homeserver, virtual clock: a captive portal, a proxy, a server that is none",
    run: async (effort) => {
      const faults: HomeserverFaultName[] = ["captive-portal", "redirect", "unrecognized", "502", "no-event-id"];
      const cases = pairs(pairs(faults, OUTAGES_MS), MESSAGES);
      return await tallyEach(sample(cases, effort), 4, ([[fault, ms], count]) => failing(fault, ms, count));
    },
  },
  {
    number: 20,
    fault: "500 and 503 for every PUT, for minutes to days",
    how: "loopback homeserver, virtual clock",
    run: async (effort) => {
      const faults: HomeserverFaultName[] = ["500", "503"];
      const cases = pairs(pairs(faults, OUTAGES_MS), MESSAGES);
      return await tallyEach(sample(cases, effort), 4, ([[fault, ms], count]) => failing(fault, ms, count));
    },
  },
];

async function unreachable(way: keyof typeof UNREACHABLE, outageMs: number, count: number): Promise<Tally> {
  await using world = await World.open();
  const { homeserver, accessToken, rooms: [room] } = world;
  const url = UNREACHABLE[way](homeserver.port);
  if (way === "refused") await homeserver.stop();
  let probes = 0;
  const options: Partial<CoreOptions> = {
    insecureHttp: true,
    channels: { matrix: { homeserver: url, accessToken, room } },
    onAttempt: () => probes++,
  };
  await using notifier = await world.notifier(options);
  for (let at = 0; at < count; at++) await world.say(`message ${at}`, { notifier });
  await deliverFor(outageMs, world, options);
  if (way === "refused") await homeserver.restart();
  const tooMany = probes > MAX_PROBES(outageMs) ? [`${probes} probes`] : [];
  const none = probes === 0 ? ["nobody tried"] : [];
  return placed(`${way}, ${outageMs} ms, ${count}`, sum([ONE, problem(...tooMany, ...none), await world.aftermath()]));
}

async function failing(fault: HomeserverFaultName, outageMs: number, count: number): Promise<Tally> {
  await using world = await World.open();
  await world.say("before");
  world.homeserver.fault(fault);
  await using notifier = await world.notifier();
  for (let at = 0; at < count; at++) await world.say(`message ${at}`, { notifier });
  await deliverFor(outageMs, world);
  const { dead } = notifier.status();
  await world.homeserver.clearFaults();
  const buried = dead > 0 ? [`${dead} were buried`] : [];
  return placed(
    `${fault}, ${outageMs} ms, ${count}`,
    sum([{ ...NOTHING, injections: count }, problem(...buried), await world.aftermath()]),
  );
}

/** Delivers, as somebody in the background would, until so much time has passed. */
async function deliverFor(ms: number, world: World, options: Partial<CoreOptions> = {}): Promise<void> {
  const { runtime } = world;
  const stop = new AbortController();
  const end = runtime.time + ms;
  const sleep = async (ms: number, signal?: AbortSignal) => {
    await world.sleep(ms, signal);
    if (runtime.time >= end) stop.abort(new Error("the outage is over"));
  };
  await using notifier = await world.notifier({ ...options, runtime: { sleep } });
  world.stepMs = ms / STEPS;
  await notifier.deliverUntilEmpty(stop.signal, () => {}).catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  world.stepMs = 0;
}
