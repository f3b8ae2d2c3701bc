import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { freePort } from "../../scripts/free_port.ts";
import { ResponseError, TransportError, type TransportPhase } from "../../src/base/errors.ts";
import {
  exchange,
  exchangeJson,
  isWord,
  MAX_ANSWER_BYTES,
  parseRetryAfter,
  readDuration,
  readMediaType,
} from "../../src/runtime/http.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

/** Starts a server that reads a request and then gives the connection to the test. */
function rawServer(serve: (connection: Deno.Conn) => Promise<void> | void) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const done = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await serve(connection);
    }
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      try {
        listener.close();
      } catch {
        // It is closed already.
      }
      await done;
    },
  };
}

async function phaseOf(url: string): Promise<TransportPhase> {
  using runtime = denoRuntime();
  const error = await assertRejects(
    () => exchange(runtime, { method: "PUT", url, body: "{}", timeoutMs: 10_000 }),
    TransportError,
  );
  return error.phase;
}

Deno.test("exchange() fails with phase connect when no server listens", async () => {
  assertEquals(await phaseOf(`http://127.0.0.1:${freePort()}/`), "connect");
});

Deno.test("exchange() fails with phase connect when the name does not resolve", async () => {
  assertEquals(await phaseOf("http://name.invalid/"), "connect");
});

Deno.test("exchange() fails with phase connect when TLS fails", async () => {
  await using server = rawServer((connection) => connection.close());
  assertEquals(await phaseOf(`https://127.0.0.1:${server.port}/`), "connect");
});

Deno.test("exchange() fails with phase exchange when the connection breaks after the request", async () => {
  await using server = rawServer((connection) => connection.close());
  assertEquals(await phaseOf(`http://127.0.0.1:${server.port}/`), "exchange");
});

Deno.test("exchange() fails with phase exchange when the response is cut", async () => {
  await using server = rawServer(async (connection) => {
    await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"));
    connection.close();
  });
  assertEquals(await phaseOf(`http://127.0.0.1:${server.port}/`), "exchange");
});

Deno.test("exchange() fails with phase timeout when no response comes in time", async () => {
  using runtime = fakeRuntime();
  await using server = rawServer((connection) => {
    runtime.expireTimeouts();
    connection.close();
  });
  const request = { method: "PUT", url: `http://127.0.0.1:${server.port}/`, timeoutMs: 10_000 } as const;
  const error = await assertRejects(() => exchange(runtime, request), TransportError);
  assertEquals([error.phase, error.message], ["timeout", `No answer from 127.0.0.1:${server.port} within 10 s`]);
});

Deno.test("exchange() throws the signal's reason when its signal aborts", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  await using server = rawServer((connection) => {
    controller.abort(reason);
    connection.close();
  });
  using runtime = denoRuntime();
  const request = {
    method: "GET",
    url: `http://127.0.0.1:${server.port}/`,
    timeoutMs: 10_000,
    signal: controller.signal,
  } as const;
  assertEquals(await assertRejects(() => exchange(runtime, request)), reason);
});

Deno.test("exchange() does not follow redirects", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.redirect("http://127.0.0.1:1/"),
  );
  using runtime = denoRuntime();
  const answer = await exchange(runtime, {
    method: "PUT",
    url: `http://127.0.0.1:${server.addr.port}/`,
    timeoutMs: 10_000,
  });
  assertEquals(answer.status, 302);
});

/** A head of an answer, and the bytes that the server then sends without end. */
const ENDLESS_ANSWERS: readonly (readonly [name: string, head: string, repeated: string, problem: string])[] = [
  ["an endless body", "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(65_536), "it is longer than 1 MiB"],
  [
    "an endless body behind a small Content-Length",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    `10000\r\n${"x".repeat(65_536)}\r\n`,
    "it is longer than 1 MiB",
  ],
  [
    "a gzip header with an endless file name",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\x03",
    "x".repeat(65_536),
    "it is longer than 1 MiB",
  ],
  ["a header without end", "HTTP/1.1 200 OK\r\nX: ", "x".repeat(65_536), "message head is too large"],
  ["headers without end", "HTTP/1.1 200 OK\r\n", "X: y\r\n".repeat(1000), "message head is too large"],
];

for (const [name, head, repeated, problem] of ENDLESS_ANSWERS) {
  Deno.test(`exchange() stops reading ${name}`, async () => {
    let sent = 0;
    await using server = rawServer(async (connection) => {
      const writer = connection.writable.getWriter();
      await writer.write(latin1(head));
      const part = latin1(repeated);
      // The client closes the connection, and the write fails.
      for (; sent < 64 * MAX_ANSWER_BYTES; sent += part.length) if (!await succeeds(writer.write(part))) break;
      await writer.abort().catch(() => {});
    });
    using runtime = denoRuntime();
    const request = { method: "GET", url: `http://127.0.0.1:${server.port}/`, timeoutMs: 30_000 } as const;
    const error = await assertRejects(() => exchange(runtime, request));
    assertStringIncludes(`${error}`, problem);
    await server[Symbol.asyncDispose]();
    assert(sent < 64 * MAX_ANSWER_BYTES, "the client read everything");
  });
}

/** Parts of an answer that a server can send at any pace, and that never become an answer. */
const UNFINISHED_ANSWERS: readonly (readonly [name: string, head: string, repeated: string])[] = [
  ["interim answers without end", "", "HTTP/1.1 103 Early Hints\r\n\r\n"],
  ["a header that never ends", "HTTP/1.1 200 OK\r\n", "X: y\r\n"],
  ["a body that never ends", "HTTP/1.1 200 OK\r\n\r\n", "x"],
];

for (const [name, head, repeated] of UNFINISHED_ANSWERS) {
  Deno.test(`exchange() ends at its time limit although the server sends ${name}`, async () => {
    using runtime = fakeRuntime();
    await using server = rawServer(async (connection) => {
      const writer = connection.writable.getWriter();
      await writer.write(latin1(head));
      for (let count = 0; await succeeds(writer.write(latin1(repeated))); count++) {
        if (count === 10) runtime.expireTimeouts();
      }
    });
    const request = { method: "GET", url: `http://127.0.0.1:${server.port}/`, timeoutMs: 30_000 } as const;
    const error = await assertRejects(() => exchange(runtime, request), TransportError);
    assertEquals(error.phase, "timeout");
  });
}

Deno.test("exchange() decompresses nothing, and asks for no compression", async () => {
  const zeros = new Blob([new Uint8Array(64 * MAX_ANSWER_BYTES)]).stream();
  const gzip = await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).bytes();
  let asked: string | null = "";
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ headers }) => {
    asked = headers.get("Accept-Encoding");
    return new Response(gzip, { headers: { "Content-Encoding": "gzip" } });
  });
  using runtime = denoRuntime();
  const request = { method: "GET", url: `http://127.0.0.1:${server.addr.port}/`, timeoutMs: 10_000 } as const;
  const { text } = await exchange(runtime, request);
  assertEquals([asked, text.length <= gzip.length], ["identity", true]);
});

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return await work.then(() => true, () => false);
}

