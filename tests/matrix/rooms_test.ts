import { assert, assertEquals, assertRejects } from "@std/assert";
import { addDirectChat, findDirectRooms, readDirectChats, setDisplayName, whoami } from "../../src/matrix/account.ts";
import { MatrixError } from "../../src/matrix/errors.ts";
import type { MatrixClient } from "../../src/matrix/request.ts";
import { powerToSend, readMembership, readReplacement, readState, userPower } from "../../src/matrix/room_state.ts";
import { createRoom, inviteUser, joinedRooms, joinRoom, leaveRoom } from "../../src/matrix/rooms.ts";
import { syncRooms, waitForInvites } from "../../src/matrix/sync.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

const BOT = "@bot:loopback.test";
const ALICE = "@alice:loopback.test";
const ask = { timeoutMs: 1000 };

interface Stage {
  readonly runtime: FakeRuntime;
  /** How the homeserver sleeps. */
  readonly bed: { sleep: FakeRuntime["sleep"] };
  readonly homeserver: LoopbackHomeserver;
  readonly bot: MatrixClient;
  readonly alice: MatrixClient;
}

async function stage(body: (stage: Stage) => Promise<void>): Promise<void> {
  using runtime = fakeRuntime();
  const bed = { sleep: runtime.sleep };
  await using homeserver = await LoopbackHomeserver.start({
    now: runtime.now,
    sleep: (ms, signal) => bed.sleep(ms, signal),
  });
  const clientOf = (accessToken: string) => ({
    runtime,
    baseUrl: homeserver.url,
    credentials: { accessToken: () => accessToken },
    userAgent: "test/1",
  });
  const [bot, alice] = ["bot", "alice"].map((name) => clientOf(homeserver.addUser(name).accessToken));
  await body({ runtime, bed, homeserver, bot, alice });
}

async function errcodeOf(work: () => Promise<unknown>): Promise<string> {
  const { status, errcode } = await assertRejects(work, MatrixError);
  return `${status} ${errcode}`;
}

Deno.test("createRoom() makes a room with name, alias and guests, who may join it", async () => {
  await stage(async ({ homeserver, bot, alice }) => {
    const roomId = await createRoom(bot, { name: "Alerts", alias: "alerts", invite: [ALICE], ...ask });
    assertEquals(homeserver.members(roomId), { joined: [BOT], invited: [ALICE] });
    assertEquals(await joinRoom(alice, "#alerts:loopback.test", ask), roomId);
    assertEquals(await joinedRooms(alice, ask), [roomId]);
    assertEquals((await readState(bot, { roomId, type: "m.room.name", ...ask }))?.content, { name: "Alerts" });
    assertEquals(await errcodeOf(() => createRoom(bot, { alias: "alerts", ...ask })), "400 M_ROOM_IN_USE");
  });
});

Deno.test("joinRoom() names the servers to join by in the new way and in the old one", async () => {
  await stage(async ({ homeserver, bot }) => {
    const via = ["one.example", "two.example:8448", "one.example"];
    assertEquals(await errcodeOf(() => joinRoom(bot, "!nowhere", { via, ...ask })), "404 M_UNKNOWN");
    assertEquals(
      homeserver.requests.at(-1)?.query,
      "via=one.example&via=two.example%3A8448&server_name=one.example&server_name=two.example%3A8448",
    );
    await assertRejects(() => joinRoom(bot, "!nowhere", ask));
    assertEquals(homeserver.requests.at(-1)?.query, "");
  });
});

Deno.test("joinRoom() hears who is not invited, and who is banned", async () => {
  await stage(async ({ homeserver, bot }) => {
    const roomId = homeserver.createRoom({ members: [ALICE] });
    assertEquals(await errcodeOf(() => joinRoom(bot, roomId, ask)), "403 M_FORBIDDEN");
    homeserver.ban(roomId, BOT);
    assertEquals(await errcodeOf(() => joinRoom(bot, roomId, ask)), "403 M_BAD_STATE");
  });
});

Deno.test("inviteUser() and leaveRoom() change what readMembership() reads, and whoever left still reads it", async () => {
  await stage(async ({ bot, alice }) => {
    const roomId = await createRoom(bot, ask);
    const aliceIs = (client: MatrixClient) => readMembership(client, { roomId, userId: ALICE, ...ask });
    assertEquals(await aliceIs(bot), undefined);
    await inviteUser(bot, roomId, { userId: ALICE, ...ask });
    assertEquals([await aliceIs(bot), await errcodeOf(() => aliceIs(alice))], ["invite", "403 M_FORBIDDEN"]);
    await joinRoom(alice, roomId, ask);
    assertEquals(await errcodeOf(() => inviteUser(bot, roomId, { userId: ALICE, ...ask })), "403 M_FORBIDDEN");
    await leaveRoom(alice, roomId, ask);
    assertEquals([await aliceIs(bot), await aliceIs(alice)], ["leave", "leave"]);
  });
});

Deno.test("readReplacement() tells where a room went on, and by which server", async () => {
  await stage(async ({ homeserver, bot }) => {
    const roomId = homeserver.createRoom({ members: [ALICE, BOT] });
    assertEquals(await readReplacement(bot, { roomId, ...ask }), undefined);
    const next = homeserver.upgradeRoom(roomId);
    assertEquals(await readReplacement(bot, { roomId, ...ask }), { roomId: next, via: ["loopback.test"] });
    for (const replacement_room of [undefined, 5, "", "#alias:loopback.test", roomId]) {
      homeserver.setState(roomId, "m.room.tombstone", { body: "gone", replacement_room });
      assertEquals(await readReplacement(bot, { roomId, ...ask }), undefined);
    }
  });
});

