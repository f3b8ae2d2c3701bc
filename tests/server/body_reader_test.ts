import { assertEquals, assertStringIncludes } from "@std/assert";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { BodyReader } from "../../src/server/body_reader.ts";

/** A body that the test feeds. */
function openBody(cancel?: () => Promise<void>) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given), cancel });
  return { request: new Request("http://localhost/", { method: "POST", body: stream }), controller };
}

const WAIT_MS = 500;

/**
 * Creates a reader with time limits that expire when the test calls `expire`.
 *
 * @param options.waits false if a body that finds no memory is refused at once
 */
function openReader({ waits = false, smallBytes = 4 } = {}) {
  const expire: (() => void)[] = [];
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (ms === WAIT_MS && !waits) return setTimeout(resolve);
      expire.push(resolve);
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const reader = new BodyReader({ sleep }, { smallBytes, maxTotalBytes: 10, maxMs: 1000, maxWaitMs: WAIT_MS });
  return { read: (request: Request) => reader.read(request, 10), reader, expire };
}

/** Waits until all pending work is done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((next) => setTimeout(next));
}

Deno.test("BodyReader.read() joins the parts of a body", async () => {
  const { read } = openReader();
  const { request, controller } = openBody();
  controller.enqueue(Uint8Array.of(1, 2));
  controller.enqueue(Uint8Array.of(3));
  controller.close();
  using body = await read(request);
  assertEquals(body.bytes, Uint8Array.of(1, 2, 3));
  using none = await read(new Request("http://localhost/", { method: "POST" }));
  assertEquals(none.bytes, new Uint8Array());
});

Deno.test("BodyReader.read() reads a body whose size was declared twice, and counts its memory", async () => {
  const { read } = openReader();
  for (let count = 0; count < 3; count++) {
    const headers = { "Content-Length": "8, 8" };
    using body = await read(new Request("http://localhost/", { method: "POST", headers, body: new Uint8Array(8) }));
    assertEquals(body.bytes.length, 8);
    assertEquals(
      (await read(new Request("http://localhost/", { method: "POST", body: new Uint8Array(8) }))).bytes,
      "unavailable",
    );
  }
});

Deno.test("BodyReader.read() frees the bytes of a body when it is disposed of", async () => {
  const { read } = openReader();
  const body = await read(new Request("http://localhost/", { method: "POST", body: new Uint8Array(10) }));
  body[Symbol.dispose]();
  assertEquals(body.bytes, new Uint8Array());
});

Deno.test("BodyReader.read() refuses a body that is too large, declared or not", async () => {
  const { read } = openReader();
  const { request, controller } = openBody();
  controller.enqueue(new Uint8Array(11));
  assertEquals((await read(request)).bytes, "too-large");
  const headers = { "Content-Length": "11" };
  assertEquals((await read(new Request("http://localhost/", { method: "POST", headers }))).bytes, "too-large");
});

Deno.test("BodyReader.read() gives up on a slow or broken body, and takes nothing from others", async () => {
  const { read, expire } = openReader();
  const slow = openBody(), broken = openBody();
  slow.controller.enqueue(new Uint8Array(10));
  const reading = read(slow.request);
  broken.controller.error(new Error("connection reset"));
  assertEquals((await read(broken.request)).bytes, "too-slow");
  expire[0]();
  assertEquals((await reading).bytes, "too-slow");
  using next = await read(new Request("http://localhost/", { method: "POST", body: new Uint8Array(10) }));
  assertEquals(next.bytes.length, 10);
});

Deno.test("BodyReader.read() refuses a body while others fill the memory", async () => {
  const { read } = openReader();
  const request = () => new Request("http://localhost/", { method: "POST", body: new Uint8Array(10) });
  {
    using first = await read(request());
    assertEquals(first.bytes.length, 10);
    assertEquals((await read(request())).bytes, "unavailable");
  }
  using second = await read(request());
  assertEquals(second.bytes.length, 10);
});

Deno.test("BodyReader.read() reads small bodies while large bodies fill the memory", async () => {
  const { read } = openReader();
  const request = (size: number) => new Request("http://localhost/", { method: "POST", body: new Uint8Array(size) });
  using large = await read(request(10));
  using small = await read(request(4));
  assertEquals([large.bytes.length, small.bytes.length], [10, 4]);
  assertEquals((await read(request(4))).bytes, "unavailable");
});

Deno.test("BodyReader.read() frees the memory of a refused body before its client has noticed", async () => {
  const { read } = openReader({ waits: true });
  const noticed = Promise.withResolvers<void>();
  const refused = openBody(() => noticed.promise), other = openBody();
  refused.controller.enqueue(new Uint8Array(8));
  const reading = [read(refused.request)];
  await settle();
  other.controller.enqueue(new Uint8Array(10));
  other.controller.close();
  reading.push(read(other.request));
  refused.controller.enqueue(new Uint8Array(3));
  using body = await reading[1];
  assertEquals(body.bytes.length, 10);
  noticed.resolve();
  assertEquals((await reading[0]).bytes, "too-large");
});

Deno.test("BodyReader.read() lets large bodies wait for memory, in the order of their arrival", async () => {
  const { read, expire } = openReader({ waits: true, smallBytes: 2 });
  const request = () => new Request("http://localhost/", { method: "POST", body: new Uint8Array(10) });
  const done: string[] = [];
  const start = async (name: string) => {
    const body = await read(request());
    done.push(`${name} ${typeof body.bytes === "string" ? body.bytes : body.bytes.length}`);
    return body;
  };
  const first = await start("first");
  const second = start("second"), third = start("third"), fourth = start("fourth");
  await settle();
  assertEquals(done, ["first 10"]);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  await fourth;
  assertEquals(done, ["first 10", "second 10", "third 10", "fourth 10"]);
  const fifth = start("fifth");
  await settle();
  expire.at(-1)?.();
  await fifth;
  assertEquals(done.at(-1), "fifth unavailable");
  (await fourth)[Symbol.dispose]();
  await start("sixth");
  assertEquals(done.at(-1), "sixth 10");
});

Deno.test("BodyReader.read() gives up on a slow or broken stream of bytes, and frees its memory", async () => {
  const { read, expire } = openReader();
  const send = (pull: (controller: ReadableByteStreamController) => Promise<void>) => {
    return read(
      new Request("http://localhost/", { method: "POST", body: new ReadableStream({ type: "bytes", pull }) }),
    );
  };
  assertEquals((await send(() => Promise.reject(new Error("connection reset")))).bytes, "too-slow");
  const slow = send(() => new Promise(() => {}));
  await settle();
  expire.at(-1)?.();
  assertEquals((await slow).bytes, "too-slow");
  using next = await read(new Request("http://localhost/", { method: "POST", body: new Uint8Array(10) }));
  assertEquals(next.bytes.length, 10);
});

Deno.test("BodyReader.read() frees each chunk of a body as soon as it is copied", async () => {
  const { reader } = openReader();
  const chunks = Array.from({ length: 19 }, () => new Uint8Array(new ArrayBuffer(65_536), 0, 1));
  const request = new Request("http://localhost/", { method: "POST", body: ReadableStream.from(chunks) });
  using body = await reader.read(request, 100);
  assertEquals(body.bytes, new Uint8Array(19));
  assertEquals(chunks.map(({ buffer }) => buffer.detached), chunks.map(() => true));
});

Deno.test("BodyReader.read() reads a chunked body whose chunks do not fit into the rest of its buffer", async () => {
  using runtime = denoRuntime();
  const reader = new BodyReader(runtime);
  const sizes: unknown[] = [];
  await using server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    using body = await reader.read(request, 100_000);
    sizes.push(body.bytes.length);
    return new Response();
  });
  const chunks = [1, 3245, 466, 377, 5, 26, 30_000, 3, 40_000].map((size) =>
    `${size.toString(16)}\r\n${"x".repeat(size)}\r\n`
  );
  using connection = await Deno.connect({ port: server.addr.port });
  const head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  const bytes = new TextEncoder().encode(`${head}${chunks.join("")}0\r\n\r\n`);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  assertStringIncludes(await new Response(connection.readable).text(), "HTTP/1.1 200 OK");
  assertEquals(sizes, [74_123]);
});

Deno.test("BodyReader.read() reads a body that is larger than the memory if it is alone", async () => {
  const { reader } = openReader();
  const request = () => new Request("http://localhost/", { method: "POST", body: new Uint8Array(20) });
  using alone = await reader.read(request(), 20);
  assertEquals([alone.bytes.length, (await reader.read(request(), 20)).bytes], [20, "unavailable"]);
});

/** Compresses a text. */
async function compress(text: string, format: CompressionFormat): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream(format))).bytes();
}

