import { assertEquals } from "@std/assert";
import { maxUploadBytes } from "../../src/matrix/events.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { LIMITS, sendTest } from "./scene.ts";

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

Deno.test("maxUploadBytes() ignores a size that is no whole number of bytes", async () => {
  for (
    const [size, expected] of [
      [0, undefined],
      [-1, undefined],
      [1e306, undefined],
      [0.5, undefined],
      [
        "50",
        undefined,
      ],
      [null, undefined],
      [1, 1],
    ] as const
  ) {
    const fetch = () => Promise.resolve(Response.json({ "m.upload.size": size }));
    using runtime = fakeRuntime({ fetch });
    const client = { runtime, baseUrl: "https://m.example", userAgent: "test/1" };
    assertEquals(await maxUploadBytes(client, LIMITS), expected, `${size}`);
  }
});
