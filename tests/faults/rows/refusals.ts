/** Rows 15 to 18 and 22: rate limits and rejections of a homeserver, and a full queue. */

import { EXIT } from "../../../src/cli/exit_codes.ts";
import type { HomeserverFaultName } from "../../../src/testing/mod.ts";
import { formatEnding } from "../process.ts";
import { ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { World } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";
import { PERSISTED, type Server, SERVERS } from "./servers.ts";

const HOUR_MS = 3_600_000;
const LIMITS: readonly HomeserverFaultName[] = [
  "429-retry-after-seconds",
  "429-retry-after-date",
  "429-retry-after-ms",
  "429-bare",
];
const WAITS_MS = [0, 1, 2000, 90_000, HOUR_MS, 30 * HOUR_MS] as const;
const ACCOUNT_FAULTS: readonly HomeserverFaultName[] = [
  "unknown-token",
  "soft-logout",
  "missing-token",
  "user-locked",
  "user-suspended",
  "user-deactivated",
  "consent-not-given",
  "resource-limit-exceeded",
];
const ROOM_FAULTS: readonly HomeserverFaultName[] = ["forbidden", "not-found", "unsupported-room-version"];
const REJECTED_MESSAGE: readonly HomeserverFaultName[] = [
  "too-large",
  "too-large-bad-json",
  "too-large-page",
  "bad-json",
  "not-json",
  "invalid-param",
];

/** Rows 15 to 18, and 22. */
export const REFUSAL_ROWS: readonly Row[] = [
  {
    number: 15,
    fault: "429 in every form, also after an attempt in doubt, which stays in doubt",
    how:
      "seconds, date, milliseconds, no time; 0 s to 30 hours, of which a day counts, on a virtual clock; transaction ids lost in between",
    run: async (effort) => {
      const alone = await tallyEach(
        sample(pairs(pairs(SERVERS, LIMITS), WAITS_MS), effort, 7),
        4,
        ([[server, limit], waitMs]) => rateLimited(server, limit, waitMs),
      );
      const cases = pairs(pairs(SERVERS, LIMITS), pairs(PERSISTED.slice(0, 3), WAITS_MS));
      const inDoubt = await tallyEach(
        sample(cases, effort, 11),
        4,
        ([[server, limit], [lost, waitMs]]) => rateLimitedInDoubt(server, { limit, lost, waitMs }),
      );
      return sum([alone, inDoubt]);
    },
  },
  {
    number: 16,
    fault: "401 and 403 for the account: invalid token, logout, locked, suspended, no consent, over a limit",
    how: "loopback homeserver; all entries are held, none is dead; fixed after minutes to days",
    run: async (effort) =>
      await tallyEach(
        sample(pairs(ACCOUNT_FAULTS, [0, HOUR_MS, 48 * HOUR_MS]), effort),
        4,
        ([fault, ms]) => accountFails(fault, ms),
      ),
  },
  {
    number: 17,
    fault: "403 and 404 for one room of three",
    how: "loopback homeserver; the other rooms get their messages; fixed after minutes to days",
    run: async (effort) =>
      await tallyEach(
        sample(pairs(ROOM_FAULTS, [0, HOUR_MS, 48 * HOUR_MS]), effort),
        4,
        ([fault, ms]) => oneRoomFails(fault, ms),
      ),
  },
  {
    number: 18,
    fault: "413 and 400 for one message",
    how: "loopback homeserver; the first, second or third of four becomes a dead letter, the others arrive",
    run: async (effort) =>
      await tallyEach(
        sample(pairs(REJECTED_MESSAGE, [1, 2, 3]), effort),
        4,
        ([fault, nth]) => rejectedMessage(fault, nth),
      ),
  },
  {
    number: 22,
    fault: "the queue is full",
    how: "filled in an outage until it rejects entries; critical ones have more room; then all are delivered",
    run: full,
  },
];

async function rateLimited(server: Server, limit: HomeserverFaultName, waitMs: number): Promise<Tally> {
  await using world = await World.open(server);
  world.homeserver.fault(limit, { times: 1, retryAfterMs: waitMs });
  const began = world.runtime.time;
  for (let at = 0; at < 3; at++) await world.notify(`message ${at}`);
  world.stepMs = waitMs / 1000;
  const tally = await world.recover({ ...server, keepsClock: true });
  const passedMs = world.runtime.time - began;
  // A server's wait counts for at most a day.
  const least = limit === "429-bare" ? 0 : Math.min(waitMs, 24 * HOUR_MS);
  const isInTime = passedMs >= least && passedMs < Math.max(least, HOUR_MS) + HOUR_MS;
  const wrong = isInTime ? [] : [`the next request came after ${passedMs} ms`];
  return prefixProblems(`${server.name}, ${limit}, ${waitMs}`, sum([ONE, problem(...wrong), tally]));
}

async function rateLimitedInDoubt(
  server: Server,
  { limit, lost, waitMs }: {
    readonly limit: HomeserverFaultName;
    readonly lost: HomeserverFaultName;
    readonly waitMs: number;
  },
): Promise<Tally> {
  await using world = await World.open(server);
  const { homeserver } = world;
  homeserver.fault(lost, { times: 1 });
  await world.notify("in doubt");
  for (const on of ["messages", "send"] as const) homeserver.fault(limit, { times: 1, retryAfterMs: waitMs, on });
  await using notifier = await world.notifier();
  // Long enough to read the room back, too short for the rate limit.
  await notifier.flush({ waitMs: 60_000 });
  const wasRateLimited = homeserver.requests.some(({ status }) => status === 429);
  world.runtime.time += 25 * HOUR_MS;
  await homeserver.restart({ memory: "lost" });
  world.stepMs = 10 * 60_000;
  const tally = await world.recover(server);
  return prefixProblems(
    `${server.name}, ${lost}, then ${limit}, ${waitMs}`,
    sum([ONE, problem(...wasRateLimited ? [] : ["no request was rate-limited"]), tally]),
  );
}

async function accountFails(fault: HomeserverFaultName, ms: number): Promise<Tally> {
  await using world = await World.open();
  await world.notify("before");
  world.homeserver.fault(fault);
  await using notifier = await world.notifier();
  for (let at = 0; at < 3; at++) await world.notify(`message ${at}`, { notifier });
  world.runtime.time += ms;
  await notifier.flush({ waitMs: 1000 });
  const { held, dead } = notifier.status();
  const wrong = held === 3 && dead === 0 ? [] : [`${held} are held, ${dead} are dead`];
  await world.homeserver.clearFaults();
  return prefixProblems(`${fault}, ${ms}`, sum([ONE, problem(...wrong), await world.recover()]));
}

async function oneRoomFails(fault: HomeserverFaultName, ms: number): Promise<Tally> {
  await using world = await World.open({ rooms: 3 });
  const [, failingRoom] = world.rooms;
  world.homeserver.fault(fault, { where: ({ path }) => path.includes(encodeURIComponent(failingRoom)), on: "any" });
  await using notifier = await world.notifier();
  for (let at = 0; at < 3; at++) {
    for (const room of world.rooms) await world.notify(`message ${at}`, { room, notifier });
  }
  world.runtime.time += ms;
  await notifier.flush({ waitMs: 1000 });
  const count = world.received().length;
  const wrong = count === 6 ? [] : [`${count} of 6 messages for other rooms arrived meanwhile`];
  await world.homeserver.clearFaults();
  return prefixProblems(`${fault}, ${ms}`, sum([ONE, problem(...wrong), await world.recover()]));
}

async function rejectedMessage(fault: HomeserverFaultName, nth: number): Promise<Tally> {
  await using world = await World.open();
  for (let at = 1; at <= 4; at++) {
    if (at === nth) world.homeserver.fault(fault, { times: 1 });
    await world.notify(`message ${at}`);
  }
  await using notifier = await world.notifier();
  const { dead } = notifier.status();
  const reasons = notifier.entries().flatMap(({ state, reason }) => state === "dead" && reason ? [reason] : []);
  const wrong = dead === 1 && reasons.length === 1 ? [] : [`${dead} are dead, for the reasons ${reasons}`];
  return prefixProblems(`${fault}, ${nth}`, sum([ONE, problem(...wrong), await world.recover({ dead: 1 })]));
}

async function full(): Promise<Tally> {
  await using world = await World.open();
  await world.homeserver.stop();
  await using notifier = await world.notifier();
  const message = "x".repeat(48_000);
  const fill = async (severity: "critical" | "info") => {
    for (let at = 0; at < 500; at++) {
      const subject = `${severity} ${at}`;
      const isTaken = await world.notify(subject, { notifier, waitMs: 0, message, severity }).then(
        () => true,
        () => false,
      );
      if (!isTaken) return at;
    }
    return Infinity;
  };
  const taken = await fill("info"), urgent = await fill("critical");
  const refused = await world.send("one too many", { args: ["--no-background"], message });
  const wrong = [
    ...taken > 200 && taken < 500 ? [] : [`${taken} were accepted`],
    ...urgent > 10 && urgent < 100 ? [] : [`${urgent} critical ones were accepted`],
    ...refused.code === EXIT.tempFail ? [] : [formatEnding(refused)],
  ];
  await world.homeserver.restart();
  await notifier.flush({ waitMs: HOUR_MS });
  return sum([{ ...ONE, injections: 3 }, problem(...wrong), await world.recover()]);
}
