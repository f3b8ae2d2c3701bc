import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ConfigError, StorageError } from "../../src/base/errors.ts";
import { Fields } from "../../src/base/fields.ts";
import { readServe } from "../../src/config/serve.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";
import { type Call, SENDERS, setStage } from "./http_stage.ts";

Deno.test("createHttpReceiver() delivers each protocol to the room, and answers as its server would", async () => {
  await using stage = await setStage({ hooks: { pve: { preset: "proxmox" }, any: { subject: "{{a.b}}" } } });
  const json = (value: unknown): Call => ({ body: JSON.stringify(value) });
  const alert = {
    status: "firing",
    labels: { alertname: "Disk" },
    fingerprint: "f1",
    startsAt: "2026-11-22T19:00:00Z",
  };
  const calls: readonly (readonly [path: string, call: Call, status: number, answer: RegExp, shown: string])[] = [
    ["/notify", json({ subject: "own", message: "text" }), 202, /^\{"ids":\["[-0-9a-f]{36}"\]\}\n$/, "own\n\ntext"],
    ["/notify", { body: "plain" }, 202, /ids/, "plain"],
    ["/topic", { body: "ntfy text", headers: { Tags: "warning" } }, 200, /^\{"id":"[0-9a-f]{12}".*\n$/, "⚠️ ntfy text"],
    ["/", json({ topic: "t", message: "ntfy JSON" }), 200, /"topic":"t"/, "ntfy JSON"],
    ["/message", json({ title: "gotify", message: "m" }), 200, /^\{"id":\d+,"appid":1,/, "gotify\n\nm"],
    ["/alertmanager", json({ version: "4", alerts: [alert] }), 200, /^ok\n$/, "Disk\n\nSince: 2026-11-22T19:00:00Z"],
    ["/uptime-kuma", json({ msg: "kuma", heartbeat: null, monitor: null }), 200, /^ok\n$/, "kuma"],
    ["/hooks/pve", json({ title: "pve", message: "m", severity: "error" }), 202, /ids/, "❌ pve\n\nm"],
    ["/hooks/any", json({ a: { b: "mapped" } }), 202, /ids/, "mapped"],
  ];
  for (const [path, call, status, pattern, shown] of calls) {
    const response = await stage.send(path, call);
    assertEquals(response.status, status, path);
    assertMatch(await response.text(), pattern);
    assertStringIncludes(stage.texts().at(-1) ?? "", shown);
  }
  assertEquals(stage.texts().length, calls.length);
});

Deno.test("createHttpReceiver() resolves the incident of an alert in the room", async () => {
  await using stage = await setStage({});
  const alert = { status: "firing", labels: { alertname: "Disk" }, fingerprint: "f1" };
  for (const status of ["firing", "firing", "resolved"]) {
    await stage.send("/alertmanager", { body: JSON.stringify({ alerts: [{ ...alert, status }] }) });
  }
  assertEquals(stage.texts().map((text) => text.includes("✅ Resolved")), [false, true]);
});

Deno.test("createHttpReceiver() makes one notification of a repeated request with the same key", async () => {
  await using stage = await setStage({});
  const ids = [];
  for (const id of ["a", "a", "b"]) {
    const response = await stage.send("/notify", { body: "x", headers: { "Idempotency-Key": id } });
    ids.push((await response.json()).ids[0]);
  }
  assertEquals(stage.texts().length, 2);
  assertEquals([ids[0] === ids[1], ids[1] === ids[2]], [true, false]);
});

Deno.test("createHttpReceiver() knows a sender by its token in every place, and by its network", async () => {
  await using stage = await setStage(SENDERS);
  const basic = (login: string) => `Basic ${btoa(login)}`;
  const status = async (path: string, headers: Record<string, string> = {}, ip?: string) =>
    (await stage.send(path, { headers, body: "x", ip })).status;
  assertEquals(await status("/notify"), 401);
  assertEquals(await status("/notify", { Authorization: "Bearer tk-monitor" }), 202);
  assertEquals(await status("/notify", { Authorization: "bearer  tk-monitor" }), 202);
  assertEquals(await status("/notify", { Authorization: basic("user:tk-monitor") }), 202);
  assertEquals(await status("/notify", { Authorization: basic(":tk-monitor") }), 202);
  assertEquals(await status("/notify", { Authorization: basic("tk-monitor") }), 202);
  assertEquals(await status("/message", { "X-Gotify-Key": "tk-monitor" }), 200);
  assertEquals(await status("/message", { "X-Gotify-Token": "tk-monitor" }), 200);
  assertEquals(await status("/message?token=tk-monitor"), 200);
  const auth = btoa("Bearer tk-monitor").replace(/=+$/, "");
  assertEquals(await status(`/topic?auth=${auth}`), 200);
  assertEquals(await status("/topic?auth=tk-monitor"), 200);
  assertEquals(await status("/notify", { Authorization: "Bearer tk-monitor2" }), 401);
  assertEquals(await status("/notify", { Authorization: "Bearer tk-router" }), 401);
  assertEquals(await status("/notify", { Authorization: "Bearer tk-router" }, "192.168.88.1"), 202);
  assertEquals(await status("/notify", {}, "192.168.88.1"), 401);
  assertEquals(await status("/notify", {}, "10.1.2.3"), 202);
  assertEquals(await status("/notify", {}, "::ffff:10.1.2.3"), 202);
  assertEquals(await status("/notify", {}, "fd00::1"), 202);
});

Deno.test("createHttpReceiver() refuses only the sender whose token cannot be read", async () => {
  await using stage = await setStage({ senders: { ...SENDERS.senders, other: { tokenFile: "/none/token" } } });
  const status = async (token: string) =>
    (await stage.send("/notify", { body: "x", headers: { Authorization: `Bearer ${token}` } })).status;
  assertEquals([await status("tk-monitor"), await status("tk-other")], [202, 401]);
});

Deno.test("createHttpReceiver() sets the origin and the channels of a sender, and keeps the ids of senders apart", async () => {
  await using stage = await setStage(SENDERS);
  const body = JSON.stringify({ subject: "s", origin: "other", id: "1" });
  const router = { body, headers: { Authorization: "Bearer tk-router" }, ip: "192.168.88.1" };
  await stage.send("/notify", router);
  await stage.send("/notify", { body, headers: { Authorization: "Bearer tk-monitor" } });
  assertEquals(stage.accepted.map(({ input, options }) => [input.origin, options]), [
    ["core1", { id: "1", sender: "http router" }],
    ["other", { channels: ["matrix"], id: "1", sender: "http monitor" }],
  ]);
  assertEquals(stage.texts().length, 2);
});

Deno.test("createHttpReceiver() refuses in the format of the protocol, and logs no token", async () => {
  await using stage = await setStage(SENDERS);
  const response = await stage.send("/topic", { body: "x", headers: { Authorization: "Bearer secret-guess" } });
  assertEquals(response.headers.get("WWW-Authenticate"), 'Basic realm="matrix-notify"');
  assertEquals((await response.json()).code, 40101);
  assertEquals(stage.log, ["http: refused 127.0.0.1 (ntfy): a token is missing or wrong (logged once an hour)"]);
});

Deno.test("createHttpReceiver() logs each reason of a refusal once an hour for an address", async () => {
  await using stage = await setStage(SENDERS);
  const refuse = async (path: string, call: Call = {}) => void await (await stage.send(path, call)).body?.cancel();
  const login = { identifier: { type: "m.id.user", user: "nas" }, password: "guess", type: "m.login.password" };
  for (const path of ["/notify", "/message", "/_matrix/client/v3/login", "/hooks/none"]) {
    for (const ip of ["203.0.113.1", "203.0.113.1", "203.0.113.2"]) {
      await refuse(path, { body: JSON.stringify(login), ip });
    }
  }
  await refuse("/favicon.ico", { method: "GET", ip: "203.0.113.3" });
  await refuse("/_matrix/client/v3/login", { body: JSON.stringify(login), ip: "203.0.113.4" });
  const token = "a token is missing or wrong (logged once an hour)";
  const path = "there is no such path, or it takes another method (logged once an hour)";
  assertEquals(stage.log, [
    `http: refused 203.0.113.1 (notify): ${token}`,
    `http: refused 203.0.113.2 (notify): ${token}`,
    `http: refused 203.0.113.1 (unknown path): ${path}`,
    `http: refused 203.0.113.2 (unknown path): ${path}`,
    `http: refused 203.0.113.4 (matrix): ${token}`,
  ]);
  stage.scene.runtime.time += 3_600_000;
  await refuse("/notify", { body: "x", ip: "203.0.113.1" });
  assertEquals(stage.log.length, 6);
});

Deno.test("createHttpReceiver() decodes a compressed body, and refuses more than 8 MiB of decoded bytes", async () => {
  await using stage = await setStage({});
  const send = async (path: string, text: string) => {
    const body = await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
    return (await stage.send(path, { headers: { "Content-Encoding": "gzip" }, body })).status;
  };
  assertEquals(await send("/notify", '{"subject":"own","message":"text"}'), 202);
  assertEquals(await send("/topic", "ntfy text"), 200);
  assertEquals(await send("/notify", "x".repeat(9e6)), 413);
  assertEquals(stage.texts(), ["[jump] own\n\ntext", "[jump] ntfy text"]);
});

Deno.test("createHttpReceiver() refuses more than 8 MiB, and takes 8 MiB", async () => {
  await using stage = await setStage({});
  const size = 8 * 2 ** 20;
  const accepted: number[] = [];
  stage.accept = ({ message }) => {
    accepted.push(String(message).length);
    return Promise.resolve({ outcomes: [], problems: [] });
  };
  assertEquals((await stage.send("/notify", { body: "x".repeat(size) })).status, 202);
  const refused = await stage.send("/notify", { body: "x".repeat(size + 1) });
  assertEquals([refused.status, await refused.text()], [413, '{"error":"the request is larger than 8 MiB"}\n']);
  assertEquals(accepted, [size]);
});

Deno.test("createHttpReceiver() limits the rate of each sender and of wrong tokens by themselves", async () => {
  await using stage = await setStage({ ...SENDERS, rateLimit: { count: 2, per: "1m" } });
  const status = async (token: string, ip = "127.0.0.1") => {
    const response = await stage.send("/notify", { body: "x", headers: { Authorization: `Bearer ${token}` }, ip });
    return [response.status, response.headers.get("Retry-After")];
  };
  assertEquals(await status("wrong"), [401, null]);
  assertEquals(await status("wrong"), [401, null]);
  assertEquals(await status("wrong"), [429, "30"]);
  assertEquals(await status("tk-monitor"), [202, null]);
  assertEquals(await status("tk-monitor"), [202, null]);
  assertEquals(await status("tk-monitor"), [429, "30"]);
  assertEquals(stage.log.splice(0), [
    "http: refused 127.0.0.1 (notify): a token is missing or wrong (logged once an hour)",
    "http: refused 127.0.0.1 (notify): too many requests (logged once an hour)",
    "http monitor: refused 127.0.0.1 (notify): too many requests (logged once an hour)",
  ]);
  assertEquals(await status("tk-monitor", "127.0.0.2"), [202, null]);
});

Deno.test("createHttpReceiver() answers that the client must try again if nothing could be stored", async () => {
  await using stage = await setStage({});
  stage.accept = () => Promise.reject(new StorageError("disk-full", "Cannot write: the disk is full"));
  const response = await stage.send("/notify", { body: "x" });
  assertEquals([response.status, response.headers.get("Retry-After")], [503, "60"]);
  assertEquals(stage.log, [
    "http local: Cannot write: the disk is full (free some disk space; notifications that are already queued are safe)",
  ]);
  const refused = { id: "1", channel: "matrix", destination: "!a:b", state: "refused", reason: "full" } as const;
  stage.accept = () => Promise.resolve({ outcomes: [refused], problems: [] });
  assertEquals((await stage.send("/notify", { body: "x" })).status, 503);
});

Deno.test("createHttpReceiver() has no other paths", async () => {
  await using stage = await setStage({});
  const status = async (path: string, method = "POST") =>
    (await stage.send(path, { method, body: method === "GET" ? null : "x" })).status;
  assertEquals(await status("/a/b/c"), 404);
  assertEquals(await status("/hooks/none"), 404);
  assertEquals(await status("/notify", "GET"), 404);
  assertEquals(await status("/notify", "DELETE"), 404);
});

Deno.test("createHttpReceiver() shows its health without a token, and its metrics only with one", async () => {
  await using stage = await setStage(SENDERS);
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await stage.send(path, { method: "GET", headers });
    return [response.status, await response.text()] as const;
  };
  assertEquals(await get("/healthz"), [200, "ok\n"]);
  assertEquals((await get("/metrics"))[0], 401);
  await stage.send("/notify", { body: "x", headers: { Authorization: "Bearer tk-monitor" } });
  const [status, text] = await get("/metrics", { Authorization: "Bearer tk-monitor" });
  assertEquals(status, 200);
  assertStringIncludes(text, 'matrix_notify_queue_entries{state="queued"} 0\n');
  assertStringIncludes(text, 'matrix_notify_http_requests_total{protocol="notify",code="202"} 1\n');
  assertStringIncludes(text, 'matrix_notify_http_notifications_total{protocol="notify"} 1\n');
  assertEquals((await get("/v1/health"))[1], '{"healthy":true}\n');
});

Deno.test("createHttpReceiver() fails its health check when an entry waits for longer than maxAge", async () => {
  await using stage = await setStage({ maxAge: "10m" });
  stage.scene.homeserver.fault("502");
  await stage.send("/notify", { body: "x" });
  stage.scene.runtime.time += 601_000;
  const response = await stage.send("/healthz", { method: "GET" });
  assertEquals(response.status, 503);
  assertMatch(await response.text(), /^the oldest entry has waited for \d+ s\n$/);
});

Deno.test("readServe() permits a listener without senders only at addresses that other hosts cannot reach", () => {
  const accepts = (http: unknown) => {
    const problems: ConfigError[] = [];
    return readServe(new Fields({ serve: { http } }, "", {}, problems), PARSE_CONTEXT) !== undefined;
  };
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"]) {
    assertEquals([host, accepts({ host })], [host, true]);
  }
  for (const host of ["0.0.0.0", "0", "::", "0:0::0", "::ffff:0.0.0.0", "192.168.88.2", "fd00::2", "jump.lan"]) {
    assertEquals([host, accepts({ host })], [host, false]);
    assertEquals([host, accepts({ host, senders: { lan: { networks: ["10.0.0.0/8"] } } })], [host, true]);
    assertEquals([host, accepts({ host, senders: { lan: { origin: "lan" } } })], [host, false]);
  }
});