/** Reads a body with this `Content-Encoding`, and decodes its text. */
async function readEncoded(reader: BodyReader, encoding: string, body: Uint8Array<ArrayBuffer>, maxBytes = 9e6) {
  const headers = { "Content-Encoding": encoding };
  using read = await reader.read(new Request("http://localhost/", { method: "POST", headers, body }), maxBytes);
  return typeof read.bytes === "string" ? read.bytes : new TextDecoder().decode(read.bytes);
}

Deno.test("BodyReader.read() decodes gzip and deflate", async () => {
  const reader = new BodyReader({ sleep: never });
  const long = Array.from({ length: 200_000 }, (_, at) => at).join(" ");
  for (const text of ["{}", long]) {
    const gzip = await compress(text, "gzip");
    for (const encoding of ["gzip", " GZIP ", "x-gzip"]) assertEquals(await readEncoded(reader, encoding, gzip), text);
    assertEquals(await readEncoded(reader, "deflate", await compress(text, "deflate")), text);
  }
  assertEquals(await readEncoded(reader, "gzip", new Uint8Array()), "");
});

Deno.test("BodyReader.read() keeps a body whose header is wrong, and replaces what it cannot decode", async () => {
  const reader = new BodyReader({ sleep: never });
  for (const encoding of ["gzip", "deflate", "identity", "utf-8"]) {
    assertEquals(await readEncoded(reader, encoding, new TextEncoder().encode("{plain}")), "{plain}");
  }
  const whole = await compress("Disk full", "gzip");
  assertEquals(
    await readEncoded(reader, "gzip", whole.slice(0, -3)),
    "Disk full\n\nA part of the body cannot be read: it is not valid gzip",
  );
  const text = "Disk full: 0123456789 abcdefghijklmnopqrstuvwxyz on /dev/sda1";
  const damaged = (await compress(text, "gzip")).map((byte, at, { length }) => at < length - 20 ? byte : 0xff);
  const shown = await readEncoded(reader, "gzip", damaged);
  assertEquals([shown.slice(0, 30), shown.endsWith("it is not valid gzip")], [text.slice(0, 30), true]);
  assertEquals(
    await readEncoded(reader, "br", whole),
    "The body cannot be read: send it without compression, or as gzip instead of br",
  );
});

