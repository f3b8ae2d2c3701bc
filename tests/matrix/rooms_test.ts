import { assertEquals, assertRejects } from "@std/assert";
import type { MatrixClient } from "../../src/matrix/request.ts";
import { readMembership, readState } from "../../src/matrix/room_state.ts";
import { createRoom, inviteUser, joinedRooms, joinRoom, resolveAlias } from "../../src/matrix/rooms.ts";
import { ALICE, BOT, LIMITS, matrixTest, readRefusal } from "./scene.ts";

Deno.test("createRoom() creates a room with name, alias and invites", async () => {
  await matrixTest(async ({ homeserver, bot, alice }) => {
    const roomId = await createRoom(bot, { name: "Alerts", alias: "alerts", invite: [ALICE], ...LIMITS });
    assertEquals(homeserver.members(roomId), { joined: [BOT], invited: [ALICE] });
    assertEquals(await joinRoom(alice, "#alerts:loopback.test", LIMITS), roomId);
    assertEquals(await joinedRooms(alice, LIMITS), [roomId]);
    assertEquals((await readState(bot, { roomId, type: "m.room.name", ...LIMITS }))?.content, { name: "Alerts" });
    assertEquals(await readRefusal(() => createRoom(bot, { alias: "alerts", ...LIMITS })), "400 M_ROOM_IN_USE");
  });
});

Deno.test("resolveAlias() finds the room, or throws M_NOT_FOUND", async () => {
  await matrixTest(async ({ homeserver, bot }) => {
    const roomId = homeserver.createRoom({ members: [BOT], alias: "#alerts:loopback.test" });
    assertEquals(await resolveAlias(bot, "#alerts:loopback.test", LIMITS), roomId);
    assertEquals(await readRefusal(() => resolveAlias(bot, "#none:loopback.test", LIMITS)), "404 M_NOT_FOUND");
  });
});

Deno.test("joinRoom() names the servers to join by as via and as server_name", async () => {
  await matrixTest(async ({ homeserver, bot }) => {
    const via = ["one.example", "two.example:8448", "one.example"];
    assertEquals(await readRefusal(() => joinRoom(bot, "!nowhere", { via, ...LIMITS })), "404 M_UNKNOWN");
    assertEquals(
      homeserver.requests.at(-1)?.query,
      "via=one.example&via=two.example%3A8448&server_name=one.example&server_name=two.example%3A8448",
    );
    await assertRejects(() => joinRoom(bot, "!nowhere", LIMITS));
    assertEquals(homeserver.requests.at(-1)?.query, "");
  });
});

Deno.test("joinRoom() throws if the user is not invited, or banned", async () => {
  await matrixTest(async ({ homeserver, bot }) => {
    const roomId = homeserver.createRoom({ members: [ALICE] });
    assertEquals(await readRefusal(() => joinRoom(bot, roomId, LIMITS)), "403 M_FORBIDDEN");
    homeserver.ban(roomId, BOT);
    assertEquals(await readRefusal(() => joinRoom(bot, roomId, LIMITS)), "403 M_BAD_STATE");
  });
});

Deno.test("readMembership() shows an invite, and that a user has left, also to this user", async () => {
  await matrixTest(async ({ homeserver, bot, alice }) => {
    const roomId = await createRoom(bot, LIMITS);
    const aliceIs = (client: MatrixClient) => readMembership(client, { roomId, userId: ALICE, ...LIMITS });
    assertEquals(await aliceIs(bot), undefined);
    await inviteUser(bot, roomId, { userId: ALICE, ...LIMITS });
    assertEquals([await aliceIs(bot), await readRefusal(() => aliceIs(alice))], ["invite", "403 M_FORBIDDEN"]);
    await joinRoom(alice, roomId, LIMITS);
    assertEquals(await readRefusal(() => inviteUser(bot, roomId, { userId: ALICE, ...LIMITS })), "403 M_FORBIDDEN");
    homeserver.removeMember(roomId, ALICE);
    assertEquals([await aliceIs(bot), await aliceIs(alice)], ["leave", "leave"]);
  });
});