Deno.test("createHttpReceiver() shows the status page only to a sender with a token in a header", async () => {
  await using stage = await setStage({
    senders: { ...SENDERS.senders, nas: { token: "tk-nas", statusPage: false } },
  });
  const get = async (headers: Record<string, string> = {}, path = "/", ip?: string) => {
    const response = await stage.send(path, { method: "GET", headers, ip });
    return [response.status, response.headers.get("WWW-Authenticate"), await response.text()] as const;
  };
  const challenge = 'Basic realm="matrix-notify"';
  const signIn = "sign in with any name, and the token of a sender as the password\n";
  assertEquals(await get(), [401, challenge, signIn]);
  assertEquals(await get({ Authorization: `Basic ${btoa("me:wrong")}` }), [401, challenge, signIn]);
  // The address of a page stays in the history of the browser.
  assertEquals(await get({}, "/?token=tk-monitor"), [401, challenge, signIn]);
  // A network does not identify a person.
  assertEquals(await get({}, "/", "10.1.2.3"), [401, challenge, signIn]);
  assertEquals((await get({ Authorization: "Bearer tk-nas" }))[0], 403);
  const [status, , page] = await get({ Authorization: `Basic ${btoa("me:tk-monitor")}` });
  assertEquals([status, page.includes("<h1>Nothing is waiting</h1>")], [200, true]);
  assertEquals((await stage.send("/", { body: JSON.stringify({ topic: "t", message: "x" }) })).status, 401);
});

