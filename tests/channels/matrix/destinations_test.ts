/**
 * Aliases, several rooms, and rooms that were replaced: each message arrives in the right room, and
 * only once.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LOOK_EVERY_MS, MAX_RECALLED, roomKey, RoomResolver } from "../../../src/channels/matrix/room_resolver.ts";
import { inMemoryRoomCache } from "../../../src/channels/room_cache.ts";
import { type FakeRuntime, fakeRuntime } from "../../fakes/runtime.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";

const ALIAS = "#alerts:loopback.test";
const BOT = "@bot:loopback.test";

/** Creates a room with an alias, which another user owns. The bot is a member. */
function otherRoom({ homeserver }: Scene, options: { readonly powerLevels?: Record<string, unknown> } = {}) {
  const alice = homeserver.addUser("alice");
  const room = homeserver.createRoom({ members: [alice.userId, BOT], alias: ALIAS, name: "Alerts", ...options });
  return { alice: alice.userId, room };
}

function openFor({ homeserver, accessToken, open }: Scene, room: string) {
  return open({ channels: { matrix: { homeserver: homeserver.url, accessToken, room } } });
}

Deno.test("MatrixChannel.send() sends to each of several rooms; a room that refuses does not delay the other rooms", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const closed = scene.homeserver.createRoom({ members: ["@alice:loopback.test"] });
  await using notifier = await scene.open({
    channels: {
      matrix: { homeserver: scene.homeserver.url, accessToken: scene.accessToken, room: [closed, ALIAS, scene.room] },
    },
  });
  for (const subject of ["One", "Two"]) {
    // The clock of the test jumps to the next attempt in the room that refuses.
    const outcomes = await notifier.notify({ subject }, { waitMs: 3_600_000 });
    assertEquals(outcomes.map(({ destination, state }) => [destination, state]), [
      [closed, "queued"],
      [ALIAS, "delivered"],
      [scene.room, "delivered"],
    ]);
  }
  assertEquals([closed, room, scene.room].map((each) => subjects(scene, each)), [[], ["One", "Two"], ["One", "Two"]]);
  assertEquals(notifier.entries().map(({ destination }) => destination), [closed, closed]);
});

function subjects({ homeserver }: Scene, room: string): string[] {
  return homeserver.events(room).map(({ content }) => String(content.body).split("\n")[0].replace("[jump] ", ""));
}

function count({ homeserver }: Scene, route: string): number {
  return homeserver.requests.filter((request) => request.route === route).length;
}

for (const destination of ["id", "alias"] as const) {
  Deno.test(`RoomResolver uses the new room of a replaced room, by its ${destination}, now and in the next process`, async () => {
    await using scene = await setScene();
    const { room } = otherRoom(scene);
    const to = destination === "id" ? room : ALIAS;
    {
      await using notifier = await openFor(scene, to);
      await notifier.notify({ subject: "One" });
    }
    const next = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
    {
      await using notifier = await openFor(scene, to);
      const [outcome] = await notifier.notify({ subject: "Two" });
      assertEquals([outcome.state, outcome.destination], ["delivered", to]);
    }
    const puts = scene.puts();
    await using notifier = await openFor(scene, to);
    await notifier.notify({ subject: "Three" });
    assertEquals([subjects(scene, room), subjects(scene, next)], [["One"], ["Two", "Three"]]);
    assertEquals(scene.puts() - puts, 1);
    assertEquals(count(scene, "directory"), destination === "id" ? 0 : 1);
  });
}

/** Creates a resolver. The function `looks` returns how often it looked into its cache. */
function countLooks(runtime: FakeRuntime) {
  const cache = inMemoryRoomCache();
  let count = 0;
  const counting = { ...cache, get: (key: string) => (count++, cache.get(key)) };
  const resolver = new RoomResolver({ runtime, baseUrl: "http://127.0.0.1:1", userAgent: "" }, "matrix", counting);
  return { cache, resolver, looks: () => count };
}

Deno.test("RoomResolver.find() looks into the cache once a second, and after lookAgain() at once", async () => {
  using runtime = fakeRuntime();
  const { cache, resolver, looks } = countLooks(runtime);
  const rooms: string[] = [];
  const find = async () => rooms.push((await resolver.find(ALIAS, { timeoutMs: 1 })).roomId);
  const remember = (roomId: string, seen = runtime.time) =>
    cache.remember(roomKey("matrix", ALIAS), { roomId, seen, former: [] });
  await remember("!a");
  for (let message = 0; message < 3; message++) await find();
  assertEquals(looks(), 1);
  await remember("!b");
  runtime.time += 999;
  await find();
  runtime.time += 1;
  await find();
  assertEquals([looks(), rooms], [2, ["!a", "!a", "!a", "!a", "!b"]]);
  await resolver.lookAgain(ALIAS);
  await remember("!c");
  await find();
  assertEquals(rooms.at(-1), "!c");
});

