import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { HomeserverFaultName } from "../../src/testing/mod.ts";
import { openScene, type SeenAnswer } from "./scene.ts";

/** For each fault with an answer: status, errcode, Retry-After, whether the event is stored. */
const ANSWERS: Readonly<Partial<Record<HomeserverFaultName, string>>> = {
  "slow": "200 - - kept",
  "slow-after-persisting": "200 - - kept",
  "500": "500 M_UNKNOWN - lost",
  "502": "502 page - lost",
  "502-after-persisting": "502 page - kept",
  "503": "503 M_UNKNOWN - lost",
  "504-after-persisting": "504 page - kept",
  "429-retry-after-seconds": "429 M_LIMIT_EXCEEDED 5 lost",
  "429-retry-after-date": "429 M_LIMIT_EXCEEDED Sun, 22 Nov 2026 20:00:05 GMT lost",
  "429-retry-after-ms": "429 M_LIMIT_EXCEEDED - lost",
  "429-bare": "429 M_LIMIT_EXCEEDED - lost",
  "429-after-persisting": "429 M_LIMIT_EXCEEDED 5 kept",
  "unknown-token": "401 M_UNKNOWN_TOKEN - lost",
  "soft-logout": "401 M_UNKNOWN_TOKEN - lost",
  "missing-token": "401 M_MISSING_TOKEN - lost",
  "user-locked": "401 M_USER_LOCKED - lost",
  "user-suspended": "403 M_USER_SUSPENDED - lost",
  "user-deactivated": "403 M_USER_DEACTIVATED - lost",
  "consent-not-given": "403 M_CONSENT_NOT_GIVEN - lost",
  "resource-limit-exceeded": "403 M_RESOURCE_LIMIT_EXCEEDED - lost",
  "forbidden": "403 M_FORBIDDEN - lost",
  "not-found": "404 M_NOT_FOUND - lost",
  "unsupported-room-version": "400 M_UNSUPPORTED_ROOM_VERSION - lost",
  "bad-json": "400 M_BAD_JSON - lost",
  "not-json": "400 M_NOT_JSON - lost",
  "invalid-param": "400 M_INVALID_PARAM - lost",
  "too-large": "413 M_TOO_LARGE - lost",
  "too-large-bad-json": "413 M_BAD_JSON - lost",
  "too-large-page": "413 page - lost",
  "captive-portal": "200 page - lost",
  "redirect": "302 - - lost",
  "unrecognized": "404 M_UNRECOGNIZED - lost",
  "no-event-id": "200 - - lost",
  "endless-pages": "200 - - lost",
  "hostile-ids": "200 - - lost",
};

function summary({ status, json, headers }: SeenAnswer, kept: boolean): string {
  const isPage = headers.get("content-type")?.startsWith("text/html");
  const errcode = json.errcode ?? (isPage ? "page" : "-");
  return `${status} ${errcode} ${headers.get("retry-after") ?? "-"} ${kept ? "kept" : "lost"}`;
}

Deno.test("fault() answers a message with the error of its name", async () => {
  const now = () => Date.UTC(2026, 10, 22, 20) - 500;
  await using scene = await openScene({ now, sleep: () => Promise.resolve() });
  const { homeserver } = scene;
  const seen: Partial<Record<string, string>> = {};
  for (const name of Object.keys(ANSWERS) as HomeserverFaultName[]) {
    homeserver.fault(name, { retryAfterMs: 4_700 });
    const answer = await scene.send(name);
    seen[name] = summary(answer, scene.texts().includes(name));
    assertEquals(homeserver.requests.at(-1)?.fault, name);
    await homeserver.clearFaults();
  }
  assertEquals(seen, ANSWERS);
});

Deno.test("fault() uses its details in the answer", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  const bodyOf = async (name: HomeserverFaultName) => {
    homeserver.fault(name, { times: 1, location: "http://elsewhere.test/" });
    return await scene.send("1");
  };
  assertEquals((await bodyOf("429-retry-after-ms")).json.retry_after_ms, 2000);
  assertEquals((await bodyOf("429-retry-after-date")).json.retry_after_ms, undefined);
  assertEquals((await bodyOf("429-bare")).json.retry_after_ms, undefined);
  assertEquals((await bodyOf("unknown-token")).json.soft_logout, false);
  assertEquals((await bodyOf("soft-logout")).json.soft_logout, true);
  assertEquals((await bodyOf("redirect")).headers.get("location"), "http://elsewhere.test/");
  assertEquals((await bodyOf("no-event-id")).text, "{}");
});

for (const [name, texts] of [["drop-before-persisting", []], ["drop-after-persisting", ["1"]]] as const) {
  Deno.test(`fault("${name}") cuts the connection and stores ${texts.length} events`, async () => {
    await using scene = await openScene();
    const fault = scene.homeserver.fault(name, { times: 1 });
    await assertRejects(() => scene.send("1"), TypeError);
    assertEquals(scene.texts(), [...texts]);
    assertEquals(scene.homeserver.requests.map(({ status }) => status), ["cut"]);
    assertEquals((await scene.send("1")).status, 200);
    assertEquals([scene.texts(), fault.applied], [["1"], 1]);
  });
}

for (const [name, texts] of [["hang", []], ["hang-after-persisting", ["1"]]] as const) {
  Deno.test(`fault("${name}") never answers and stores ${texts.length} events`, async () => {
    await using scene = await openScene();
    const { homeserver } = scene;
    homeserver.fault(name);
    const patience = new AbortController();
    const waiting = scene.send("1", { signal: patience.signal });
    await homeserver.received(({ fault, handled }) => fault === name && handled === texts.length > 0);
    assertEquals(scene.texts(), [...texts]);
    patience.abort(new Error("Out of patience"));
    await assertRejects(() => waiting, Error, "Out of patience");
    await homeserver.received(({ status }) => status === "cut");
    assertEquals(scene.texts(), [...texts]);
  });
}

