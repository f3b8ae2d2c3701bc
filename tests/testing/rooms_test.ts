import { assertEquals } from "@std/assert";
import type { HomeserverSoftware } from "../../src/testing/mod.ts";
import { openScene, type Scene, sendPath } from "./scene.ts";

const V3 = "/_matrix/client/v3";

/** Sends a request with JSON; returns status and errcode, or only the status. */
async function say(scene: Scene, method: string, path: string, body?: unknown, token?: string): Promise<string> {
  const parts = { ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(token ? { token } : {}) };
  const { status, json } = await scene.ask(method, V3 + path, parts);
  return json.errcode === undefined ? String(status) : `${status} ${json.errcode}`;
}

async function create(scene: Scene, body: unknown): Promise<string> {
  return String((await scene.ask("POST", `${V3}/createRoom`, { body: JSON.stringify(body) })).json.room_id);
}

function roomPath(roomId: string, end: string): string {
  return `/rooms/${encodeURIComponent(roomId)}/${end}`;
}

Deno.test("createRoom() rejects what Synapse rejects, and creates no room", async () => {
  await using scene = await openScene();
  await create(scene, { room_alias_name: "taken" });
  const before = scene.homeserver.roomIds().length;
  const cases: [unknown, string][] = [
    [{ room_alias_name: "taken" }, "400 M_ROOM_IN_USE"],
    [{ room_alias_name: "a b" }, "400 M_UNKNOWN"],
    [{ room_alias_name: "a:b" }, "400 M_UNKNOWN"],
    [{ invite: ["nonsense"] }, "400 M_UNKNOWN"],
    [{ invite: "@bob:loopback.test" }, "400 M_BAD_JSON"],
    [{ preset: "nonsense" }, "400 M_BAD_JSON"],
    [{ name: 5 }, "400 M_UNKNOWN"],
    [{ room_version: "99" }, "400 M_UNSUPPORTED_ROOM_VERSION"],
    [{ creation_content: [] }, "400 M_BAD_JSON"],
  ];
  for (const [body, expected] of cases) {
    assertEquals(await say(scene, "POST", "/createRoom", body), expected, JSON.stringify(body));
  }
  assertEquals(scene.homeserver.roomIds().length, before);
});

Deno.test("createRoom() keeps the room when a user cannot be invited", async () => {
  await using scene = await openScene();
  const before = scene.homeserver.roomIds().length;
  assertEquals(await say(scene, "POST", "/createRoom", { invite: ["@x:dead.example"] }), "403 M_FORBIDDEN");
  assertEquals(scene.homeserver.roomIds().length, before + 1);
});

for (
  const [software, version, form] of [["Synapse", "12", /^![\w-]{43}$/], [
    "Dendrite",
    "10",
    /:loopback\.test$/,
  ]] as const
) {
  Deno.test(`createRoom() creates a room of version ${version} by default when the software is ${software}`, async () => {
    await using scene = await openScene({ software: software satisfies HomeserverSoftware });
    const roomId = await create(scene, {});
    assertEquals(form.test(roomId), true, roomId);
    const { json } = await scene.ask("GET", V3 + roomPath(roomId, "state/m.room.create"));
    assertEquals(json.room_version, version);
  });
}

Deno.test("getState() and putState() accept members, both formats, and both forms of an empty state key", async () => {
  await using scene = await openScene();
  const roomId = await create(scene, { name: "Ops" });
  const bob = scene.homeserver.addUser("bob");
  const read = async (end: string, token?: string) => {
    const { status, json } = await scene.ask("GET", V3 + roomPath(roomId, end), token ? { token } : {});
    return [status, json.errcode ?? json.name ?? json.content];
  };
  assertEquals(await read("state/m.room.name"), [200, "Ops"]);
  assertEquals(await read("state/m.room.name/"), [200, "Ops"]);
  assertEquals(await read("state/m.room.name?format=event"), [200, { name: "Ops" }]);
  assertEquals(await read("state/m.room.tombstone"), [404, "M_NOT_FOUND"]);
  assertEquals(await read("state/m.room.name", bob.accessToken), [403, "M_FORBIDDEN"]);
  assertEquals(await say(scene, "PUT", roomPath(roomId, "state/m.room.name"), { name: "New" }), "200");
  assertEquals(await read("state/m.room.name"), [200, "New"]);
  scene.homeserver.invite(roomId, bob.userId);
  assertEquals(await say(scene, "POST", `/join/${encodeURIComponent(roomId)}`, {}, bob.accessToken), "200");
  assertEquals(
    await say(scene, "PUT", roomPath(roomId, "state/m.room.name"), { name: "Bob's" }, bob.accessToken),
    "403 M_FORBIDDEN",
  );
  assertEquals(await say(scene, "POST", roomPath(roomId, "leave"), {}, bob.accessToken), "200");
  await say(scene, "PUT", roomPath(roomId, "state/m.room.name"), { name: "Later" });
  assertEquals(await read("state/m.room.name", bob.accessToken), [200, "New"]);
});