Deno.test("createHttpReceiver() shows no status page without senders with a token", async () => {
  await using stage = await setStage({});
  const response = await stage.send("/", { method: "GET" });
  assertEquals([response.status, response.headers.get("WWW-Authenticate")], [403, null]);
  assertStringIncludes(await response.text(), "needs the token of a sender");
});

Deno.test("createHttpReceiver() answers HEAD as GET, and refreshes the page only if the reader wants it", async () => {
  await using stage = await setStage(SENDERS);
  const headers = { Authorization: "Bearer tk-monitor" };
  const [head, get, refresh] = await Promise.all([
    stage.send("/", { method: "HEAD", headers }),
    stage.send("/", { method: "GET", headers }),
    stage.send("/?refresh", { method: "GET", headers }),
  ]);
  assertEquals([head.status, [...head.headers]], [200, [...get.headers]]);
  assertEquals([get.headers.get("Refresh"), refresh.headers.get("Refresh")], [null, "60"]);
});

Deno.test("createHttpReceiver() shows what waits and what is dead, and summarizes the queue once a second", async () => {
  await using stage = await setStage(SENDERS);
  const headers = { Authorization: "Bearer tk-monitor" };
  const read = async () => await (await stage.send("/", { method: "GET", headers })).text();
  stage.scene.homeserver.fault("502", { times: 1 });
  await stage.send("/notify", { body: '{"subject": "<b>Disk full</b>"}', headers });
  const page = await read();
  assertStringIncludes(page, "<h1>1 notification waiting</h1>");
  assertStringIncludes(page, "<bdi>&lt;b&gt;Disk full&lt;/b&gt;</bdi>");
  assertMatch(page, /502.*Next attempt at <time datetime="[-+:.T\d]+">/s);
  await stage.send("/notify", { body: "second", headers });
  assertEquals((await read()).includes("second"), false);
  stage.scene.runtime.time += 1000;
  assertStringIncludes(await read(), "second");
});

Deno.test("createHttpReceiver() limits wrong tokens and readers of the page, apart from notifications", async () => {
  await using stage = await setStage({ ...SENDERS, rateLimit: { count: 2, per: "1m" } });
  const read = async (token: string, path = "/") => {
    const response = await stage.send(path, { method: "GET", headers: { Authorization: `Bearer ${token}` } });
    return [response.status, response.headers.get("Retry-After")];
  };
  assertEquals([await read("wrong"), await read("wrong", "/metrics")], [[401, null], [401, null]]);
  assertEquals([await read("wrong"), await read("wrong", "/metrics")], [[429, "30"], [429, "30"]]);
  assertEquals([await read("tk-monitor"), await read("tk-monitor")], [[200, null], [200, null]]);
  assertEquals(await read("tk-monitor"), [429, "30"]);
  const sent = await stage.send("/notify", { body: "x", headers: { Authorization: "Bearer tk-monitor" } });
  assertEquals(sent.status, 202);
});