Deno.test("clearFaults() cuts requests that hang", async () => {
  await using scene = await openScene();
  scene.homeserver.fault("hang");
  const waiting = assertRejects(() => scene.send("1"), TypeError);
  await scene.homeserver.received(({ status }) => status === "pending");
  await scene.homeserver.clearFaults();
  await waiting;
  assertEquals((await scene.send("1")).status, 200);
});

Deno.test("fault('slow') processes a request late although the client has disconnected", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  const gate = Promise.withResolvers<void>();
  homeserver.fault("slow", { until: gate.promise });
  const patience = new AbortController();
  const waiting = scene.send("1", { signal: patience.signal });
  await homeserver.received(({ status }) => status === "pending");
  patience.abort(new Error("Out of patience"));
  await assertRejects(() => waiting, Error, "Out of patience");
  await homeserver.received(({ status }) => status === "cut");
  assertEquals(scene.texts(), []);
  gate.resolve();
  const { status } = await homeserver.received(({ handled }) => handled);
  assertEquals([status, scene.texts()], ["cut", ["1"]]);
});

Deno.test("fault('slow-after-persisting') processes at once and answers late", async () => {
  await using scene = await openScene();
  const gate = Promise.withResolvers<void>();
  scene.homeserver.fault("slow-after-persisting", { until: gate.promise });
  const waiting = scene.send("1");
  const { status } = await scene.homeserver.received(({ handled }) => handled);
  assertEquals([status, scene.texts()], ["pending", ["1"]]);
  gate.resolve();
  assertEquals((await waiting).status, 200);
});

Deno.test("fault('slow') uses the sleep of the server", async () => {
  const slept: number[] = [];
  const sleep = (ms: number) => {
    slept.push(ms);
    return Promise.resolve();
  };
  await using scene = await openScene({ sleep });
  scene.homeserver.fault("slow", { times: 1 });
  scene.homeserver.fault("slow-after-persisting", { delayMs: 60_000 });
  await scene.send("1");
  await scene.send("2");
  assertEquals(slept, [1000, 60_000]);
});

Deno.test("fault('refuse') refuses connections until clearFaults()", async () => {
  await using scene = await openScene();
  scene.homeserver.fault("refuse");
  await assertRejects(() => scene.send("1"), TypeError);
  await scene.homeserver.restart();
  await assertRejects(() => scene.send("1"), TypeError);
  assertEquals(scene.homeserver.requests, []);
  await scene.homeserver.clearFaults();
  assertEquals((await scene.send("1")).status, 200);
  await scene.homeserver.restart();
  assertEquals((await scene.send("2")).status, 200);
});

Deno.test("fault('slow') applies to all endpoints when on is any", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const bob = homeserver.addUser("bob");
  const roomId = homeserver.createRoom({ members: [bob.userId], public: true });
  const gate = Promise.withResolvers<void>();
  homeserver.fault("slow", { on: "join", until: gate.promise });
  const joining = scene.ask("POST", `/_matrix/client/v3/join/${roomId}`, { body: "{}" });
  await homeserver.received(({ fault }) => fault === "slow");
  homeserver.removeMember(roomId, alice.userId);
  gate.resolve();
  assertEquals((await joining).status, 200);
  assertEquals((await scene.send("1", { roomId })).status, 200);
});

Deno.test("fault() applies to every second request, at most as often as times allows", async () => {
  await using scene = await openScene();
  scene.homeserver.fault("503", { every: 2, times: 2 });
  const statuses = [];
  for (let number = 1; number <= 6; number++) statuses.push((await scene.send(String(number))).status);
  assertEquals(statuses, [200, 503, 200, 503, 200, 200]);
});

Deno.test("fault() does not apply to other endpoints by default", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  const get = async (path: string) => (await scene.ask("GET", path)).status;
  homeserver.fault("503");
  assertEquals([await get("/_matrix/client/versions"), (await scene.send("1")).status], [200, 503]);
  await homeserver.clearFaults();
  homeserver.fault("503", { on: "versions" });
  assertEquals([await get("/_matrix/client/versions"), (await scene.send("1")).status], [503, 200]);
  await homeserver.clearFaults();
  homeserver.fault("503", { on: "any" });
  assertEquals([await get("/nowhere"), (await scene.send("1")).status], [503, 503]);
});

Deno.test("fault() applies only to requests that match its condition", async () => {
  await using scene = await openScene();
  scene.homeserver.fault("forbidden", { where: ({ body }) => body.includes("secret") });
  assertEquals((await scene.send("harmless")).status, 200);
  assertEquals((await scene.send("secret")).status, 403);
});

Deno.test("fault() applies the first that is due when several are active", async () => {
  await using scene = await openScene();
  scene.homeserver.fault("500", { times: 1 });
  scene.homeserver.fault("503", { every: 2 });
  const statuses = [];
  for (let number = 1; number <= 3; number++) statuses.push((await scene.send(String(number))).status);
  assertEquals(statuses, [500, 200, 503]);
});

Deno.test("fault() throws a RangeError when it can never apply", async () => {
  await using scene = await openScene();
  assertThrows(() => scene.homeserver.fault("500", { every: 0 }), RangeError, "every is 0");
  assertThrows(() => scene.homeserver.fault("500", { times: 1.5 }), RangeError, "times is 1.5");
});
