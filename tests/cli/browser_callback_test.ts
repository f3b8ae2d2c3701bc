import { assertEquals, assertMatch } from "@std/assert";
import {
  type BrowserCallback,
  listenForBrowser,
  MAX_CONNECTIONS,
  MAX_HEAD_BYTES,
} from "../../src/cli/browser_callback.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const PATH = "/0b1c";

/** Runs a test with a listener, and with a function that connects to it as another user does. */
async function callbackTest(
  body: (
    callback: BrowserCallback,
    connect: (request?: string) => Promise<Deno.Conn>,
    runtime: ReturnType<typeof fakeRuntime>,
  ) => Promise<void>,
) {
  using runtime = fakeRuntime();
  using callback = listenForBrowser(PATH, runtime);
  const opened: Deno.Conn[] = [];
  const connect = async (request = "") => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(callback.url).port) });
    opened.push(connection);
    await connection.write(new TextEncoder().encode(request));
    return connection;
  };
  try {
    await body(callback, connect, runtime);
  } finally {
    for (const connection of opened) connection.close();
  }
}

/** Reads until the other side closes the connection. A reset counts as closed. */
async function readAll(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

const VALID = `GET ${PATH}?loginToken=t%2F1?&x=y HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

Deno.test("listenForBrowser() returns the token, and tells the browser to keep the address secret", async () => {
  await callbackTest(async (callback, connect) => {
    const answer = await readAll(await connect(VALID));
    assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n[^]*Referrer-Policy: no-referrer\r\n[^]*You can close this page/);
    assertEquals(await callback.token, "t/1?");
  });
});

const WRONG = [
  "GET / HTTP/1.1\r\n\r\n",
  "GET /?loginToken=x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  `GET ${PATH} HTTP/1.1\r\n\r\n`,
  `GET ${PATH}?loginToken= HTTP/1.1\r\n\r\n`,
  `GET ${PATH}?loginToken=%1b[2J HTTP/1.1\r\n\r\n`,
  `GET ${PATH}/?loginToken=x HTTP/1.1\r\n\r\n`,
  `POST ${PATH}?loginToken=x HTTP/1.1\r\n\r\n`,
  `GET ${PATH}?loginToken=x HTTP/9.9\r\n\r\n`,
  `GET http://a${PATH}?loginToken=x HTTP/1.1\r\n\r\n`,
  "GET / HTTP/1.1\r\nHost: [\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a b\0\x1b\r\nHost: c\r\n\r\n",
  "GET // HTTP/1.1\r\nContent-Length: -1\r\nTransfer-Encoding: x\r\n\r\n",
  "\x16\x03\x01\r\n\r\n",
  "\r\n\r\n",
];

Deno.test("listenForBrowser() answers 404 to each other or malformed request, and goes on", async () => {
  await callbackTest(async (callback, connect) => {
    for (const request of WRONG) assertMatch(await readAll(await connect(request)), /^HTTP\/1\.1 404 /, request);
    await connect(VALID);
    assertEquals(await callback.token, "t/1?");
  });
});

Deno.test("listenForBrowser() closes a connection whose request is too long", async () => {
  await callbackTest(async (callback, connect) => {
    const long = await connect(`GET ${PATH}?loginToken=x HTTP/1.1\r\nX: ${"x".repeat(MAX_HEAD_BYTES)}`);
    assertEquals(await readAll(long), "");
    await connect(VALID);
    assertEquals(await callback.token, "t/1?");
  });
});

Deno.test("listenForBrowser() closes a connection that sends no request in time", async () => {
  await callbackTest(async (_, connect, runtime) => {
    const slow = await connect("GET / HTTP/1.1\r\n");
    // A later connection is answered, so the first one is being read.
    await readAll(await connect("GET / HTTP/1.1\r\n\r\n"));
    runtime.expireTimeouts();
    assertEquals(await readAll(slow), "");
  });
});

Deno.test("listenForBrowser() lets the browser in although another user holds many connections", async () => {
  await callbackTest(async (callback, connect) => {
    const idle = [];
    for (let count = 0; count < 3 * MAX_CONNECTIONS; count++) idle.push(await connect("GET"));
    await connect(VALID);
    assertEquals(await callback.token, "t/1?");
    assertEquals(await readAll(idle[0]), "");
  });
});

Deno.test("listenForBrowser() closes all connections at its end", async () => {
  await callbackTest(async (callback, connect) => {
    const idle = await connect();
    // A later connection is answered, so the first one is accepted.
    await readAll(await connect("\r\n\r\n"));
    callback[Symbol.dispose]();
    assertEquals(await readAll(idle), "");
  });
});
