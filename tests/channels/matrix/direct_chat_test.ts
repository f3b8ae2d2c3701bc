/** Sends to a user id: exactly one direct chat exists, whether it is found or created. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DIRECT_MARK, MAKING_REST_MS } from "../../../src/channels/matrix/direct_chat.ts";
import type { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";

const ALICE = "@alice:loopback.test";
const BOT = "@bot:loopback.test";

type FaultName = Parameters<LoopbackHomeserver["fault"]>[0];

function openFor({ homeserver, accessToken, open, stateDir }: Scene, folder = stateDir) {
  const channel = { kind: "matrix", homeserver: homeserver.url, accessToken, room: ALICE } as const;
  return open({ stateDir: folder, channels: { matrix: channel, second: channel } });
}

/** Returns the direct chats with Alice: all rooms except the room of the scene. */
function chats({ homeserver, room }: Scene): string[] {
  return homeserver.roomIds().filter((each) => each !== room);
}

function subjects({ homeserver }: Scene, room: string): string[] {
  return homeserver.events(room).map(({ content }) => String(content.body).split("\n")[0].replace("[jump] ", ""));
}

async function put({ homeserver, accessToken }: Scene, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${homeserver.url}/_matrix/client/v3${path}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${accessToken}` },
    body: JSON.stringify(body),
  });
  await answer.body?.cancel();
  assertEquals(answer.status, 200);
}

function setDirect(scene: Scene, rooms: readonly string[]): Promise<void> {
  return put(scene, `/user/${BOT}/account_data/m.direct`, { "@other:loopback.test": ["!x"], [ALICE]: rooms });
}

async function readDirect({ homeserver, accessToken }: Scene): Promise<Record<string, unknown>> {
  const answer = await fetch(`${homeserver.url}/_matrix/client/v3/user/${BOT}/account_data/m.direct`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return await answer.json();
}

Deno.test("openDirectChat() creates a direct chat for the first message, and finds it for the next ones", async () => {
  await using scene = await setScene();
  for (const subject of ["One", "Two"]) {
    await using notifier = await openFor(scene);
    const [outcome] = await notifier.notify({ subject }, { channels: ["matrix"] });
    assertEquals([outcome.state, outcome.destination], ["delivered", ALICE]);
  }
  const [room, ...more] = chats(scene);
  assertEquals([more, subjects(scene, room)], [[], ["One", "Two"]]);
  assertEquals(scene.homeserver.members(room), { joined: [BOT], invited: [ALICE] });
  assertEquals(await readDirect(scene), { [ALICE]: [room] });
  const [asked, ...others] = scene.homeserver.requests.filter(({ route }) => route === "create-room");
  assertEquals([others, JSON.parse(asked.body)], [[], {
    preset: "trusted_private_chat",
    invite: [ALICE],
    is_direct: true,
    creation_content: { [DIRECT_MARK]: ALICE },
  }]);
  assertEquals(scene.homeserver.requests.filter(({ route }) => route === "whoami").length, 1);
});

Deno.test("openDirectChat() finds one direct chat for two channels of an account and for two state directories", async () => {
  await using scene = await setScene();
  const folder = Deno.makeTempDirSync();
  {
    await using notifier = await openFor(scene);
    const outcomes = await notifier.notify({ subject: "One" });
    assertEquals(outcomes.map(({ state }) => state), ["delivered", "delivered"]);
    await using other = await openFor(scene, folder);
    await other.notify({ subject: "Two" }, { channels: ["matrix"] });
  }
  Deno.removeSync(folder, { recursive: true });
  const [room, ...more] = chats(scene);
  assertEquals([more, subjects(scene, room)], [[], ["One", "One", "Two"]]);
});

Deno.test("openDirectChat() finds a direct chat that a client created", async () => {
  await using scene = await setScene();
  const room = scene.homeserver.createRoom({ members: [ALICE, BOT] });
  const left = scene.homeserver.createRoom({ members: [ALICE, BOT] });
  scene.homeserver.removeMember(left, ALICE);
  await setDirect(scene, ["!gone", room, left]);
  await using notifier = await openFor(scene);
  await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  assertEquals([chats(scene), subjects(scene, room)], [[room, left], ["One"]]);
  assertEquals(await readDirect(scene), { "@other:loopback.test": ["!x"], [ALICE]: ["!gone", room, left] });
});

Deno.test("openDirectChat() invites a person who left the chat again, instead of creating another chat", async () => {
  await using scene = await setScene();
  const room = scene.homeserver.createRoom({ members: [BOT, ALICE] });
  scene.homeserver.removeMember(room, ALICE);
  await setDirect(scene, [room]);
  await using notifier = await openFor(scene);
  await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  assertEquals([chats(scene), subjects(scene, room)], [[room], ["One"]]);
  assertEquals(scene.homeserver.members(room).invited, [ALICE]);
});

const LOST: FaultName[] = ["drop-after-persisting", "502-after-persisting", "drop-before-persisting", "500"];

for (const fault of LOST) {
  for (const memory of ["kept", "lost"] as const) {
    Deno.test(`openDirectChat() creates only one direct chat after ${fault} of createRoom, with a cache that is ${memory}`, async () => {
      await using scene = await setScene();
      scene.homeserver.fault(fault, { on: "create-room", times: 1 });
      {
        await using notifier = await openFor(scene);
        const [outcome] = await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
        assertEquals(outcome.state, "queued");
      }
      if (memory === "lost") Deno.removeSync(`${scene.stateDir}/rooms.json`);
      await using notifier = await openFor(scene);
      await notifier.flush({ waitMs: 400_000 });
      const [room, ...more] = chats(scene);
      assertEquals([more, subjects(scene, room)], [[], ["One"]]);
      assertEquals(notifier.status().possibleDuplicates, 0);
    });
  }
}

Deno.test("openDirectChat() waits if the server may still be creating the chat", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("drop-before-persisting", { on: "create-room", times: 1 });
  await using notifier = await openFor(scene);
  const before = scene.runtime.time;
  await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  const [, second] = [1, 2].map((number) => scene.homeserver.received(({ route }) => route === "create-room", number));
  await notifier.flush({ waitMs: 400_000 });
  await second;
  assert(scene.runtime.time - before >= MAKING_REST_MS);
  assertEquals(chats(scene).length, 1);
});

Deno.test("openDirectChat() creates at most one room if the invite is refused, and reports the reason", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken, open } = scene;
  const room = "@alice:dead.example";
  await using notifier = await open({ channels: { matrix: { homeserver: homeserver.url, accessToken, room } } });
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals(outcome.state, "queued");
  assertStringIncludes(fieldsOf(outcome).reason ?? "", "403 M_FORBIDDEN: Federation denied with dead.example.");
  for (let count = 0; count < 3; count++) await notifier.flush({ waitMs: 0 });
  assertEquals(chats(scene).length, 1);
});

Deno.test("openDirectChat() creates no room, and keeps the notification, if the server does not list the rooms", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("invalid-param", { on: "sync", times: 1 });
  await using notifier = await openFor(scene);
  const [outcome] = await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  assertEquals([outcome.state, chats(scene)], ["queued", []]);
  await notifier.flush();
  assertEquals(chats(scene).map((room) => subjects(scene, room)), [["One"]]);
});

Deno.test("openDirectChat() waits for the rate limit of the server, and then creates one chat", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("429-retry-after-ms", { on: "create-room", times: 1 });
  await using notifier = await openFor(scene);
  const before = scene.runtime.time;
  await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  await notifier.flush();
  const [room, ...more] = chats(scene);
  assertEquals([more, subjects(scene, room)], [[], ["One"]]);
  assert(scene.runtime.time - before < MAKING_REST_MS);
});

Deno.test("openDirectChat() creates a separate chat for another account", async () => {
  await using scene = await setScene();
  {
    await using notifier = await openFor(scene);
    await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  }
  const { accessToken } = scene.homeserver.addUser("bot2");
  await using notifier = await openFor({ ...scene, accessToken });
  await notifier.notify({ subject: "Two" }, { channels: ["matrix"] });
  assertEquals(chats(scene).map((room) => subjects(scene, room)), [["One"], ["Two"]]);
});

Deno.test("openDirectChat() creates no second chat for a person who removed the account from the chat", async () => {
  await using scene = await setScene();
  await using notifier = await openFor(scene);
  await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  const [room] = chats(scene);
  scene.homeserver.removeMember(room, BOT);
  const [outcome] = await notifier.notify({ subject: "Two" }, { channels: ["matrix"] });
  assertEquals([outcome.state, chats(scene)], ["queued", [room]]);
});

Deno.test("openDirectChat() follows a chat that was replaced", async () => {
  await using scene = await setScene();
  await using notifier = await openFor(scene);
  await notifier.notify({ subject: "One" }, { channels: ["matrix"] });
  const [room] = chats(scene);
  scene.homeserver.setState(room, "m.room.power_levels", { users: {}, events_default: 0 });
  scene.homeserver.removeMember(room, ALICE);
  const next = scene.homeserver.upgradeRoom(room, { by: ALICE, invited: [BOT] });
  Deno.removeSync(`${scene.stateDir}/rooms.json`);
  await using other = await openFor(scene);
  await other.notify({ subject: "Two" }, { channels: ["matrix"] });
  assertEquals([chats(scene), subjects(scene, next)], [[room, next], ["Two"]]);
  assertEquals(scene.homeserver.members(room).invited, []);
});

Deno.test("openDirectChat() checks at most 20 of the rooms that m.direct lists", async () => {
  await using scene = await setScene();
  await setDirect(scene, Array.from({ length: 5000 }, (_, at) => `!${at}`));
  await using notifier = await openFor(scene);
  const [outcome] = await notifier.notify({ subject: "Up" }, { channels: ["matrix"] });
  const states = scene.homeserver.requests.filter(({ route, path }) =>
    route === "state" && path.includes("m.room.member")
  );
  assertEquals([outcome.state, states.length], ["delivered", 20]);
});
