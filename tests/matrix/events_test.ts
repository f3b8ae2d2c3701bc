import { assertEquals } from "@std/assert";
import { sendTest } from "./scene.ts";

Deno.test("sendEvent() sends the event and returns its event_id", async () => {
  await sendTest(async ({ homeserver, roomId, send }) => {
    const eventId = await send("a/b c%");
    assertEquals(homeserver.events(roomId).map((event) => event.event_id), [eventId]);
    const [{ method, path, query, headers }] = homeserver.requests;
    assertEquals([method, path, query], [
      "PUT",
      `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/a%2Fb%20c%25`,
      "",
    ]);
    assertEquals(headers.get("user-agent"), "test/1");
  });
});

Deno.test("sendEvent() returns the same event for the same txnId", async () => {
  await sendTest(async ({ homeserver, roomId, send }) => {
    assertEquals(await send(), await send());
    assertEquals(homeserver.events(roomId).length, 1);
  });
});