Deno.test("BodyReader.read() decodes all members of a gzip body, and says if there are too many", async () => {
  const reader = new BodyReader({ sleep: never });
  const join = async (members: readonly (Uint8Array<ArrayBuffer> | number[])[]) => {
    return await new Response(new Blob(members.map((bytes) => new Uint8Array(bytes)))).bytes();
  };
  const long = Array.from({ length: 30_000 }, (_, at) => at).join(" ");
  const texts = ["Disk ", long, "", "is full: ", "/dev/sda1"];
  const members = await Promise.all(texts.map((text) => compress(text, "gzip")));
  assertEquals(await readEncoded(reader, "gzip", await join(members)), texts.join(""));
  // The header of a member also occurs inside a member, here as its file name (RFC 1952, FNAME).
  const [header, rest] = [members[0].slice(0, 10), members[0].slice(10)];
  header[3] = 8;
  const named = await join([header, [0x1f, 0x8b, 8, 1, 0], rest]);
  assertEquals(await readEncoded(reader, "gzip", await join([named, named, members[3]])), "Disk Disk is full: ");
  const unreadable = "\n\nA part of the body cannot be read: it is not valid gzip";
  assertEquals(
    await readEncoded(reader, "gzip", await join([...members, members[4].slice(0, -3)])),
    `${texts.join("")}/dev/sda1${unreadable}`,
  );
  const many = await readEncoded(reader, "gzip", await join(Array.from({ length: 1100 }, () => members[0])));
  assertEquals([many.slice(0, 5 * 999), many.endsWith(unreadable)], ["Disk ".repeat(999), true]);
});

Deno.test("BodyReader.read() decodes a gzip body whose members contain headers of members", async () => {
  const reader = new BodyReader({ sleep: never });
  const gzip = { "Content-Encoding": "gzip" }, header = [0x1f, 0x8b, 8, 0];
  // Deflate cannot compress random bytes, so the member contains the headers as they are.
  let seed = 1;
  const content = Uint8Array.from({ length: 100_000 }, () => (seed = seed * 48_271 % 0x7fff_ffff) & 0xff);
  for (const at of [20_000, 50_000, 80_000]) content.set(header, at);
  const member = await new Response(new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
  const starts = [...member.keys()].filter((at) => header.every((byte, offset) => member[at + offset] === byte));
  assertEquals(starts.length, 4);
  const body = await new Response(new Blob([member, member])).bytes();
  using read = await reader.read(new Request("http://localhost/", { method: "POST", headers: gzip, body }), 9e6);
  assertEquals(read.bytes, await new Response(new Blob([content, content])).bytes());
});

Deno.test("BodyReader.read() decodes at most 8 MiB, counts its memory, and frees it", async () => {
  const small = 1000, total = 20e6;
  const reader = new BodyReader({ sleep: never }, { smallBytes: small, maxTotalBytes: total });
  const allowed = await compress(" ".repeat(8 * 2 ** 20), "gzip"), bomb = await compress(" ".repeat(1e8), "gzip");
  for (let count = 0; count < 4; count++) {
    assertEquals((await readEncoded(reader, "gzip", allowed)).length, 8 * 2 ** 20);
    assertEquals(await readEncoded(reader, "gzip", bomb, 1e9), "too-large");
    assertEquals(await readEncoded(reader, "gzip", await compress("12345", "gzip"), 4), "too-large");
    assertEquals(await readEncoded(reader, "gzip", new Uint8Array(9e6), 1e9), "too-large");
  }
});

Deno.test("BodyReader.read() reserves the memory of a large compressed body and of its decoded bytes together", async () => {
  const reader = new BodyReader({ sleep: never }, { smallBytes: 100, maxTotalBytes: 2000 });
  const text = Array.from({ length: 180 }, () => Math.random().toString(36)[2]).join("");
  const gzip = await compress(text, "gzip");
  const texts = Array.from({ length: 10 }, () => readEncoded(reader, "gzip", gzip, 900));
  assertEquals([gzip.length > 100, await Promise.all(texts)], [true, texts.map(() => text)]);
});

/** Time limits that do not expire. */
function never(_: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}
