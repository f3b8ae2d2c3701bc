/** Summaries of queues for the tests of the status page. */

import type { CourierEvent } from "../../../src/delivery/attempt_group.ts";
import { createNotification, type NotificationInput } from "../../../src/notification/notification.ts";
import type { DeadEntry, LiveEntry } from "../../../src/notifier/outcomes.ts";
import type { ChannelOverview, LaneOverview, LiveCounts, Overview } from "../../../src/notifier/overview.ts";
import { countAges, type Status } from "../../../src/notifier/status.ts";
import type { Entry } from "../../../src/queue/entry.ts";
import { DeliveryCounters } from "../../../src/server/delivery_counters.ts";

/** The time of all pages. */
export const NOW: number = Date.UTC(2026, 10, 22, 19, 15, 7);

const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS;

const NONE: LiveCounts = { queued: 0, deferred: 0, held: 0, fallbacks: 0 };

/** A status with these numbers. */
export function testStatus(given: Partial<Status> = {}): Status {
  return {
    ...{ queued: 0, deferred: 0, held: 0, dead: 0, fallbacks: 0, ages: countAges([], NOW), bytes: 4300 },
    ...{ maxBytes: 16 * 2 ** 20, fileBytes: 0, spooled: 0, quarantined: 0, torn: 0, possibleDuplicates: 0 },
    ...{ lastDelivery: NOW - 3 * MINUTE_MS, oldestSeconds: 0 },
    ...given,
  };
}

/** A queue in which nothing waits. */
export function quietOverview(given: Partial<Overview> = {}): Overview {
  return {
    ...{ now: NOW, identity: "jump", stateDir: "/var/lib/matrix-notify", status: testStatus() },
    channels: [idle("matrix", "matrix"), idle("phone", "ntfy")],
    dead: { items: [], total: 0 },
    incidents: { items: [], total: 0 },
    problems: { items: [], total: 0 },
    ...given,
  };
}

function idle(name: string, kind: string): ChannelOverview {
  return { name, kind, counts: NONE, lanes: { items: [], total: 0 } };
}

/** An entry that waits. */
export function live(input: NotificationInput, given: Partial<LiveEntry> = {}): LiveEntry {
  const time = given.time ?? NOW - 5 * MINUTE_MS;
  return {
    ...{ id: crypto.randomUUID(), channel: "matrix", destination: "!a", time, expires: time + 14 * 24 * HOUR_MS },
    ...{ attempts: 0, state: "queued", notification: createNotification(input, time) },
    ...given,
  };
}

/** A dead letter. */
export function dead(input: NotificationInput, given: Partial<DeadEntry> = {}): DeadEntry {
  const { id, channel, destination, time, expires, notification } = live(input);
  return {
    ...{ id, channel, destination, time, expires, attempts: 1, notification },
    ...{ state: "dead", reason: "", ...given },
  };
}

function lane(
  destination: string | undefined,
  counts: Partial<LiveCounts>,
  entries: readonly LiveEntry[],
): LaneOverview {
  const all = { ...NONE, ...counts };
  return {
    ...{ destination, counts: all, oldest: Math.min(...entries.map(({ time }) => time)) },
    entries: { items: entries, total: all.queued + all.deferred + all.held + all.fallbacks },
  };
}

