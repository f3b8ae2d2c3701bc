import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { CommandError } from "../../src/cli/errors.ts";
import { SocketSender } from "../../src/cli/socket_sender.ts";
import { Ui } from "../../src/cli/ui.ts";
import { readSendRequest, type SendRequest } from "../../src/ingest/send/request.ts";
import { maxSocketBytes } from "../../src/runtime/paths.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const OUTCOMES = [{ id: "1", channel: "phone", destination: "alerts", state: "delivered", receipt: "7" }] as const;

/** Starts a server with these answers, the last one for all further requests. */
async function setScene(...answers: readonly (() => Response)[]) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  const requests: SendRequest[] = [];
  const server = Deno.serve({ path, onListen() {} }, async (request) => {
    requests.push(await readSendRequest(await request.bytes(), request.headers.get("content-type") ?? ""));
    return (answers[requests.length - 1] ?? answers[answers.length - 1])();
  });
  const runtime = fakeRuntime();
  const local = () => Promise.reject(new Error("The local sender was used"));
  const sender = new SocketSender(path, { runtime, ui: new Ui(runtime.stdio, runtime.env) }, local);
  return {
    ...{ sender, requests, runtime, directory, path },
    async [Symbol.asyncDispose]() {
      runtime[Symbol.dispose]();
      await server.shutdown();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

const accept = () =>
  Response.json({ outcomes: OUTCOMES, problems: [{ message: "Cannot use channels.x: it is empty" }] });
const refuse = (status: number, name: string, code?: string) => () =>
  Response.json({ error: { name, code, message: "Cannot accept the notification: it is full", hint: "h" } }, {
    status,
  });

Deno.test("SocketSender.notify() sends the texts and files, and returns the outcomes and problems of the server", async () => {
  await using scene = await setScene(accept);
  await Deno.writeTextFile(`${scene.directory}/a.txt`, "content");
  const attachments = [{ path: `${scene.directory}/a.txt` }, { path: `${scene.directory}/missing` }];
  assertEquals(await scene.sender.notify({ subject: "Load", message: "9", attachments }), [...OUTCOMES]);
  assertEquals(scene.sender.problems.map(({ message }) => message), ["Cannot use channels.x: it is empty"]);
  const [{ input, options }] = scene.requests;
  assertEquals(input.message, new TextEncoder().encode("9"));
  assertEquals(input.attachments?.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]), [[
    "a.txt",
    "content",
  ]]);
  assertEquals(input.problems, [`Cannot attach ${scene.directory}/missing: there is no such file`]);
  assertEquals(options.waitMs, 10_000);
});

Deno.test("SocketSender.notify() repeats a request without an answer with the same id", async () => {
  await using scene = await setScene(() => new Response("internal error\n", { status: 500 }), accept);
  await scene.sender.notify({ subject: "Load" });
  const ids = scene.requests.map(({ options }) => options.id);
  assertEquals([ids.length, ids[0] === ids[1], ids[0] !== undefined], [2, true, true]);
});

Deno.test("SocketSender.notify() sends without the files if the server does not take them", async () => {
  await using scene = await setScene(refuse(413, "RefusedError"), accept);
  await Deno.writeTextFile(`${scene.directory}/a.txt`, "content");
  await scene.sender.notify({ subject: "Load", attachments: [{ path: `${scene.directory}/a.txt` }] });
  const { attachments, problems } = scene.requests[1].input;
  assertEquals([attachments, problems], [[], ["Cannot attach a.txt: it is full"]]);
});

Deno.test("SocketSender.notify() asks for one attempt without the queue, unless the caller gave an id", async () => {
  await using scene = await setScene(
    refuse(503, "StorageError", "disk-full"),
    accept,
    refuse(503, "StorageError", "disk-full"),
  );
  assertEquals(await scene.sender.notify({ subject: "Load" }), [...OUTCOMES]);
  assertEquals(scene.requests[1].options.id, undefined);
  await assertRejects(() => scene.sender.notify({ subject: "Load" }, { id: "7" }), StorageError, "it is full");
  assertEquals(scene.requests.length, 3);
});

for (const [status, exitCode] of [[403, 77], [404, 69], [429, 75], [413, 65]]) {
  Deno.test(`SocketSender.notify() fails with exit code ${exitCode} at HTTP status ${status}`, async () => {
    await using scene = await setScene(refuse(status, "RefusedError"));
    const error = await assertRejects(() => scene.sender.notify({ subject: "Load" }), CommandError);
    assertEquals([error.exitCode, error.hint], [exitCode, "h"]);
  });
}

for (
  const [reason, name] of [
    ["no server listens there", "other"],
    [`the path is longer than ${maxSocketBytes()} bytes`, "o".repeat(maxSocketBytes())],
    ["there can be no socket", "socket/other"],
  ]
) {
  Deno.test(`SocketSender.notify() uses the local sender if ${reason}`, async () => {
    await using scene = await setScene(accept);
    const { runtime, directory } = scene;
    const sender = new SocketSender(`${directory}/${name}`, { runtime, ui: new Ui(runtime.stdio, runtime.env) }, () => {
      return Promise.reject(new Error("The local sender was used"));
    });
    await assertRejects(() => sender.notify({ subject: "Load" }), Error, "The local sender was used");
    assertStringIncludes(runtime.err(), `${directory}/${name}: ${reason}`);
  });
}
