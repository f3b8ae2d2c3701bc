import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { NotTheServiceError, TransportError } from "../../src/base/errors.ts";
import { MatrixError } from "../../src/matrix/errors.ts";
import { sendEvent } from "../../src/matrix/events.ts";
import type { MatrixClient } from "../../src/matrix/request.ts";
import { resolveAlias } from "../../src/matrix/rooms.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

type FaultName = Parameters<LoopbackHomeserver["fault"]>[0];

async function matrixTest(
  body: (
    t: { homeserver: LoopbackHomeserver; client: MatrixClient; roomId: string; send(txnId?: string): Promise<string> },
  ) => Promise<void>,
) {
  using runtime = fakeRuntime();
  await using homeserver = await LoopbackHomeserver.start({ now: () => TEST_TIME });
  const { userId, accessToken } = homeserver.addUser("bot");
  const roomId = homeserver.createRoom({ members: [userId], alias: "#alerts:loopback.test" });
  const client = {
    runtime,
    baseUrl: homeserver.url,
    credentials: { accessToken: () => accessToken },
    userAgent: "test/1",
  };
  const content = { msgtype: "m.text", body: "Hi", "m.mentions": {}, "dev.matrix-notify.id": "1" } as const;
  await body({
    homeserver,
    client,
    roomId,
    send: (txnId = "t") => sendEvent(client, content, { roomId, txnId, timeoutMs: 1000 }),
  });
}

Deno.test("sendEvent() puts the event into the room and returns its event_id", async () => {
  await matrixTest(async ({ homeserver, roomId, send }) => {
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

Deno.test("sendEvent() makes one event of the same txnId", async () => {
  await matrixTest(async ({ homeserver, roomId, send }) => {
    assertEquals(await send(), await send());
    assertEquals(homeserver.events(roomId).length, 1);
  });
});

const REFUSALS: [FaultName, status: number, errcode: string, retryAfterMs?: number][] = [
  ["429-retry-after-seconds", 429, "M_LIMIT_EXCEEDED", 3000],
  ["429-retry-after-date", 429, "M_LIMIT_EXCEEDED", 3000],
  ["429-retry-after-ms", 429, "M_LIMIT_EXCEEDED", 2500],
  ["429-bare", 429, "M_LIMIT_EXCEEDED"],
  ["unknown-token", 401, "M_UNKNOWN_TOKEN"],
  ["forbidden", 403, "M_FORBIDDEN"],
  ["not-found", 404, "M_NOT_FOUND"],
  ["too-large", 413, "M_TOO_LARGE"],
  ["unrecognized", 404, "M_UNRECOGNIZED"],
  ["500", 500, "M_UNKNOWN"],
];

for (const [fault, status, errcode, retryAfterMs] of REFUSALS) {
  Deno.test(`sendEvent() throws a MatrixError for ${fault}`, async () => {
    await matrixTest(async ({ homeserver, send }) => {
      homeserver.fault(fault, { retryAfterMs: 2500 });
      const error = await assertRejects(() => send(), MatrixError);
      assertEquals([error.status, error.errcode, error.retryAfterMs], [status, errcode, retryAfterMs]);
      assertStringIncludes(error.message, `answered ${status} ${errcode}`);
    });
  });
}

Deno.test("sendEvent() tells a soft logout from a hard one", async () => {
  await matrixTest(async ({ homeserver, send }) => {
    homeserver.fault("unknown-token", { times: 1 });
    assertEquals((await assertRejects(() => send(), MatrixError)).softLogout, false);
    homeserver.fault("soft-logout", { times: 1 });
    assertEquals((await assertRejects(() => send(), MatrixError)).softLogout, true);
  });
});

const STRANGERS: [FaultName, says: string][] = [
  ["captive-portal", "does not answer like a homeserver: 200, text/html"],
  ["redirect", "302, a redirect to portal.invalid"],
  ["502", "502, text/html"],
  ["too-large-page", "413, text/html"],
  ["no-event-id", "The answer has no event_id"],
];

for (const [fault, says] of STRANGERS) {
  Deno.test(`sendEvent() throws a NotTheServiceError for ${fault}`, async () => {
    await matrixTest(async ({ homeserver, send }) => {
      homeserver.fault(fault);
      assertStringIncludes((await assertRejects(() => send(), NotTheServiceError)).message, says);
    });
  });
}

for (const [fault, phase] of [["drop-after-persisting", "exchange"], ["refuse", "connect"]] as const) {
  Deno.test(`sendEvent() throws a TransportError with phase ${phase} for ${fault}`, async () => {
    await matrixTest(async ({ homeserver, send }) => {
      homeserver.fault(fault);
      const error = await assertRejects(() => send());
      assertInstanceOf(error, TransportError);
      assertEquals(error.phase, phase);
      await homeserver.clearFaults();
    });
  });
}

Deno.test("resolveAlias() finds the room, or hears that there is none", async () => {
  await matrixTest(async ({ client, roomId }) => {
    assertEquals(await resolveAlias(client, "#alerts:loopback.test", { timeoutMs: 1000 }), roomId);
    const error = await assertRejects(
      () => resolveAlias(client, "#none:loopback.test", { timeoutMs: 1000 }),
      MatrixError,
    );
    assertEquals(error.errcode, "M_NOT_FOUND");
  });
});