Deno.test("RoomResolver.find() keeps a limited number of rooms in memory, because a sender can name any room", async () => {
  using runtime = fakeRuntime();
  const { cache, resolver, looks } = countLooks(runtime);
  const find = async (room: string) => {
    await cache.remember(roomKey("matrix", room), { roomId: room, seen: runtime.time, former: [] });
    await resolver.find(room, { timeoutMs: 1 });
  };
  await find("!a");
  for (let count = 0; count < MAX_RECALLED; count++) await find(`!${count}`);
  const before = looks();
  for (let message = 0; message < 3; message++) await find("!a");
  assertEquals(looks() - before, 1);
});

Deno.test("RoomResolver follows a room that was replaced twice", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const second = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
  const third = scene.homeserver.upgradeRoom(second, { invited: [BOT] });
  await using notifier = await openFor(scene, room);
  await notifier.notify({ subject: "One" });
  assertEquals([room, second, third].map((each) => subjects(scene, each)), [[], [], ["One"]]);
});

Deno.test("RoomResolver ends a loop of replaced rooms", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const next = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
  scene.homeserver.setState(next, "m.room.tombstone", { replacement_room: room });
  await using notifier = await openFor(scene, room);
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals(outcome.state, "queued");
});

Deno.test("RoomResolver waits if the new room refuses the account: the lane shows the reason, and keeps its order", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const next = scene.homeserver.upgradeRoom(room);
  await using notifier = await openFor(scene, room);
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals(outcome.state, "queued");
  assertStringIncludes(fieldsOf(outcome).reason ?? "", `the next room is ${next}, which the account cannot join`);
  await notifier.notify({ subject: "Two" });
  scene.homeserver.invite(next, BOT);
  await notifier.flush();
  assertEquals([subjects(scene, room), subjects(scene, next)], [[], ["One", "Two"]]);
});

Deno.test("RoomResolver follows a replaced room within hours even if the old room still accepts messages", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene, { powerLevels: { users: { [BOT]: 50 }, events_default: 50 } });
  await using notifier = await openFor(scene, room);
  await notifier.notify({ subject: "One" });
  const next = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
  await notifier.notify({ subject: "Two" });
  scene.runtime.time += LOOK_EVERY_MS;
  await notifier.notify({ subject: "Three" });
  assertEquals([subjects(scene, room), subjects(scene, next)], [["One", "Two"], ["Three"]]);
});

Deno.test("RoomResolver resolves an alias for the first message, and again after hours", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  for (const subject of ["One", "Two"]) {
    await using notifier = await openFor(scene, ALIAS);
    await notifier.notify({ subject });
  }
  assertEquals([count(scene, "directory"), subjects(scene, room)], [1, ["One", "Two"]]);
  scene.homeserver.fault("not-found", { on: "directory" });
  scene.runtime.time += LOOK_EVERY_MS;
  await using notifier = await openFor(scene, ALIAS);
  await notifier.notify({ subject: "Three" });
  assertEquals(subjects(scene, room), ["One", "Two", "Three"]);
});

Deno.test("RoomResolver resolves an alias again if its room removed the account", async () => {
  await using scene = await setScene();
  const { alice, room } = otherRoom(scene);
  await using notifier = await openFor(scene, ALIAS);
  await notifier.notify({ subject: "One" });
  scene.homeserver.removeMember(room, BOT);
  const other = scene.homeserver.createRoom({ members: [alice], invited: [BOT] });
  scene.homeserver.moveAlias(ALIAS, other);
  await notifier.notify({ subject: "Two" });
  assertEquals([subjects(scene, room), subjects(scene, other)], [["One"], ["Two"]]);
});

Deno.test("RoomResolver delays only the lane of an unknown alias", async () => {
  await using scene = await setScene();
  await using notifier = await openFor(scene, ALIAS);
  const [lost] = await notifier.notify({ subject: "One" });
  const [found] = await notifier.notify({ subject: "Two" }, { room: scene.room });
  assertEquals([lost.state, found.state], ["queued", "delivered"]);
  assertStringIncludes(fieldsOf(lost).reason ?? "", "404 M_NOT_FOUND");
});

