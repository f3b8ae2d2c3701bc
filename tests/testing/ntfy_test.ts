import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { LoopbackNtfy, type NtfyFaultName, type NtfyOptions } from "../../src/testing/mod.ts";
import { openClient, type RequestParts, type SeenAnswer } from "./scene.ts";

interface NtfyScene extends AsyncDisposable {
  readonly ntfy: LoopbackNtfy;
  readonly ask: (method: string, path: string, parts?: RequestParts) => Promise<SeenAnswer>;
  readonly publish: (body: unknown) => Promise<SeenAnswer>;
}

async function openNtfy(options: NtfyOptions = {}): Promise<NtfyScene> {
  const ntfy = await LoopbackNtfy.start(options);
  const client = openClient();
  const ask: NtfyScene["ask"] = (method, path, parts) => client.ask(method, ntfy.url + path, parts);
  return {
    ntfy,
    ask,
    publish: (body) => ask("POST", "/", { body: JSON.stringify(body) }),
    async [Symbol.asyncDispose]() {
      await ntfy[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
}

Deno.test("LoopbackNtfy accepts a message in JSON", async () => {
  await using scene = await openNtfy({ now: () => 1_800_000_000_999 });
  const { status, json } = await scene.publish({
    topic: "alerts",
    title: "Router",
    message: "WAN is down ",
    priority: 5,
    tags: ["warning"],
    click: "https://router.test/",
    icon: "https://router.test/icon.png",
    markdown: true,
    sequence_id: "wan-1",
    unknown: { is: "skipped" },
  });
  assertEquals(status, 200);
  assertMatch(String(json.id), /^[A-Za-z0-9]{12}$/);
  assertEquals(json, {
    id: json.id,
    time: 1_800_000_000,
    expires: 1_800_043_200,
    event: "message",
    topic: "alerts",
    message: "WAN is down",
    sequence_id: "wan-1",
    title: "Router",
    priority: 5,
    tags: ["warning"],
    click: "https://router.test/",
    icon: "https://router.test/icon.png",
    content_type: "text/markdown",
  });
  assertEquals(scene.ntfy.messages("alerts").map(({ message }) => message), ["WAN is down"]);
  assertEquals(scene.ntfy.messages("other"), []);
});

Deno.test("LoopbackNtfy omits fields with default values", async () => {
  await using scene = await openNtfy();
  const { json } = await scene.publish({ topic: "alerts", priority: 0, title: null });
  assertEquals(Object.keys(json).sort(), ["event", "expires", "id", "message", "time", "topic"]);
  assertEquals(json.message, "triggered");
});

Deno.test("LoopbackNtfy accepts a text with headers", async () => {
  await using scene = await openNtfy();
  const headers = {
    "Title": "Router",
    "X-Priority": "urgent",
    "ta": "a, b",
    "Click": "https://x.test/",
    "Markdown": "yes",
  };
  const { json } = await scene.ask("PUT", "/alerts", { body: "**down**", headers });
  const { title, message, priority, tags, click, content_type } = json;
  assertEquals([title, message, priority, tags, click, content_type], [
    "Router",
    "**down**",
    5,
    ["a", "b"],
    "https://x.test/",
    "text/markdown",
  ]);
  assertEquals((await scene.ask("POST", "/alerts?message=hello&prio=low", {})).json.message, "hello");
  assertEquals(scene.ntfy.messages("alerts").map(({ priority }) => priority), [5, 2]);
});

Deno.test("LoopbackNtfy rejects a wrong message with ntfy's error codes", async () => {
  await using scene = await openNtfy();
  const code = async (method: string, path: string, parts: RequestParts) => {
    const { status, json } = await scene.ask(method, path, parts);
    assertEquals(json.http, status);
    return json.code;
  };
  const json = (value: unknown) => code("POST", "/", { body: JSON.stringify(value) });
  assertEquals(await json({ message: "x" }), 40009);
  assertEquals(await json({ topic: "no spaces" }), 40009);
  assertEquals(await json({ topic: "x".repeat(65) }), 40009);
  assertEquals(await json({ topic: "docs" }), 40010);
  assertEquals(await json({ topic: "a", priority: 6 }), 40007);
  assertEquals(await json({ topic: "a", priority: "5" }), 40024);
  assertEquals(await json({ topic: "a", priority: 1.5 }), 40024);
  assertEquals(await json({ topic: "a", tags: "b" }), 40024);
  assertEquals(await json({ topic: "a", sequence_id: "a b" }), 40049);
  assertEquals(await json([]), 40024);
  assertEquals(await code("POST", "/", { body: "{" }), 40024);
  assertEquals(await code("PUT", "/a", { body: new Uint8Array([0xff]) }), 40014);
  assertEquals(await code("PUT", "/a", { body: "x", headers: { priority: "soon" } }), 40007);
  assertEquals(await code("PUT", "/no%20spaces", { body: "x" }), 40401);
  assertEquals(await code("DELETE", "/a", {}), 40401);
  assertEquals(await code("POST", "/v1/health", {}), 40401);
  assertEquals((await scene.publish({ topic: "docs" })).json, {
    code: 40010,
    http: 400,
    error: "invalid request: topic name is not allowed",
  });
});

Deno.test("LoopbackNtfy treats a text of 4096 bytes as an attachment", async () => {
  await using scene = await openNtfy();
  assertEquals((await scene.publish({ topic: "a", message: "x".repeat(4095) })).status, 200);
  assertEquals((await scene.publish({ topic: "a", message: "x".repeat(4096) })).json.code, 40014);
  assertEquals((await scene.publish({ topic: "a", message: "ä".repeat(2048) })).json.code, 40014);
  assertEquals((await scene.publish({ topic: "a", message: "x".repeat(9000) })).json.code, 41303);
  assertEquals((await scene.ask("PUT", "/a", { body: "x".repeat(9000) })).json.code, 40014);
  assertEquals(scene.ntfy.messages("a").length, 1);
});

Deno.test("LoopbackNtfy requires its credentials", async () => {
  await using scene = await openNtfy({ token: "tk_1", login: { user: "phil", password: "pass" } });
  const code = async (authorization?: string) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    return (await scene.ask("PUT", "/a", { body: "x", headers })).json.code ?? 200;
  };
  assertEquals(await code(), 40301);
  assertEquals(await code("Bearer tk_2"), 40101);
  assertEquals(await code(`Basic ${btoa("phil:wrong")}`), 40101);
  assertEquals(await code("Bearer tk_1"), 200);
  assertEquals(await code(`Basic ${btoa(":tk_1")}`), 200);
  assertEquals(await code(`Basic ${btoa("phil:pass")}`), 200);
  assertEquals((await scene.ask("GET", "/a/json?poll=1")).status, 403);
  assertEquals((await scene.ask("GET", "/v1/health")).json, { healthy: true });
  await using open = await openNtfy();
  assertEquals((await open.ask("PUT", "/a", { body: "x", token: "whatever" })).status, 200);
});

Deno.test("LoopbackNtfy returns messages when it is polled", async () => {
  let time = 1_800_000_000_000;
  await using scene = await openNtfy({ now: () => time });
  const first = await scene.publish({ topic: "a", message: "1" });
  time += 60_000;
  await scene.publish({ topic: "a", message: "2" });
  await scene.publish({ topic: "b", message: "3" });
  const poll = async (query: string) => {
    const { text } = await scene.ask("GET", `/a/json?${query}`);
    return text.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).message ?? line);
  };
  assertEquals(await poll("poll=1&since=all"), ["1", "2"]);
  assertEquals(await poll("poll=1"), ["1", "2"]);
  assertEquals(await poll("poll=1&since=none"), []);
  assertEquals(await poll("poll=1&since=latest"), ["2"]);
  assertEquals(await poll("poll=1&since=1800000001"), ["2"]);
  assertEquals(await poll("poll=1&since=30s"), ["2"]);
  assertEquals(await poll("poll=1&since=1m"), ["1", "2"]);
  assertEquals(await poll(`poll=1&since=${first.json.id}`), ["2"]);
  assertEquals((await scene.ask("GET", "/a/json?poll=1&since=never")).json.code, 40008);
  assertEquals((await scene.ask("GET", "/a/json")).json.code, 40401);
});