Deno.test("syncRooms() tells rooms from each other by their newest state, and who invites us", async () => {
  await stage(async ({ homeserver, bot, alice }) => {
    const roomId = await createRoom(bot, { name: "Old", alias: "alerts", creationContent: { mark: "x" }, ...ask });
    homeserver.setState(roomId, "m.room.name", { name: "New" });
    homeserver.setState(roomId, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
    const plain = homeserver.createRoom({ members: [ALICE, BOT] });
    const chat = await createRoom(alice, { isDirect: true, invite: [BOT], preset: "trusted_private_chat", ...ask });
    const { joined, invites, since } = await syncRooms(bot, ask);
    const none = { name: undefined, alias: undefined, replacement: undefined, version: "12", isEncrypted: false };
    assertEquals(joined, [
      {
        ...none,
        roomId,
        name: "New",
        alias: "#alerts:loopback.test",
        isEncrypted: true,
        creator: BOT,
        creation: { mark: "x", room_version: "12" },
      },
      { ...none, roomId: plain, creator: ALICE, creation: { room_version: "12" } },
    ]);
    assertEquals(invites, [{ ...none, roomId: chat, inviter: ALICE, isDirect: true }]);
    const { joined: nothing, invites: noInvites } = await syncRooms(bot, { since, ...ask });
    assertEquals([nothing, noInvites], [[], []]);
  });
});

Deno.test("waitForInvites() gives those that are there, waits for one that comes, and gives up in time", async () => {
  await stage(async ({ homeserver, runtime, bed, bot, alice }) => {
    const wait = (waitMs: number) => {
      runtime.time++;
      return waitForInvites(bot, { waitMs, sleep: runtime.sleep, ...ask });
    };
    const before = runtime.time;
    assertEquals(await wait(60_000), []);
    assert(runtime.time - before >= 60_000 && runtime.time - before < 70_000, String(runtime.time - before));
    const first = await createRoom(alice, { invite: [BOT], ...ask });
    assertEquals((await wait(0)).map(({ roomId }) => roomId), [first]);
    await joinRoom(bot, first, ask);
    bed.sleep = (_ms, signal) => new Promise((resolve) => signal?.addEventListener("abort", () => resolve()));
    const polls = homeserver.requests.filter(({ route }) => route === "sync").length;
    const waiting = wait(3_600_000);
    await homeserver.received(({ route }) => route === "sync", polls + 2);
    const second = await createRoom(alice, { invite: [BOT], ...ask });
    assertEquals((await waiting).map(({ roomId }) => roomId), [second]);
  });
});

Deno.test("addDirectChat() adds a room to a person's, and leaves the others alone", async () => {
  await stage(async ({ bot }) => {
    const { userId } = await whoami(bot, ask);
    assertEquals(await readDirectChats(bot, { userId, ...ask }), {});
    for (const [person, roomId] of [[ALICE, "!a"], ["@b:b", "!b"], [ALICE, "!c"], [ALICE, "!a"]]) {
      await addDirectChat(bot, { person, roomId }, { userId, ...ask });
    }
    const chats = await readDirectChats(bot, { userId, ...ask });
    assertEquals(chats, { [ALICE]: ["!a", "!c"], "@b:b": ["!b"] });
    assertEquals([findDirectRooms(chats, ALICE), findDirectRooms(chats, "toString")], [["!a", "!c"], []]);
    assertEquals(findDirectRooms({ x: ["!a", 5, "#b:c", null] }, "x"), ["!a"]);
  });
});

Deno.test("setDisplayName() sets our own name, and nobody else's", async () => {
  await stage(async ({ homeserver, bot }) => {
    await setDisplayName(bot, "Notifier", { userId: BOT, ...ask });
    assertEquals(homeserver.requests.at(-1)?.body, '{"displayname":"Notifier"}');
    assertEquals(await errcodeOf(() => setDisplayName(bot, "x", { userId: ALICE, ...ask })), "400 M_FORBIDDEN");
  });
});

Deno.test("userPower() and powerToSend() read levels, and put creators above them since room version 12", () => {
  const levels = (content: Record<string, unknown>) => ({ content });
  const create = (room_version: string | undefined, more = {}) => ({ content: { room_version, ...more }, sender: BOT });
  const powers: [number, string, ReturnType<typeof create>, ReturnType<typeof levels> | undefined][] = [
    [Infinity, BOT, create("12"), levels({})],
    [Infinity, ALICE, create("12", { additional_creators: [ALICE] }), levels({})],
    [0, ALICE, create("12"), levels({})],
    [50, ALICE, create("12"), levels({ users: { [ALICE]: 50 } })],
    [7, ALICE, create("11"), levels({ users: { [BOT]: 100 }, users_default: 7 })],
    [0, BOT, create("11"), levels({ users: {} })],
    [100, BOT, create(undefined), undefined],
    [0, ALICE, create("10"), undefined],
    [50, ALICE, create("9"), levels({ users: { [ALICE]: "50" } })],
    [0, "toString", create("10"), levels({ users: {} })],
  ];
  for (const [power, userId, first, powerLevels] of powers) {
    assertEquals(
      userPower(userId, { create: first, powerLevels }),
      power,
      JSON.stringify([userId, first, powerLevels]),
    );
  }
  const needs: [number, Record<string, unknown> | undefined][] = [
    [0, undefined],
    [0, {}],
    [50, { events_default: 50 }],
    [10, { events_default: 50, events: { "m.room.message": 10 } }],
  ];
  for (const [power, content] of needs) {
    assertEquals(powerToSend("m.room.message", { powerLevels: content && levels(content) }), power);
  }
});
