import { assert, assertEquals, assertRejects } from "@std/assert";
import { createBodyBuffer, openBody, toMessage } from "../../src/cli/body.ts";
import { byteLength } from "../../src/notification/cut.ts";
import { MAX_MESSAGE_BYTES } from "../../src/notification/notification.ts";

async function messageOf(...parts: string[]): Promise<{ message: string; warnings: string[] }> {
  const buffer = createBodyBuffer();
  const warnings: string[] = [];
  for (const part of parts) buffer.push(new TextEncoder().encode(part));
  return { message: toMessage(await buffer.ends(), (text) => warnings.push(text)), warnings };
}

Deno.test("toMessage() keeps an output of several parts", async () => {
  assertEquals((await messageOf("one\n", "tw", "o\r\n")).message.trimEnd(), "one\ntwo");
  assertEquals((await messageOf()).message, "");
  const lines = Array.from({ length: 50_000 }, (_, at) => `line ${at} 😀`).join("\n");
  assertEquals(await messageOf(lines), { message: lines, warnings: [] });
});

Deno.test("toMessage() keeps the beginning and the end of a longer output, and removes incomplete characters", async () => {
  const part = "ä€😀".repeat(100_000);
  const { message, warnings } = await messageOf("first\n", ...Array(25).fill(part), "\nlast");
  assert(message.startsWith("first\nä") && message.endsWith("😀\nlast") && !message.includes("\ufffd"));
  assert(byteLength(message) <= MAX_MESSAGE_BYTES && byteLength(message) > 0.99 * MAX_MESSAGE_BYTES);
  assertEquals(warnings, ["Cannot send the whole body: it is larger than 8 MiB"]);
});

Deno.test("toMessage() shows the last state of a progress bar, and no colours", async () => {
  const { message } = await messageOf("10 %\r50 %\r100 %\n\x1b[31mred\x1b[0m \x1b]0;title\x07plain\n");
  assertEquals(message.trimEnd(), "100 %\nred plain");
});

/** Creates a named pipe in a new directory. */
async function createPipe(): Promise<{ readonly path: string; remove(): void }> {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/pipe`;
  assert((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
  return { path, remove: () => Deno.removeSync(directory, { recursive: true }) };
}

Deno.test("openBody() does not wait for longer than 10 s until a program opens a pipe for writing", async () => {
  const { path, remove } = await createPipe();
  const sleeps: number[] = [];
  const sleep = (ms: number) => Promise.resolve(void sleeps.push(ms));
  await assertRejects(
    () => openBody(path, { sleep }),
    Error,
    "It is a pipe, and no program has opened it for writing within 10 s",
  );
  assertEquals(sleeps, [10_000]);
  // The operating system still waits: a writer ends this.
  (await Deno.open(path, { write: true })).close();
  remove();
});

Deno.test("openBody() reads a pipe until its writer closes it", async () => {
  const { path, remove } = await createPipe();
  const writing = Deno.writeTextFile(path, "hello");
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
  const stream = await openBody(path, { sleep });
  await writing;
  assertEquals(await new Response(stream).text(), "hello");
  remove();
});