Deno.test("send() requires the power level of the room, which a creator of version 12 always has", async () => {
  await using scene = await openScene();
  const bob = scene.homeserver.addUser("bob");
  const roomId = scene.homeserver.createRoom({
    members: [scene.alice.userId, bob.userId],
    powerLevels: { events_default: 50, users: {} },
  });
  const send = async (token: string, type = "m.room.message") => {
    const body = JSON.stringify({ msgtype: "m.text", body: "x" });
    const { status, json } = await scene.ask("PUT", sendPath(roomId, crypto.randomUUID(), type), { body, token });
    return [status, json.errcode];
  };
  assertEquals(await send(bob.accessToken), [403, "M_FORBIDDEN"]);
  assertEquals(await send(scene.alice.accessToken), [200, undefined]);
  scene.homeserver.setState(roomId, "m.room.power_levels", { events_default: 50, users: { [bob.userId]: 50 } });
  assertEquals(await send(bob.accessToken), [200, undefined]);
});

Deno.test("upgradeRoom() moves the alias, restricts the old room and leaves its members behind, like Synapse", async () => {
  await using scene = await openScene();
  const bob = scene.homeserver.addUser("bob");
  const roomId = await create(scene, { name: "Ops", room_alias_name: "ops", invite: [bob.userId] });
  assertEquals(
    await say(scene, "POST", `/join/${encodeURIComponent("#ops:loopback.test")}`, {}, bob.accessToken),
    "200",
  );
  const next = scene.homeserver.upgradeRoom(roomId);
  const { json } = await scene.ask("GET", `${V3}/directory/room/${encodeURIComponent("#ops:loopback.test")}`);
  assertEquals(json.room_id, next);
  const state = async (room: string, type: string) =>
    (await scene.ask("GET", V3 + roomPath(room, `state/${type}`))).json;
  assertEquals((await state(roomId, "m.room.tombstone")).replacement_room, next);
  assertEquals((await state(next, "m.room.create")).predecessor, { room_id: roomId });
  assertEquals((await state(next, "m.room.name")).name, "Ops");
  assertEquals([
    (await state(roomId, "m.room.power_levels")).events_default,
    (await state(next, "m.room.power_levels")).events_default,
  ], [50, 0]);
  assertEquals(scene.homeserver.members(next), { joined: [scene.alice.userId], invited: [] });
  assertEquals(
    await say(scene, "POST", `/join/${encodeURIComponent(next)}`, {}, bob.accessToken),
    "403 M_FORBIDDEN",
  );
});

Deno.test("invite() rejects members, banned and remote users, and senders without power", async () => {
  await using scene = await openScene();
  const bob = scene.homeserver.addUser("bob");
  const roomId = await create(scene, {});
  const invite = (user_id: unknown, token?: string) =>
    say(scene, "POST", roomPath(roomId, "invite"), { user_id }, token);
  assertEquals(await invite(bob.userId), "200");
  assertEquals(await invite(scene.alice.userId), "403 M_FORBIDDEN");
  assertEquals(await invite("@x:dead.example"), "403 M_FORBIDDEN");
  assertEquals(await invite("bob"), "400 M_UNKNOWN");
  assertEquals(await invite(undefined), "400 M_BAD_JSON");
  assertEquals(await invite("@x:loopback.test", bob.accessToken), "403 M_FORBIDDEN");
  await say(scene, "POST", `/join/${encodeURIComponent(roomId)}`, {}, bob.accessToken);
  scene.homeserver.setState(roomId, "m.room.power_levels", { invite: 50 });
  assertEquals(await invite("@x:loopback.test", bob.accessToken), "403 M_FORBIDDEN");
  scene.homeserver.ban(roomId, bob.userId);
  assertEquals(await invite(bob.userId), "403 M_BAD_STATE");
});

