import { assertEquals } from "@std/assert";
import { BodyReader } from "../../src/server/body_reader.ts";

/** A body that the test feeds. */
function openBody(cancel?: () => Promise<void>) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given), cancel });
  return { request: new Request("http://localhost/", { method: "POST", body: stream }), controller };
}

/** A reader whose time limit the test lets expire. */
function openReader() {
  const expire: (() => void)[] = [];
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      expire.push(resolve);
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const reader = new BodyReader({ sleep }, { smallBytes: 4, maxTotalBytes: 10, maxMs: 1000 });
  return { read: (request: Request) => reader.read(request, 10), reader, expire };
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
  const { read } = openReader();
  const noticed = Promise.withResolvers<void>();
  const other = openBody(), refused = openBody(() => noticed.promise);
  const reading = [read(other.request), read(refused.request)];
  other.controller.enqueue(new Uint8Array(8));
  refused.controller.enqueue(new Uint8Array(8));
  refused.controller.enqueue(new Uint8Array(2));
  refused.controller.enqueue(new Uint8Array(1));
  await new Promise((next) => setTimeout(next));
  other.controller.enqueue(new Uint8Array(2));
  other.controller.close();
  using body = await reading[0];
  assertEquals(body.bytes.length, 10);
  noticed.resolve();
  assertEquals((await reading[1]).bytes, "too-large");
});

Deno.test("BodyReader.read() reads a body that is larger than the memory if it is alone", async () => {
  const { reader } = openReader();
  const request = () => new Request("http://localhost/", { method: "POST", body: new Uint8Array(20) });
  using alone = await reader.read(request(), 20);
  assertEquals([alone.bytes.length, (await reader.read(request(), 20)).bytes], [20, "unavailable"]);
});
