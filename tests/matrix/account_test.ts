import { assertEquals } from "@std/assert";
import { addDirectChat, findDirectRooms, readDirectChats, setDisplayName, whoami } from "../../src/matrix/account.ts";
import { ALICE, BOT, LIMITS, matrixTest, readRefusal } from "./scene.ts";

Deno.test("addDirectChat() adds a room to a person's, and keeps the others", async () => {
  await matrixTest(async ({ bot }) => {
    const { userId } = await whoami(bot, LIMITS);
    assertEquals(await readDirectChats(bot, { userId, ...LIMITS }), {});
    for (const [person, roomId] of [[ALICE, "!a"], ["@b:b", "!b"], [ALICE, "!c"], [ALICE, "!a"]]) {
      await addDirectChat(bot, { person, roomId }, { userId, ...LIMITS });
    }
    const chats = await readDirectChats(bot, { userId, ...LIMITS });
    assertEquals(chats, { [ALICE]: ["!a", "!c"], "@b:b": ["!b"] });
    assertEquals([findDirectRooms(chats, ALICE), findDirectRooms(chats, "toString")], [["!a", "!c"], []]);
    assertEquals(findDirectRooms({ x: ["!a", 5, "#b:c", null] }, "x"), ["!a"]);
  });
});

Deno.test("setDisplayName() sets the own name, and no other", async () => {
  await matrixTest(async ({ homeserver, bot }) => {
    await setDisplayName(bot, "Notifier", { userId: BOT, ...LIMITS });
    assertEquals(homeserver.requests.at(-1)?.body, '{"displayname":"Notifier"}');
    assertEquals(await readRefusal(() => setDisplayName(bot, "x", { userId: ALICE, ...LIMITS })), "400 M_FORBIDDEN");
  });
});
