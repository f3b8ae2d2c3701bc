import { assertEquals } from "@std/assert";
import { setScene, withPhone } from "../fakes/scene.ts";
import { OVERVIEW_LIMITS } from "../../src/notifier/overview.ts";

const DOWN = "http://127.0.0.1:9";

Deno.test("overview() counts by channel and lane, and describes only the first entries of the oldest lanes", async () => {
  await using scene = await setScene();
  const rooms = Array.from({ length: OVERVIEW_LIMITS.lanes + 3 }, (_, at) => `!room${at}`);
  const { homeserver, accessToken } = scene;
  await using notifier = await scene.open({
    channels: {
      matrix: { homeserver: homeserver.url, accessToken, room: rooms },
      phone: { kind: "ntfy", server: DOWN, topic: "alerts" },
    },
  });
  for (let at = 0; at < 7; at++) {
    await notifier.notify({ subject: `Entry ${at}` }, { waitMs: 0 });
    scene.runtime.time += 1000;
  }
  const { channels, status, dead } = await notifier.overview();
  assertEquals([status.queued, dead.total], [7 * (rooms.length + 1), 0]);
  assertEquals(
    channels.map(({ name, kind, counts, lanes: { items, total } }) => [name, kind, counts.queued, items.length, total]),
    [
      ["matrix", "matrix", 7 * rooms.length, OVERVIEW_LIMITS.lanes, rooms.length],
      ["phone", "ntfy", 7, 0, 1],
    ],
  );
  const [lane] = channels[0].lanes.items;
  assertEquals([lane.destination, lane.counts.queued, lane.entries.total], ["!room0", 7, 7]);
  assertEquals(
    lane.entries.items.map(({ notification }) => notification.subject),
    [0, 1, 2, 3, 4].map((at) => `Entry ${at}`),
  );
});

Deno.test("overview() says why a channel and an entry wait, and lists a channel that is not configured", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("502");
  await using notifier = await scene.open();
  await notifier.notify({ subject: "One" });
  await using other = await scene.open({ channels: { phone: { kind: "ntfy", server: DOWN, topic: "alerts" } } });
  const { channels } = await other.overview();
  assertEquals(channels.map(({ name, kind, wait }) => [name, kind, wait?.reason?.includes("502")]), [
    ["phone", "ntfy", undefined],
    ["matrix", undefined, true],
  ]);
  assertEquals(channels[1].counts, { queued: 0, deferred: 1, held: 0, fallbacks: 0 });
});

Deno.test("overview() lists the newest dead letters first, with the times of their deaths", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("too-large");
  for (let at = 0; at <= OVERVIEW_LIMITS.dead; at++) {
    scene.runtime.time += 60_000;
    await notifier.notify({ subject: `Letter ${at}` });
  }
  const { dead } = await notifier.overview();
  assertEquals([dead.total, dead.items.length], [OVERVIEW_LIMITS.dead + 1, OVERVIEW_LIMITS.dead]);
  const [{ entry, diedAt, destination }] = dead.items;
  assertEquals([entry.notification.subject, diedAt >= entry.time, destination], [
    `Letter ${OVERVIEW_LIMITS.dead}`,
    true,
    scene.room,
  ]);
});

Deno.test("overview() lists an incident once, with all of its destinations", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withPhone(scene));
  const list = async () =>
    (await notifier.overview()).incidents.items.map(({ key, title, count, destinations }) => [
      ...[key, title, count],
      destinations.toSorted(),
    ]);
  await notifier.notify({ subject: "UPS on battery", key: "ups" });
  await notifier.notify({ subject: "UPS still on battery", key: "ups" });
  await notifier.notify({ subject: "Disk full", key: "disk" });
  const both = [`matrix ${scene.room}`, "phone alerts"];
  assertEquals(await list(), [["disk", "Disk full", 1, both], ["ups", "UPS on battery", 2, both]]);
  await notifier.notify({ subject: "UPS on mains", key: "ups", resolves: true });
  assertEquals(await list(), [["disk", "Disk full", 1, both]]);
});
