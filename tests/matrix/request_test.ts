import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { NotTheServiceError, TransportError } from "../../src/base/errors.ts";
import { whoami } from "../../src/matrix/account.ts";
import { MatrixError } from "../../src/matrix/errors.ts";
import { findEvent, uploadMedia } from "../../src/matrix/events.ts";
import { createRoom, joinedRooms, joinRoom, resolveAlias } from "../../src/matrix/rooms.ts";
import { login, refreshTokens } from "../../src/matrix/session.ts";
import { syncRooms } from "../../src/matrix/sync.ts";
import type { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { LIMITS, matrixTest, sendTest } from "./scene.ts";

type FaultName = Parameters<LoopbackHomeserver["fault"]>[0];

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
  Deno.test(`request() throws a MatrixError for ${fault}`, async () => {
    await sendTest(async ({ homeserver, send }) => {
      homeserver.fault(fault, { retryAfterMs: 2500 });
      const error = await assertRejects(() => send(), MatrixError);
      assertEquals([error.status, error.errcode, error.retryAfterMs], [status, errcode, retryAfterMs]);
      assertStringIncludes(error.message, `answered ${status} ${errcode}`);
    });
  });
}

Deno.test("request() distinguishes a soft logout from a hard one", async () => {
  await sendTest(async ({ homeserver, send }) => {
    homeserver.fault("unknown-token", { times: 1 });
    assertEquals((await assertRejects(() => send(), MatrixError)).softLogout, false);
    homeserver.fault("soft-logout", { times: 1 });
    assertEquals((await assertRejects(() => send(), MatrixError)).softLogout, true);
  });
});

const OTHER_SERVICES: [FaultName, expected: string][] = [
  ["captive-portal", "does not answer like a homeserver: 200, text/html"],
  ["redirect", "302, a redirect to portal.invalid"],
  ["502", "502, text/html"],
  ["too-large-page", "413, text/html"],
  ["no-event-id", "The answer has no event_id"],
];

for (const [fault, expected] of OTHER_SERVICES) {
  Deno.test(`request() throws a NotTheServiceError for ${fault}`, async () => {
    await sendTest(async ({ homeserver, send }) => {
      homeserver.fault(fault);
      assertStringIncludes((await assertRejects(() => send(), NotTheServiceError)).message, expected);
    });
  });
}

for (const [fault, phase] of [["drop-after-persisting", "exchange"], ["refuse", "connect"]] as const) {
  Deno.test(`request() throws a TransportError with phase ${phase} for ${fault}`, async () => {
    await sendTest(async ({ homeserver, send }) => {
      homeserver.fault(fault);
      const error = await assertRejects(() => send());
      assertInstanceOf(error, TransportError);
      assertEquals(error.phase, phase);
      await homeserver.clearFaults();
    });
  });
}

Deno.test("whoami(), joinRoom() and the other requests reject ids with escape sequences", async () => {
  await matrixTest(async ({ homeserver, bot }) => {
    homeserver.fault("hostile-ids", { on: "any" });
    const where = { roomId: "!a", ...LIMITS };
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      room_id: () => resolveAlias(bot, "#a:loopback.test", LIMITS),
      user_id: () => whoami(bot, LIMITS),
      next_batch: () => syncRooms(bot, LIMITS),
      end: () => findEvent(bot, { id: "1", since: 0, ...where }),
      content_uri: () => uploadMedia(bot, { bytes: new Uint8Array(1), type: "text/plain", name: "a" }, LIMITS),
      access_token: () => refreshTokens(bot, "x", LIMITS),
    };
    for (const [field, call] of Object.entries(calls)) {
      await assertRejects(call, NotTheServiceError, `The answer has no ${field}`);
    }
    const proof = { type: "m.login.token", token: "t" } as const;
    await assertRejects(() => login(bot, { proof, deviceId: "D" }, LIMITS), NotTheServiceError, "no user_id");
    for (const create of [() => createRoom(bot, LIMITS), () => joinRoom(bot, "!a", LIMITS)]) {
      await assertRejects(create, NotTheServiceError, "no room_id");
    }
    assertEquals(await joinedRooms(bot, LIMITS), ["!b"]);
  });
});

const ANSWERS: readonly (readonly [body: Readonly<Record<string, unknown>>, expected: string])[] = [
  [{ errcode: "constructor", error: "x" }, "MatrixError: m.example answered 403 constructor: x"],
  [{ errcode: "__proto__", error: 5 }, "MatrixError: m.example answered 403 __proto__"],
  [
    { errcode: "M_FORBIDDEN", error: "x".repeat(10_000) },
    `MatrixError: m.example answered 403 M_FORBIDDEN: ${"x".repeat(300)}`,
  ],
  [{ errcode: "M\x1b[2J" }, "NotTheServiceError: m.example does not answer like a homeserver: 403, application/json"],
  [
    { errcode: "M".repeat(500_000) },
    "NotTheServiceError: m.example does not answer like a homeserver: 403, application/json",
  ],
  [{ errcode: {} }, "NotTheServiceError: m.example does not answer like a homeserver: 403, application/json"],
];

for (const [body, expected] of ANSWERS) {
  Deno.test(`request() reports ${JSON.stringify(body).slice(0, 50)} in a short message`, async () => {
    const fetch = () => Promise.resolve(Response.json(body, { status: 403 }));
    using runtime = fakeRuntime({ fetch });
    const client = { runtime, baseUrl: "https://m.example", userAgent: "test/1" };
    assertEquals(`${await assertRejects(() => whoami(client, LIMITS))}`, expected);
  });
}
