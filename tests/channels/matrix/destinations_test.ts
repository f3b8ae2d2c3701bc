/** Destinations that are not a room id, or whose room was replaced: one message each, in the right room. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LOOK_EVERY_MS } from "../../../src/channels/matrix/room_resolver.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";

const ALIAS = "#alerts:loopback.test";
const BOT = "@bot:loopback.test";

/** A room of somebody else's, with an alias, in which the bot is. */
function otherRoom({ homeserver }: Scene, options: { readonly powerLevels?: Record<string, unknown> } = {}) {
  const alice = homeserver.addUser("alice");
  const room = homeserver.createRoom({ members: [alice.userId, BOT], alias: ALIAS, name: "Alerts", ...options });
  return { alice: alice.userId, room };
}

function openFor({ homeserver, accessToken, open }: Scene, room: string) {
  return open({ channels: { matrix: { homeserver: homeserver.url, accessToken, room } } });
}

Deno.test("a channel with several rooms tells each of them, and one that refuses is in no other's way", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const closed = scene.homeserver.createRoom({ members: ["@alice:loopback.test"] });
  await using notifier = await scene.open({
    channels: {
      matrix: { homeserver: scene.homeserver.url, accessToken: scene.accessToken, room: [closed, ALIAS, scene.room] },
    },
  });
  for (const subject of ["One", "Two"]) {
    // The clock of the test jumps to the next try of the one that refuses.
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
  Deno.test(`a room that was replaced is followed into the new one, by its ${destination}, now and in the next process`, async () => {
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

Deno.test("a room that was replaced twice is followed to the end", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const second = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
  const third = scene.homeserver.upgradeRoom(second, { invited: [BOT] });
  await using notifier = await openFor(scene, room);
  await notifier.notify({ subject: "One" });
  assertEquals([room, second, third].map((each) => subjects(scene, each)), [[], [], ["One"]]);
});

Deno.test("rooms that replace one another for ever end no notifier", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const next = scene.homeserver.upgradeRoom(room, { invited: [BOT] });
  scene.homeserver.setState(next, "m.room.tombstone", { replacement_room: room });
  await using notifier = await openFor(scene, room);
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals(outcome.state, "queued");
});

Deno.test("a new room that does not let us in is waited for: the lane says why, and keeps its order", async () => {
  await using scene = await setScene();
  const { room } = otherRoom(scene);
  const next = scene.homeserver.upgradeRoom(room);
  await using notifier = await openFor(scene, room);
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals(outcome.state, "queued");
  assertStringIncludes(fieldsOf(outcome).reason ?? "", `it went on in ${next}, which does not let us in`);
  await notifier.notify({ subject: "Two" });
  scene.homeserver.invite(next, BOT);
  await notifier.flush();
  assertEquals([subjects(scene, room), subjects(scene, next)], [[], ["One", "Two"]]);
});

Deno.test("who has power in a room that was replaced is not refused there, and follows it within hours all the same", async () => {
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

Deno.test("an alias is asked for once, and again after hours, so that it may move", async () => {
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

Deno.test("an alias whose room threw us out is asked for again", async () => {
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

Deno.test("an alias that nobody knows parks its lane, and no other", async () => {
  await using scene = await setScene();
  await using notifier = await openFor(scene, ALIAS);
  const [lost] = await notifier.notify({ subject: "One" });
  const [found] = await notifier.notify({ subject: "Two" }, { room: scene.room });
  assertEquals([lost.state, found.state], ["queued", "delivered"]);
  assertStringIncludes(fieldsOf(lost).reason ?? "", "404 M_NOT_FOUND");
});

for (const software of ["Synapse", "Dendrite", "Conduit"] as const) {
  Deno.test(`a doubtful try is looked for in the old room before the message goes into the new one, on ${software}`, async () => {
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

  Deno.test(`a doubtful try that never arrived in the old room goes into the new one, once, on ${software}`, async () => {
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

Deno.test("a doubtful try is looked for in a room that the alias has left since", async () => {
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

Deno.test("a memory that is damaged, or cannot be written, is in nobody's way", async () => {
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
