/** Rows 12, 13, 14, 24 and 26: tries of which nobody knows what became, and servers that remember them or not. */

import type { HomeserverFaultName } from "../../../src/testing/mod.ts";
import { works } from "../process.ts";
import { notRun, ONE, placed, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { complaint, World } from "../world.ts";
import { type Effort, pairs, type Row, sample } from "./row.ts";
import { impatiently, PERSISTED, type Server, SERVERS, UNPERSISTED } from "./servers.ts";

const HOUR_MS = 3_600_000;
const GAPS_MS = [0, 40_000, 2 * HOUR_MS / 3, 23.5 * HOUR_MS, 25 * HOUR_MS, 72 * HOUR_MS] as const;

/** Rows 12, 13, 14, 24 and 26. */
export const DOUBT_ROWS: readonly Row[] = [
  {
    number: 12,
    fault: "the answer is lost: cut, 502, 503, 504, 500, no answer in time; persisted and not",
    how:
      "loopback Synapse, Dendrite, Conduit and one without memory; at the first, second and third of three, once and twice",
    run: async (effort) => {
      const cases = pairs(pairs(SERVERS, [...PERSISTED, ...UNPERSISTED]), pairs([1, 2, 3], [1, 2]));
      return await tallyEach(
        sample(cases, effort, 7),
        4,
        ([[server, fault], [nth, times]]) => lostAnswers(server, fault, { nth, times }),
      );
    },
  },
  {
    number: 13,
    fault: "a lost answer, then a gap longer than the server's memory",
    how: "gaps of 0 s to 3 days on a virtual clock, the memory kept and lost; 25 hours by faketime with real processes",
    run: async (effort) => {
      const cases = pairs(pairs(SERVERS, [...PERSISTED, ...UNPERSISTED]), pairs(GAPS_MS, [false, true]));
      const virtual = await tallyEach(
        sample(cases, effort, 11),
        4,
        ([[server, fault], [gapMs, isForgetful]]) => forgotten(server, fault, { gapMs, isForgetful }),
      );
      return sum([virtual, await forgottenByProcesses(effort)]);
    },
  },
  {
    number: 14,
    fault: "a lost answer, then another token: of the same device, or of a new one",
    how: "loopback homeservers, the old token revoked or not, at once and 25 hours later",
    run: async (effort) => {
      const cases = pairs(pairs(SERVERS, [...PERSISTED, ...UNPERSISTED]), pairs([true, false], [0, 25 * HOUR_MS]));
      return await tallyEach(
        sample(cases, effort, 7),
        4,
        ([[server, fault], [isSameDevice, gapMs]]) => newToken(server, fault, { isSameDevice, gapMs }),
      );
    },
  },
  {
    number: 24,
    fault: "connections that die behind every second and every third request",
    how: "real requests over loopback to servers without memory, where a silent repetition would be a second message",
    run: async (effort) => {
      const faults: HomeserverFaultName[] = ["drop-after-persisting", "drop-before-persisting"];
      return await tallyEach(
        sample(pairs(pairs(SERVERS, faults), [2, 3]), effort),
        4,
        ([[server, fault], every]) => dyingConnections(server, fault, every),
      );
    },
  },
  {
    number: 26,
    fault: "transaction ids that count for all rooms together, as Conduit has it",
    how: "loopback Conduit, three rooms, the same subjects in each, with and without lost answers",
    run: async (effort) => {
      const moods: ("calm" | HomeserverFaultName)[] = ["calm", ...PERSISTED, ...UNPERSISTED];
      return await tallyEach(sample(pairs(moods, [1, 2, 3]), effort), 4, ([mood, every]) => threeRooms(mood, every));
    },
  },
];

async function lostAnswers(
  server: Server,
  fault: HomeserverFaultName,
  { nth, times }: { readonly nth: number; readonly times: number },
): Promise<Tally> {
  await using world = await World.open(server);
  for (let at = 1; at <= 3; at++) {
    if (at === nth) world.homeserver.fault(fault, { times, delayMs: 5 });
    await impatiently(world, world.say(`message ${at}`));
  }
  const tally = await impatiently(world, world.aftermath(server));
  return placed(`${server.name}, ${fault} ${nth} ${times}`, sum([ONE, tally]));
}

async function forgotten(
  server: Server,
  fault: HomeserverFaultName,
  { gapMs, isForgetful }: { readonly gapMs: number; readonly isForgetful: boolean },
): Promise<Tally> {
  await using world = await World.open(server);
  world.homeserver.fault(fault, { times: 1, delayMs: 5 });
  await impatiently(world, world.say("doubtful"));
  await world.homeserver.clearFaults();
  world.runtime.time += gapMs;
  await world.homeserver.restart({ memory: isForgetful ? "lost" : "kept" });
  const where = `${server.name}, ${fault}, ${gapMs} ms${isForgetful ? ", memory lost" : ""}`;
  return placed(where, sum([ONE, await world.aftermath(server)]));
}

async function forgottenByProcesses(effort: Effort): Promise<Tally> {
  if (!works("faketime", "+25 hours", "true")) return notRun("faketime is not installed");
  return await tallyEach(sample(SERVERS, effort), effort.jobs, async (server) => {
    await using world = await World.open({ ...server, now: Date.now() });
    world.homeserver.fault("drop-after-persisting", { times: 1 });
    const args = ["--no-background"];
    const send = await world.send("doubtful", { args });
    world.runtime.time += 25 * HOUR_MS;
    await world.homeserver.restart({ memory: "lost" });
    const flush = await world.start(["flush", ...args], { through: ["faketime", "+25 hours"] }).ending;
    const problems = [...complaint("send", send), ...complaint("flush", flush)];
    return placed(`${server.name}, by processes`, sum([ONE, problem(...problems), await world.aftermath(server)]));
  });
}

async function newToken(
  server: Server,
  fault: HomeserverFaultName,
  { isSameDevice, gapMs }: { readonly isSameDevice: boolean; readonly gapMs: number },
): Promise<Tally> {
  await using world = await World.open(server);
  const { homeserver, userId } = world;
  homeserver.fault(fault, { times: 1, delayMs: 5 });
  await impatiently(world, world.say("doubtful"));
  await homeserver.clearFaults();
  world.runtime.time += gapMs;
  const old = world.accessToken;
  world.accessToken = homeserver.addToken(userId, { deviceId: isSameDevice ? "LOOPBACK1" : "ANOTHER" });
  // Dendrite ends the older token of a device by itself.
  if (!(isSameDevice && server.software === "Dendrite")) homeserver.revoke(old, { softLogout: isSameDevice });
  const excuses = { mayCount: server.mayCount || !isSameDevice };
  const where = `${server.name}, ${fault}, ${isSameDevice ? "same" : "new"} device, ${gapMs} ms`;
  return placed(where, sum([ONE, await world.aftermath(excuses)]));
}

async function dyingConnections(server: Server, fault: HomeserverFaultName, every: number): Promise<Tally> {
  await using world = await World.open(server);
  for (let at = 0; at < 10; at++) await world.say(`message ${at}`, { waitMs: 0 });
  const cut = world.homeserver.fault(fault, { every });
  world.stepMs = 2000;
  await using notifier = await world.notifier();
  await notifier.flush({ waitMs: 10 * HOUR_MS });
  await world.homeserver.clearFaults();
  return placed(
    `${server.name}, ${fault}, ${every}`,
    sum([{ ...ONE, injections: cut.applied }, await world.aftermath(server)]),
  );
}

async function threeRooms(mood: "calm" | HomeserverFaultName, every: number): Promise<Tally> {
  const [, , conduit] = SERVERS;
  await using world = await World.open({ ...conduit, rooms: 3 });
  if (mood !== "calm") world.homeserver.fault(mood, { every: every + 1, times: 3, delayMs: 5 });
  for (let at = 0; at < 3; at++) {
    for (const room of world.rooms) await impatiently(world, world.say(`message ${at}`, { room }));
  }
  return placed(
    `${mood}, ${every}`,
    sum([{ ...ONE, injections: 9 }, await impatiently(world, world.aftermath(conduit))]),
  );
}
