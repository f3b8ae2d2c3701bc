/** Rows 12, 13, 14, 24 and 26: attempts in doubt, on servers that keep transaction ids or not. */

import type { HomeserverFaultName } from "../../../src/testing/mod.ts";
import { works } from "../process.ts";
import { notRun, ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { findFailure, World } from "../world.ts";
import { type Effort, pairs, type Row, sample } from "./row.ts";
import { PERSISTED, type Server, SERVERS, UNPERSISTED, withTimeouts } from "./servers.ts";

const HOUR_MS = 3_600_000;
const GAPS_MS = [0, 40_000, 2 * HOUR_MS / 3, 23.5 * HOUR_MS, 25 * HOUR_MS, 72 * HOUR_MS] as const;

/** Rows 12, 13, 14, 24 and 26. */
export const IN_DOUBT_ROWS: readonly Row[] = [
  {
    number: 12,
    fault: "a lost answer: connection cut, 502, 503, 504, 500, timeout; message stored or not",
    how:
      "loopback Synapse, Dendrite, Conduit and a server that ignores transaction ids; at the first, second or third message, once or twice",
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
    fault: "a lost answer, then a pause until the server has forgotten the transaction id",
    how:
      "pauses of 0 s to 3 days on a virtual clock, transaction ids kept or lost; 25 hours by faketime with real processes",
    run: async (effort) => {
      const cases = pairs(pairs(SERVERS, [...PERSISTED, ...UNPERSISTED]), pairs(GAPS_MS, [false, true]));
      const virtual = await tallyEach(
        sample(cases, effort, 11),
        4,
        ([[server, fault], [gapMs, loseIds]]) => forgotten(server, fault, { gapMs, loseIds }),
      );
      return sum([virtual, await forgottenWithProcesses(effort)]);
    },
  },
  {
    number: 14,
    fault: "a lost answer, then another access token of the same or of a new device",
    how: "loopback homeservers; old token revoked or not; at once or 25 hours later",
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
    fault: "every second or third connection breaks after the request",
    how: "real requests on the loopback interface; a silent retry by `fetch` would be a second message",
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
    fault: "transaction ids that are unique over all rooms, as in Conduit",
    how: "loopback Conduit, three rooms with the same subjects, with and without lost answers",
    run: async (effort) => {
      const faults: ("none" | HomeserverFaultName)[] = ["none", ...PERSISTED, ...UNPERSISTED];
      return await tallyEach(sample(pairs(faults, [1, 2, 3]), effort), 4, ([fault, every]) => threeRooms(fault, every));
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
    await withTimeouts(world, world.notify(`message ${at}`));
  }
  const tally = await withTimeouts(world, world.recover(server));
  return prefixProblems(`${server.name}, ${fault} ${nth} ${times}`, sum([ONE, tally]));
}

async function forgotten(
  server: Server,
  fault: HomeserverFaultName,
  { gapMs, loseIds }: { readonly gapMs: number; readonly loseIds: boolean },
): Promise<Tally> {
  await using world = await World.open(server);
  world.homeserver.fault(fault, { times: 1, delayMs: 5 });
  await withTimeouts(world, world.notify("in doubt"));
  await world.homeserver.clearFaults();
  world.runtime.time += gapMs;
  await world.homeserver.restart({ memory: loseIds ? "lost" : "kept" });
  const where = `${server.name}, ${fault}, ${gapMs} ms${loseIds ? ", memory lost" : ""}`;
  return prefixProblems(where, sum([ONE, await world.recover(server)]));
}

async function forgottenWithProcesses(effort: Effort): Promise<Tally> {
  if (!works("faketime", "+25 hours", "true")) return notRun("faketime is not installed");
  return await tallyEach(sample(SERVERS, effort), effort.jobs, async (server) => {
    await using world = await World.open({ ...server, now: Date.now() });
    world.homeserver.fault("drop-after-persisting", { times: 1 });
    const args = ["--no-background"];
    const send = await world.send("in doubt", { args });
    world.runtime.time += 25 * HOUR_MS;
    await world.homeserver.restart({ memory: "lost" });
    const flush = await world.start(["flush", ...args], { through: ["faketime", "+25 hours"] }).ending;
    const problems = [...findFailure("send", send), ...findFailure("flush", flush)];
    return prefixProblems(
      `${server.name}, by processes`,
      sum([ONE, problem(...problems), await world.recover(server)]),
    );
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
  await withTimeouts(world, world.notify("in doubt"));
  await homeserver.clearFaults();
  world.runtime.time += gapMs;
  const old = world.accessToken;
  world.accessToken = homeserver.addToken(userId, { deviceId: isSameDevice ? "LOOPBACK1" : "ANOTHER" });
  // Dendrite revokes the older token of a device itself.
  if (!(isSameDevice && server.software === "Dendrite")) homeserver.revoke(old, { softLogout: isSameDevice });
  const excuses = { mayCount: server.mayCount || !isSameDevice };
  const where = `${server.name}, ${fault}, ${isSameDevice ? "same" : "new"} device, ${gapMs} ms`;
  return prefixProblems(where, sum([ONE, await world.recover(excuses)]));
}

async function dyingConnections(server: Server, fault: HomeserverFaultName, every: number): Promise<Tally> {
  await using world = await World.open(server);
  for (let at = 0; at < 10; at++) await world.notify(`message ${at}`, { waitMs: 0 });
  const cut = world.homeserver.fault(fault, { every });
  world.stepMs = 2000;
  await using notifier = await world.notifier();
  await notifier.flush({ waitMs: 10 * HOUR_MS });
  await world.homeserver.clearFaults();
  return prefixProblems(
    `${server.name}, ${fault}, ${every}`,
    sum([{ ...ONE, injections: cut.applied }, await world.recover(server)]),
  );
}

async function threeRooms(fault: "none" | HomeserverFaultName, every: number): Promise<Tally> {
  const [, , conduit] = SERVERS;
  await using world = await World.open({ ...conduit, rooms: 3 });
  if (fault !== "none") world.homeserver.fault(fault, { every: every + 1, times: 3, delayMs: 5 });
  for (let at = 0; at < 3; at++) {
    for (const room of world.rooms) await withTimeouts(world, world.notify(`message ${at}`, { room }));
  }
  return prefixProblems(
    `${fault}, ${every}`,
    sum([{ ...ONE, injections: 9 }, await withTimeouts(world, world.recover(conduit))]),
  );
}
