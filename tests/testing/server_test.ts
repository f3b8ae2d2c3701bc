import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { message, openClient, openScene, sendPath } from "./scene.ts";

/** Writes to a new connection, and reads until it has so many answers or the connection ends. */
async function converse(conn: Deno.TcpConn, text: string, answers: number): Promise<string> {
  await conn.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(4096), decoder = new TextDecoder();
  let heard = "";
  while (heard.split(/HTTP\/1\.1 \d+.*?\r\n\r\n[^\r]+/s).length <= answers) {
    const size = await conn.read(buffer);
    if (size === null) break;
    heard += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
  return heard;
}

function rawPut(roomId: string, txnId: string, token: string, chunked = false): string {
  const body = message(txnId);
  const framed = chunked
    ? `transfer-encoding: chunked\r\n\r\n5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n` +
      `${body.slice(5)}\r\n0\r\n\r\n`
    : `content-length: ${body.length}\r\n\r\n${body}`;
  return `PUT ${sendPath(roomId, txnId)} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${framed}`;
}

Deno.test("start() listens on 127.0.0.1 at a free port, without a slash at the end of the URL", async () => {
  await using one = await LoopbackHomeserver.start();
  await using two = await LoopbackHomeserver.start();
  assertMatch(one.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals([one.url === `http://127.0.0.1:${one.port}`, one.port === two.port], [true, false]);
  await assertRejects(() => LoopbackHomeserver.start({ port: one.port }), Deno.errors.AddrInUse);
});

Deno.test("requests contains all requests in order", async () => {
  await using scene = await openScene();
  const { homeserver, roomId } = scene;
  await scene.ask("GET", "/_matrix/client/versions?a=%20b");
  await scene.send("a b/ä", { headers: { "user-agent": "test/1" } });
  const [first, second] = homeserver.requests;
  assertEquals([first?.method, first?.path, first?.query, first?.route, first?.status, first?.body], [
    "GET",
    "/_matrix/client/versions",
    "a=%20b",
    "versions",
    200,
    "",
  ]);
  assertEquals([second?.path, second?.query, second?.body, second?.headers.get("user-agent"), second?.fault], [
    sendPath(roomId, "a b/ä"),
    "",
    message("a b/ä"),
    "test/1",
    undefined,
  ]);
});

Deno.test("received() resolves when a request arrives, or came before", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  const early = homeserver.received(({ route }) => route === "send", 2);
  await scene.send("1");
  await scene.send("2");
  assertEquals((await early).body, message("2"));
  assertEquals((await homeserver.received(({ route }) => route === "send")).body, message("1"));
});

Deno.test("received() rejects when the server is disposed of before", async () => {
  const homeserver = await LoopbackHomeserver.start();
  const waiting = assertRejects(() => homeserver.received(() => true), Error, "disposed of");
  await homeserver[Symbol.asyncDispose]();
  await waiting;
});

Deno.test("LoopbackServer handles several requests on one connection, also chunked ones", async () => {
  await using scene = await openScene();
  const { homeserver, alice, roomId } = scene;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: homeserver.port });
  await converse(conn, rawPut(roomId, "1", alice.accessToken), 1);
  await converse(conn, rawPut(roomId, "2", alice.accessToken, true), 1);
  assertEquals(scene.texts(), ["1", "2"]);
  homeserver.fault("drop-after-persisting");
  assertEquals(await converse(conn, rawPut(roomId, "3", alice.accessToken), 1), "");
  assertEquals(scene.texts(), ["1", "2", "3"]);
});

Deno.test("LoopbackServer ignores a request with an incomplete body", async () => {
  await using scene = await openScene();
  const { homeserver, alice, roomId } = scene;
  const fault = homeserver.fault("503", { times: 1 });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: homeserver.port });
  await conn.write(new TextEncoder().encode(rawPut(roomId, "1", alice.accessToken).slice(0, -3)));
  conn.close();
  const { body } = await homeserver.received(({ status }) => status === "cut");
  assertEquals([body, scene.texts(), fault.applied], ["", [], 0]);
});

Deno.test("stop() refuses connections and cuts open requests", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  homeserver.fault("hang", { times: 1 });
  homeserver.fault("slow", { times: 1, until: Promise.withResolvers<void>().promise });
  const waiting = ["1", "2"].map((txnId) => assertRejects(() => scene.send(txnId), TypeError));
  await homeserver.received(({ status }) => status === "pending", 2);
  await homeserver.stop();
  await Promise.all(waiting);
  await assertRejects(() => scene.send("3"), TypeError);
  assertEquals(homeserver.requests.map(({ status }) => status), ["cut", "cut"]);
  await homeserver.restart();
  assertEquals(scene.texts(), []);
});

Deno.test("stop() ends idle connections, and can be called twice", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: homeserver.port });
  await converse(conn, rawPut(scene.roomId, "1", scene.alice.accessToken), 1);
  await homeserver.stop();
  await homeserver.stop();
  assertEquals(await conn.read(new Uint8Array(1)), null);
});

const STRICT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("stop() leaves no timer of a slow answer behind", STRICT, async () => {
  await using scene = await openScene({ sleep: undefined });
  scene.homeserver.fault("slow", { delayMs: 3_600_000 });
  const waiting = assertRejects(() => scene.send("1"), TypeError);
  await scene.homeserver.received(({ status }) => status === "pending");
  await scene.homeserver.stop();
  await waiting;
});

Deno.test("restart() keeps the port, users and rooms", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  const { url } = homeserver;
  await scene.send("1");
  await homeserver.stop();
  await homeserver.restart();
  await homeserver.restart();
  assertEquals(homeserver.url, url);
  assertEquals((await scene.send("2")).status, 200);
  assertEquals(scene.texts(), ["1", "2"]);
  assertEquals(homeserver.requests.length, 2);
});

Deno.test("LoopbackServer handles many requests at once", async () => {
  await using scene = await openScene();
  using client = openClient();
  scene.homeserver.fault("drop-before-persisting", { every: 2 });
  const url = scene.homeserver.url;
  const tries = Array.from({ length: 40 }, (_, number) =>
    client.ask("PUT", url + sendPath(scene.roomId, `${number}`), {
      token: scene.alice.accessToken,
      body: message(`${number}`),
    }));
  const results = await Promise.allSettled(tries);
  const answered = results.flatMap(({ status }, number) => status === "fulfilled" ? [`${number}`] : []);
  assertEquals([answered.length, scene.texts().length], [20, 20]);
  assertEquals(scene.texts().map(String).sort(), answered.sort());
});
