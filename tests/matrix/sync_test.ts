import { assert, assertEquals } from "@std/assert";
import { rememberSecret } from "../../src/base/secret.ts";
import { createRoom, joinRoom } from "../../src/matrix/rooms.ts";
import { syncRooms, waitForInvites } from "../../src/matrix/sync.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { ALICE, BOT, LIMITS, matrixTest } from "./scene.ts";

Deno.test("syncRooms() summarizes rooms by their newest state, and returns the invites", async () => {
  await matrixTest(async ({ homeserver, bot, alice }) => {
    const roomId = await createRoom(bot, { name: "Old", alias: "alerts", creationContent: { mark: "x" }, ...LIMITS });
    homeserver.setState(roomId, "m.room.name", { name: "New" });
    homeserver.setState(roomId, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
    const plain = homeserver.createRoom({ members: [ALICE, BOT] });
    const chat = await createRoom(alice, { isDirect: true, invite: [BOT], preset: "trusted_private_chat", ...LIMITS });
    const { joined, invites, since } = await syncRooms(bot, LIMITS);
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
    const { joined: nothing, invites: noInvites } = await syncRooms(bot, { since, ...LIMITS });
    assertEquals([nothing, noInvites], [[], []]);
  });
});

Deno.test("waitForInvites() returns existing invites, waits for one, and returns none in time", async () => {
  await matrixTest(async ({ homeserver, runtime, server, bot, alice }) => {
    const wait = (waitMs: number) => {
      runtime.time++;
      return waitForInvites(bot, { waitMs, sleep: runtime.sleep, ...LIMITS });
    };
    const before = runtime.time;
    assertEquals(await wait(60_000), []);
    assert(runtime.time - before >= 60_000 && runtime.time - before < 70_000, String(runtime.time - before));
    const first = await createRoom(alice, { invite: [BOT], ...LIMITS });
    assertEquals((await wait(0)).map(({ roomId }) => roomId), [first]);
    await joinRoom(bot, first, LIMITS);
    server.sleep = (_ms, signal) => new Promise((resolve) => signal?.addEventListener("abort", () => resolve()));
    const polls = homeserver.requests.filter(({ route }) => route === "sync").length;
    const waiting = wait(3_600_000);
    await homeserver.received(({ route }) => route === "sync", polls + 2);
    const second = await createRoom(alice, { invite: [BOT], ...LIMITS });
    assertEquals((await waiting).map(({ roomId }) => roomId), [second]);
  });
});

Deno.test("syncRooms() reads a list of more than 1 MiB, shortens names, hides secrets in them, and skips ids that are none", async () => {
  const state = (type: string, content: object, sender = "@a:b.org") => ({ type, state_key: "", sender, content });
  rememberSecret("hush-hush");
  const events = [
    state("m.room.name", { name: `hush-hush ${"x".repeat(60_000)}` }),
    state("m.room.canonical_alias", { alias: "#a\x1b[2J:b.org" }),
    state("m.room.tombstone", { replacement_room: "!b\x1b[2J" }),
    state("m.room.create", {}, "@a\x1b[2J:b.org"),
  ];
  const names = Array.from({ length: 30 }, (_, at) => `!${at}`);
  const join = Object.fromEntries([...names, "!c\x1b[2J", "#d:b.org", ""].map((id) => [id, { state: { events } }]));
  const fetch = () => Promise.resolve(Response.json({ next_batch: "s1", rooms: { join } }));
  using runtime = fakeRuntime({ fetch });
  const { joined } = await syncRooms({ runtime, baseUrl: "https://m.example", userAgent: "test/1" }, LIMITS);
  assertEquals(joined.map(({ roomId }) => roomId), names);
  const [{ name, alias, replacement, creator }] = joined;
  assertEquals([name?.slice(0, 10), name?.length], ["[secret] x", 255]);
  assertEquals([alias, replacement, creator], [undefined, undefined, undefined]);
});