for (const software of ["Synapse", "Dendrite", "Conduit"] as const) {
  Deno.test(`MatrixChannel.send() looks for an attempt in doubt in the old room before it sends to the new room, on ${software}`, async () => {
    await using scene = await setScene({ software });
    const { room } = otherRoom(scene);
    await using notifier = await openFor(scene, room);
    scene.homeserver.fault("drop-after-persisting", { times: 1 });
    await notifier.notify({ subject: "One" });
    const next = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
    await notifier.notify({ subject: "Two" });
    await notifier.flush({ waitMs: 400_000 });
    assertEquals([subjects(scene, room), subjects(scene, next)], [["One"], ["Two"]]);
    assertEquals(notifier.status().possibleDuplicates, 0);
  });

  Deno.test(`MatrixChannel.send() sends a message that never arrived in the old room to the new room, only one time, on ${software}`, async () => {
    await using scene = await setScene({ software });
    const { room } = otherRoom(scene);
    await using notifier = await openFor(scene, room);
    scene.homeserver.fault("drop-before-persisting", { times: 1 });
    await notifier.notify({ subject: "One" });
    const next = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
    scene.homeserver.fault("drop-after-persisting", {
      times: 1,
      where: ({ path }) => path.includes(encodeURIComponent(next)),
    });
    await notifier.flush({ waitMs: 400_000 });
    assertEquals([subjects(scene, room), subjects(scene, next)], [[], ["One"]]);
  });
}

Deno.test("MatrixChannel.send() looks for an attempt in doubt in the former room of an alias", async () => {
  await using scene = await setScene({ software: "Dendrite" });
  const { alice, room } = otherRoom(scene);
  await using notifier = await openFor(scene, ALIAS);
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.notify({ subject: "One" });
  const other = scene.homeserver.createRoom({ members: [alice, BOT] });
  scene.homeserver.moveAlias(ALIAS, other);
  scene.runtime.time += LOOK_EVERY_MS;
  await notifier.flush({ waitMs: 400_000 });
  assertEquals([subjects(scene, room), subjects(scene, other)], [["One"], []]);
});

Deno.test("RoomResolver works with a cache that is damaged or cannot be written", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  Deno.writeTextFileSync(`${scene.stateDir}/rooms.json`, '{"room matrix #alerts:loopback.test": {"roomId": 5');
  await using notifier = await openFor(scene, ALIAS);
  await notifier.notify({ subject: "One" });
  Deno.removeSync(`${scene.stateDir}/rooms.json`);
  Deno.mkdirSync(`${scene.stateDir}/rooms.json/in/the/way`, { recursive: true });
  await notifier.notify({ subject: "Two" });
  await notifier.notify({ subject: "Three" });
  assertEquals(subjects(scene, room), ["One", "Two", "Three"]);
  assert(count(scene, "directory") <= 2);
});

Deno.test("MatrixChannel.send() says what to do about a room that does not exist or that refuses the account", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken, room } = scene;
  const closed = homeserver.createRoom({ members: ["@alice:loopback.test"], alias: ALIAS });
  const channels = { ops: { kind: "matrix", homeserver: homeserver.url, accessToken, room } } as const;
  await using notifier = await scene.open({ channels });
  const cases = [
    [
      "#gone:loopback.test",
      "(check the alias; to list the rooms of the account, run: matrix-notify room list --channel ops)",
    ],
    [
      ALIAS,
      "(invite the account to the room, or raise the account's power level; to list its rooms, run: matrix-notify room list",
    ],
    [
      closed,
      "(check the room id, invite the account to the room, or raise the account's power level; to list its rooms, run: ",
    ],
    ["@who:dead.example", "(check the user id; the account must be allowed to invite this person)"],
  ] as const;
  for (const [destination, hint] of cases) {
    const [outcome] = await notifier.notify({ subject: "One" }, { room: destination });
    assertEquals(outcome.state, "queued");
    assertStringIncludes(fieldsOf(outcome).reason ?? "", hint);
  }
});

Deno.test("RoomResolver lets only the lane wait if the server of an alias cannot be reached", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken, room } = scene;
  homeserver.fault("500", { on: "directory" });
  const channels = { matrix: { homeserver: homeserver.url, accessToken, room: ["#alerts:gone.example", room] } };
  await using notifier = await scene.open({ channels });
  const [outcome, other] = await notifier.notify({ subject: "One" });
  assertEquals([outcome.state, other.state], ["queued", "delivered"]);
  assertStringIncludes(
    fieldsOf(outcome).reason ?? "",
    "check the alias; the homeserver cannot ask gone.example for it",
  );
  assertEquals((await notifier.notify({ subject: "Two" }))[1].state, "delivered");
});
