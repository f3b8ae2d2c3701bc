/** Rows 11, 19 and 20: no homeserver, another service, and one that fails every time. */

import type { CoreOptions } from "../../../src/notifier/wiring.ts";
import type { HomeserverFaultName } from "../../../src/testing/mod.ts";
import { NOTHING, ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { World } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";

const MINUTE_MS = 60_000;
const OUTAGES_MS = [MINUTE_MS, 60 * MINUTE_MS, 7 * 60 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS] as const;
const MESSAGES = [1, 3, 10] as const;

/** The maximum number of steps of the clock. */
const STEPS = 300;

/**
 * The backoff is at most 5 minutes, of which half is random (0.5 here). 12 requests are needed to
 * reach it.
 */
const MAX_REQUESTS = (outageMs: number) => outageMs / (3.5 * MINUTE_MS) + 12;

const UNREACHABLE = {
  "refused": (port: number) => `http://127.0.0.1:${port}`,
  "no such name": () => "http://nowhere.invalid",
  "no TLS": (port: number) => `https://127.0.0.1:${port}`,
} as const;

/** Rows 11, 19 and 20. */
export const OUTAGE_ROWS: readonly Row[] = [
  {
    number: 11,
    fault: "no homeserver: connection refused, unknown name, no TLS; for minutes to days",
    how: "virtual clock; also checked: one request per backoff step for the whole queue",
    run: async (effort) => {
      const ways = Object.keys(UNREACHABLE) as (keyof typeof UNREACHABLE)[];
      // DNS lookups take real time, so long outages are left out.
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
    fault: "HTML with 200, 302, 404, 502 instead of the homeserver",
    how: "loopback homeserver, virtual clock: a captive portal, a proxy, another service",
    run: async (effort) => {
      const faults: HomeserverFaultName[] = ["captive-portal", "redirect", "unrecognized", "502", "no-event-id"];
      const cases = pairs(pairs(faults, OUTAGES_MS), MESSAGES);
      return await tallyEach(sample(cases, effort), 4, ([[fault, ms], count]) => failing(fault, ms, count));
    },
  },
  {
    number: 20,
    fault: "500 and 503 for every PUT; for minutes to days",
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
  let requests = 0;
  const options: Partial<CoreOptions> = {
    insecureHttp: true,
    channels: { matrix: { homeserver: url, accessToken, room } },
    onAttempt: () => requests++,
  };
  await using notifier = await world.notifier(options);
  for (let at = 0; at < count; at++) await world.notify(`message ${at}`, { notifier });
  await deliverFor(outageMs, world, options);
  if (way === "refused") await homeserver.restart();
  const tooMany = requests > MAX_REQUESTS(outageMs) ? [`${requests} requests`] : [];
  const none = requests === 0 ? ["there was no request"] : [];
  return prefixProblems(
    `${way}, ${outageMs} ms, ${count}`,
    sum([ONE, problem(...tooMany, ...none), await world.recover()]),
  );
}

async function failing(fault: HomeserverFaultName, outageMs: number, count: number): Promise<Tally> {
  await using world = await World.open();
  await world.notify("before");
  world.homeserver.fault(fault);
  await using notifier = await world.notifier();
  for (let at = 0; at < count; at++) await world.notify(`message ${at}`, { notifier });
  await deliverFor(outageMs, world);
  const { dead } = notifier.status();
  await world.homeserver.clearFaults();
  const deadLetters = dead > 0 ? [`${dead} are dead`] : [];
  return prefixProblems(
    `${fault}, ${outageMs} ms, ${count}`,
    sum([{ ...NOTHING, injections: count }, problem(...deadLetters), await world.recover()]),
  );
}

/** Runs a background deliverer until so much time has passed. */
async function deliverFor(ms: number, world: World, options: Partial<CoreOptions> = {}): Promise<void> {
  const { runtime } = world;
  const stop = new AbortController();
  const end = runtime.time + ms;
  const sleep = async (ms: number, signal?: AbortSignal) => {
    await world.sleep(ms, signal);
    if (runtime.time >= end) stop.abort(new Error("the outage is over"));
  };
  await using notifier = await world.notifier({ ...options, runtime: { ...runtime, sleep } });
  world.stepMs = ms / STEPS;
  await notifier.deliverUntilEmpty(stop.signal).catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  world.stepMs = 0;
}