Deno.test("exchange() shows no secret in its errors", async () => {
  using runtime = denoRuntime();
  const request = {
    method: "GET",
    url: "http://name.invalid/?x=hush",
    headers: { Authorization: "hush" },
    timeoutMs: 1000,
  } as const;
  const error = await assertRejects(() => exchange(runtime, request));
  assertInstanceOf(error, TransportError);
  assertEquals(error.message.includes("hush"), false);
});

Deno.test("parseRetryAfter() parses seconds and dates, and nothing else", () => {
  const cases: [string | null, number | undefined][] = [
    ["5", 5000],
    [" 0 ", 0],
    ["Sun, 22 Nov 2026 20:00:30 GMT", 30_000],
    ["Sun, 22 Nov 2026 19:00:00 GMT", 0],
    ["Sunday, 22-Nov-26 20:00:30 GMT", 30_000],
    ["Sun Nov 22 20:00:30 2026", 30_000],
    ["Tue Dec  1 20:00:00 2026", 9 * 86_400_000],
    ["Sun, 22 Nov 2026 20:00:30 CET", undefined],
    ["Sun Nov 22 20:00:30 2026 GMT", undefined],
    ["Sun, 22 Nov 2026 29:00:30 GMT", undefined],
    ["soon", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["2026-11-22", undefined],
    ["", undefined],
    [null, undefined],
  ];
  for (const [value, ms] of cases) assertEquals(parseRetryAfter(value, TEST_TIME), ms, String(value));
});

Deno.test("isWord() accepts codes and versions, and no text with blanks, escapes or great length", () => {
  for (const text of ["M_FORBIDDEN", "invalid_grant", "v1.15", "constructor", "x".repeat(100)]) {
    assertEquals(isWord(text), true, text);
  }
  for (const value of ["", "a b", "a\n", "\x1b[2J", "\x9b2J", "ü", "\u202e", "x".repeat(101), 5, null, ["a"], {}]) {
    assertEquals(isWord(value), false, JSON.stringify(value));
  }
});

Deno.test("readMediaType() returns the type without its parameters, and no other text", () => {
  const typeOf = (value: string) => readMediaType(new Headers({ "Content-Type": value }));
  assertEquals(["text/html; charset=utf-8", " application/problem+json "].map(typeOf), [
    "text/html",
    "application/problem+json",
  ]);
  for (const value of ["", "html", "text/\x9b2J", `text/${"x".repeat(200)}`, "a b/c"]) {
    assertEquals(typeOf(value), undefined, value);
  }
});

Deno.test("exchangeJson() shows only the beginning of a long error of a service", async () => {
  using runtime = fakeRuntime({ fetch: () => Promise.resolve(new Response("no ".repeat(300_000), { status: 400 })) });
  const request = { method: "POST", url: "https://a.example/", timeoutMs: 1000 } as const;
  const service = { name: "A", isSuccess: () => false, readRefusal: ({ text }: { text: string }) => ({ said: text }) };
  const { message } = await assertRejects(() => exchangeJson(runtime, request, service), ResponseError);
  assertEquals(message, `a.example answered 400: ${"no ".repeat(100)}`);
});

Deno.test("readDuration() returns a finite time for each number that a server sends", () => {
  const century = 100 * 365 * 86_400_000;
  const cases: [unknown, number | undefined][] = [
    [2, 2000],
    [0, 0],
    [0.5, 500],
    [1e306, century],
    [JSON.parse("1e999"), century],
    [-1, undefined],
    [NaN, undefined],
    ["2", undefined],
    [null, undefined],
  ];
  for (const [value, ms] of cases) assertEquals(readDuration(value, 1000), ms, String(value));
});