/** A queue during an outage, with everything that the page can show. */
export function busyOverview(): Overview {
  const outage = {
    reason: "Cannot connect to matrix.example.org: Connection refused (os error 111)",
    next: NOW + 4 * MINUTE_MS,
  };
  const deferred = { ...outage, state: "deferred", attempts: 9 } as const;
  const busy = { reason: "The room has a server ACL that excludes this server", next: NOW + 25 * HOUR_MS };
  return quietOverview({
    status: testStatus({
      ...{ queued: 14, deferred: 2, held: 3, dead: 3, fallbacks: 1, oldestSeconds: 7500, bytes: 91_500 },
      ...{ lastDelivery: NOW - 126 * MINUTE_MS, fileBytes: 48_200, possibleDuplicates: 1 },
    }),
    channels: [
      {
        ...{ name: "matrix", kind: "matrix", counts: { ...NONE, queued: 13, deferred: 2 }, wait: outage },
        lanes: {
          items: [
            lane("Alerts (!NasbbLtvKkyEYAyzJi:example.org)", { queued: 12, deferred: 1 }, [
              live({ subject: "Backup of /srv failed", severity: "error" }, {
                ...deferred,
                time: NOW - 125 * MINUTE_MS,
              }),
              live({ subject: "UPS on battery", severity: "critical" }, { ...outage, time: NOW - 64 * MINUTE_MS }),
              live({ subject: "Link ether2 down", severity: "warning" }, { ...outage, time: NOW - 41 * MINUTE_MS }),
              live({ subject: "Link ether2 up" }, { ...outage, time: NOW - 40 * MINUTE_MS }),
              live({ subject: "Certificate of mail.example.org renewed" }, { ...outage, time: NOW - 12 * MINUTE_MS }),
            ]),
            lane("Family (!k:example.org)", { queued: 1, deferred: 1 }, [
              live({ subject: "Doorbell" }, { ...deferred, ...busy, time: NOW - 9 * MINUTE_MS }),
              live({ subject: "Washing machine is done" }, { ...busy, time: NOW - 8 * MINUTE_MS }),
            ]),
          ],
          total: 2,
        },
      },
      {
        ...{ name: "phone", kind: "ntfy", counts: { ...NONE, fallbacks: 1 } },
        lanes: {
          items: [lane("alerts", { fallbacks: 1 }, [
            live({ subject: "UPS on battery", severity: "critical" }, {
              reason: "Sent only if matrix is late",
              next: NOW + 6 * MINUTE_MS,
              time: NOW - 64 * MINUTE_MS,
            }),
          ])],
          total: 1,
        },
      },
      {
        ...{ name: "mail", kind: "email", counts: { ...NONE, held: 3 } },
        wait: { reason: "The server refused the login: 535 5.7.8 authentication failed" },
        lanes: {
          items: [lane("admin@example.org", { held: 3 }, [
            live({ subject: "SMART: sda has 2 pending sectors", severity: "warning" }, {
              ...{ state: "held", attempts: 1, time: NOW - 28 * HOUR_MS },
              reason: "The server refused the login: 535 5.7.8 authentication failed",
            }),
          ])],
          total: 1,
        },
      },
      { ...idle("hook", "webhook") },
    ],
    dead: {
      items: [
        {
          entry: dead({ subject: "Report of the nightly scan", severity: "info" }, {
            id: "4f1d9a3e-6f0b-4d0e-9d0e-0d4b5a0c2f11",
            reason: "The server rejected the message: 413 M_TOO_LARGE",
          }),
          diedAt: NOW - 50 * MINUTE_MS,
          destination: "Alerts (!NasbbLtvKkyEYAyzJi:example.org)",
        },
        {
          entry: dead({ subject: HOSTILE, severity: "warning" }, {
            ...{ channel: "phone", attempts: 311, time: NOW - 15 * 24 * HOUR_MS },
            reason: `It expired after 14 d; the last attempt failed: ${HOSTILE}`,
          }),
          diedAt: NOW - 26 * HOUR_MS,
          destination: "alerts",
        },
        {
          entry: dead({ subject: `${"very_long_word".repeat(30)} end` }, { channel: "hook", reason: "HTTP 400" }),
          diedAt: NOW - 49 * HOUR_MS,
          destination: "hook",
        },
      ],
      total: 3,
    },
    incidents: {
      items: [
        {
          ...{ key: "ups", title: "UPS on battery", since: NOW - 64 * MINUTE_MS, lastDelivery: NOW, count: 3 },
          destinations: ["phone alerts", "matrix Alerts (!NasbbLtvKkyEYAyzJi:example.org)"],
        },
        {
          ...{ key: "b7c1f0e2", sender: "http alertmanager", title: "High load on db1", since: NOW - 30 * HOUR_MS },
          ...{ lastDelivery: NOW, count: 1, destinations: ["matrix Alerts (!NasbbLtvKkyEYAyzJi:example.org)"] },
        },
      ],
      total: 2,
    },
  });
}

/** A text that would be markup, change the direction of the page, or hide something. */
export const HOSTILE =
  `</style><script>alert("1")</script><img src=x onerror=alert(1)> &amp; ' \u202etfel ot thgir\u202c \u0007\u200b\u2028 \ud800 ❌ שלום`;

/** Counters with a day of results. */
export function busyCounters(hours = 20): DeliveryCounters {
  let now = NOW - hours * HOUR_MS;
  const counters = new DeliveryCounters(() => now);
  const count = (result: CourierEvent["result"], channel: string, times: number) => {
    for (let at = 0; at < times; at++) counters.count({ entry: { channel, time: now } as Entry, result });
  };
  for (let hour = 0; hour <= hours; hour++, now += HOUR_MS) {
    const isDown = hour > hours - 2;
    count({ state: "delivered", receipt: "$1", via: "put" }, "matrix", isDown ? 0 : 2 + (hour * 7) % 11);
    count({ state: "delivered", receipt: "1", via: "put" }, "phone", (hour * 5) % 4);
    if (isDown || hour === 6) count({ state: "failed", class: "not-sent" } as CourierEvent["result"], "matrix", 6);
    if (hour === hours - 4) count({ state: "dead", reason: "" }, "matrix", 1);
  }
  now = NOW;
  return counters;
}

/** The summary of a queue with 10,000 entries: as much as a page can show. */
export function hugeOverview(): Overview {
  const long = "Ä".repeat(1000);
  const lanes = Array.from(
    { length: 20 },
    (_, at) =>
      lane(
        `!room${at}-${long}:example.org`,
        { queued: 495, deferred: 5 },
        [1, 2, 3, 4, 5].map((each) =>
          live({ subject: `${each} ${long}`, severity: "error" }, {
            ...{ state: "deferred", attempts: 12, reason: `${each} ${long}`, next: NOW + HOUR_MS },
          })
        ),
      ),
  );
  const letter = { diedAt: NOW - HOUR_MS, destination: long };
  return quietOverview({
    status: testStatus({ queued: 9900, deferred: 100, dead: 5000, oldestSeconds: 86_400 }),
    channels: [{
      ...{ name: "matrix", kind: "matrix", counts: { ...NONE, queued: 9900, deferred: 100 } },
      lanes: { items: lanes, total: 400 },
    }, {
      ...{ name: "gone", counts: { ...NONE, queued: 7 }, lanes: { items: [], total: 7 } },
    }],
    dead: {
      items: Array.from({ length: 20 }, () => ({ ...letter, entry: dead({ subject: long }, { reason: long }) })),
      total: 5000,
    },
    incidents: {
      items: Array.from({ length: 20 }, (_, at) => ({
        ...{ key: `${at}${long}`, title: long, since: NOW - HOUR_MS, lastDelivery: NOW, count: 3 },
        destinations: Array.from({ length: 100 }, () => long),
      })),
      total: 256,
    },
    problems: { items: Array.from({ length: 10 }, () => `Cannot use ${long}: it is too long`), total: 30 },
  });
}
