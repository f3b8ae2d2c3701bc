import { assertEquals } from "@std/assert";
import { findTarget, joinedRooms, roomIdOf, RULES_ROOM } from "../../../../src/ingest/http/matrix/rooms.ts";
import type { KnownChannel } from "../../../../src/ingest/http/request.ts";

const ROOM_12 = `!${"a".repeat(43)}`;

const CHANNELS: readonly KnownChannel[] = [
  { name: "matrix", kind: "matrix", destinations: ["!old:example.org", "#alerts:example.org"] },
  { name: "team", kind: "matrix", destinations: [ROOM_12] },
  { name: "phone", kind: "ntfy", destinations: ["secret-topic"] },
];

/**
 * Returns the target of a room as a client names it: it joins the room, and sends to the room id.
 */
function target(room: string, { channels = CHANNELS, isLimited = false } = {}) {
  return findTarget(roomIdOf(room), channels, isLimited);
}

Deno.test("findTarget() finds the channel that has a room", () => {
  assertEquals(target("!old:example.org"), { channels: ["matrix"], room: "!old:example.org" });
  assertEquals(target("#alerts:example.org"), { channels: ["matrix"], room: "#alerts:example.org" });
  assertEquals(target(ROOM_12), { channels: ["team"], room: ROOM_12 });
});

Deno.test("findTarget() finds a channel by its name, with and without the name of this server", () => {
  for (const room of ["#phone", "!phone", "#phone:matrix-notify", "!phone:matrix-notify"]) {
    assertEquals(target(room), { channels: ["phone"] }, room);
  }
  assertEquals(target("secret-topic"), {});
});

Deno.test("findTarget() finds the alias of a Matrix channel by its name", () => {
  const alias = { channels: ["matrix"], room: "#alerts:example.org" };
  assertEquals([target("#alerts"), target("#alerts:matrix-notify")], [alias, alias]);
});

Deno.test("findTarget() lets an unlimited sender send to every room of a homeserver", () => {
  for (const room of ["!other:example.org", "#other:example.org", `!${"b".repeat(43)}`, "@alice:example.org"]) {
    assertEquals(target(room), { room }, room);
  }
  assertEquals(target("#phone:example.org"), { room: "#phone:example.org" });
});

Deno.test("findTarget() lets the rules choose for every other room, with the name of an alias as origin", () => {
  assertEquals(findTarget(RULES_ROOM, CHANNELS, false), {});
  assertEquals(target("#backup"), { origin: "backup" });
  assertEquals(target("#backup:matrix-notify"), { origin: "backup" });
  assertEquals(target("!backup"), {});
  assertEquals(target("@alice:matrix-notify"), {});
  assertEquals(target("#a b:example.org"), { origin: "a b" });
  const channels = CHANNELS.filter(({ kind }) => kind !== "matrix");
  assertEquals(target("#other:example.org", { channels }), { origin: "other" });
  assertEquals(target("!other:example.org", { channels }), {});
});

Deno.test("findTarget() keeps a limited sender in the rooms of its channels", () => {
  const limit = { channels: CHANNELS.slice(0, 1), isLimited: true };
  assertEquals(target("#alerts:example.org", limit), { channels: ["matrix"], room: "#alerts:example.org" });
  assertEquals(target("!other:example.org", limit), {});
  assertEquals(target("#phone", limit), { origin: "phone" });
  assertEquals(target("@alice:example.org", limit), {});
});

Deno.test("roomIdOf() returns ids that clients accept, and that contain the whole alias", () => {
  const aliases = ["#a:example.org", "#ä=!'()*~ /%:example.org", "@a/b+c:example.org:8448", "#\ud800"];
  for (const alias of aliases) assertEquals(/^![\w.=-]+:[\w.-]+$/.test(roomIdOf(alias)), true, alias);
  assertEquals(target(aliases[2]), { room: aliases[2] });
});

Deno.test("joinedRooms() names the channels and the Matrix rooms with a server name, and no other destinations", () => {
  const rooms = ["#matrix:matrix-notify", "#team:matrix-notify", "#phone:matrix-notify"].map(roomIdOf);
  assertEquals(joinedRooms(CHANNELS), [
    ...[RULES_ROOM, ...rooms, "!old:example.org", roomIdOf("#alerts:example.org")],
  ]);
});
