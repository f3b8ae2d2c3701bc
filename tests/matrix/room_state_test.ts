import { assertEquals } from "@std/assert";
import { powerToSend, readReplacement, userPower } from "../../src/matrix/room_state.ts";
import { ALICE, BOT, LIMITS, matrixTest } from "./scene.ts";

Deno.test("readReplacement() returns the next room, and a server that is in it", async () => {
  await matrixTest(async ({ homeserver, bot }) => {
    const roomId = homeserver.createRoom({ members: [ALICE, BOT] });
    assertEquals(await readReplacement(bot, { roomId, ...LIMITS }), undefined);
    const next = homeserver.upgradeRoom(roomId);
    assertEquals(await readReplacement(bot, { roomId, ...LIMITS }), { roomId: next, via: ["loopback.test"] });
    for (const replacement_room of [undefined, 5, "", "#alias:loopback.test", roomId]) {
      homeserver.setState(roomId, "m.room.tombstone", { body: "gone", replacement_room });
      assertEquals(await readReplacement(bot, { roomId, ...LIMITS }), undefined);
    }
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