Deno.test("sync() rejects a wrong query", async () => {
  await using scene = await openScene();
  const cases: [string, string][] = [
    ["timeout=x", "400 M_INVALID_PARAM"],
    ["since=bad", "400 M_UNKNOWN"],
    ["filter=nonsense", "400 M_INVALID_PARAM"],
    [`filter=${encodeURIComponent("{bad")}`, "400 M_NOT_JSON"],
    [`filter=${encodeURIComponent('{"room":{"state":{"types":"x"}}}')}`, "400 M_UNKNOWN"],
    [`filter=${encodeURIComponent('{"room":{"timeline":{"limit":-1}}}')}`, "400 M_UNKNOWN"],
    [`filter=${encodeURIComponent('{"rooms":{}}')}`, "200"],
  ];
  for (const [query, expected] of cases) assertEquals(await say(scene, "GET", `/sync?${query}`), expected, query);
});

Deno.test("sync() returns the newest events and the state before them, through the filter", async () => {
  await using scene = await openScene();
  const { roomId, homeserver } = scene;
  homeserver.setState(roomId, "m.room.name", { name: "Old" });
  homeserver.setState(roomId, "m.room.topic", { topic: "x" });
  homeserver.setState(roomId, "m.room.name", { name: "New" });
  await scene.send("1");
  const types = ["m.room.name", "m.room.cre*"];
  const filter = { room: { state: { types }, timeline: { types, limit: 1 } } };
  const look = async (query = "") => {
    const { json } = await scene.ask("GET", `${V3}/sync?filter=${encodeURIComponent(JSON.stringify(filter))}${query}`);
    return json as { next_batch: string; rooms?: { join: Record<string, Record<string, { events: Named[] }>> } };
  };
  const { next_batch, rooms } = await look();
  const { state, timeline } = rooms?.join[roomId] ?? {};
  const names = (events: Named[]) => events.map(({ type, content }) => [type, content.name]);
  assertEquals(names(timeline.events), [["m.room.name", "New"]]);
  assertEquals(names(state.events), [["m.room.create", undefined], ["m.room.name", "Old"]]);
  assertEquals((await look(`&since=${next_batch}`)).rooms, undefined);
});

interface Named {
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
}

Deno.test("getAccountData() rejects another user", async () => {
  await using scene = await openScene();
  const path = (user: string) => `/user/${user}/account_data/m.direct`;
  const own = path(scene.alice.userId);
  assertEquals(await say(scene, "GET", own), "404 M_NOT_FOUND");
  assertEquals(await say(scene, "PUT", own, { a: ["!x"] }), "200");
  assertEquals((await scene.ask("GET", V3 + own)).json, { a: ["!x"] });
  assertEquals(await say(scene, "GET", path("@bob:loopback.test")), "403 M_FORBIDDEN");
  assertEquals(await say(scene, "PUT", path("@bob:loopback.test"), {}), "403 M_FORBIDDEN");
});

Deno.test("sync() repeats the answer to an initial sync for two minutes when the software is Synapse", async () => {
  for (const [software, isSame] of [["Synapse", true], ["Dendrite", false]] as const) {
    let time = 0;
    await using scene = await openScene({ software, now: () => time });
    const rooms = async (query = "") => {
      const { json } = await scene.ask("GET", `${V3}/sync?timeout=0${query}`);
      return Object.keys(Object(Object(json.rooms).join)).length;
    };
    assertEquals(await rooms(), 1);
    await create(scene, {});
    time += 119_000;
    assertEquals([await rooms(), await rooms("0")], [isSame ? 1 : 2, 2]);
    time += 1000;
    assertEquals(await rooms(), 2);
  }
});