/**
 * For each fault with an answer: status, ntfy's code, Retry-After, whether the message is stored.
 */
const ANSWERS: Readonly<Partial<Record<NtfyFaultName, string>>> = {
  "500": "500 50001 - lost",
  "429": "429 42901 - lost",
  "429-retry-after-seconds": "429 42901 2 lost",
  "429-daily-quota": "429 42908 - lost",
  "unauthorized": "401 40101 - lost",
  "forbidden": "403 40301 - lost",
  "not-found": "404 40401 - lost",
  "bad-json": "400 40024 - lost",
  "attachments-not-allowed": "400 40014 - lost",
  "too-large": "413 41303 - lost",
  "no-id": "200 - - lost",
  "502-after-persisting": "502 - - kept",
  "captive-portal": "200 - - lost",
};

Deno.test("fault() answers a message with ntfy's error of its name", async () => {
  await using scene = await openNtfy();
  const seen: Partial<Record<string, string>> = {};
  for (const name of Object.keys(ANSWERS) as NtfyFaultName[]) {
    scene.ntfy.fault(name, { times: 1 });
    const { status, json, headers } = await scene.publish({ topic: name });
    const kept = scene.ntfy.messages(name).length > 0 ? "kept" : "lost";
    seen[name] = `${status} ${json.code ?? "-"} ${headers.get("retry-after") ?? "-"} ${kept}`;
  }
  assertEquals(seen, ANSWERS);
});

Deno.test("LoopbackNtfy stores a message twice when it is sent again after a lost answer", async () => {
  await using scene = await openNtfy();
  scene.ntfy.fault("drop-after-persisting", { times: 1 });
  await assertRejects(() => scene.publish({ topic: "a" }), TypeError);
  await scene.ntfy.restart();
  await scene.publish({ topic: "a" });
  assertEquals(scene.ntfy.messages("a").length, 2);
  assertEquals(scene.ntfy.requests.map(({ route, status }) => `${route} ${status}`), ["publish cut", "publish 200"]);
});

Deno.test("fault('slow') delays the storing of a message", async () => {
  await using scene = await openNtfy();
  const gate = Promise.withResolvers<void>();
  scene.ntfy.fault("slow", { until: gate.promise });
  const waiting = scene.publish({ topic: "a" });
  await scene.ntfy.received(({ status }) => status === "pending");
  assertEquals(scene.ntfy.messages("a"), []);
  gate.resolve();
  assertEquals((await waiting).status, 200);
});
