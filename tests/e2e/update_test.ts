/** Tests `run` and `serve` while another program replaces the files of matrix-notify. */

import { assertEquals } from "@std/assert";
import { buildBundle, BUNDLE, FOLDER } from "../../scripts/build/bundle_files.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { startServe } from "../clients/serve.ts";
import { StateFolder } from "../synapse/cli.ts";
import { postToSocket } from "../../src/runtime/unix_socket.ts";
import { environmentOf, runDeno, subjectsIn } from "./new_host.ts";

/** The program as a bundle, and the host on which it runs. */
async function setScene() {
  const homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const state = await StateFolder.create();
  const bundle = await Deno.makeTempDir();
  await buildBundle(bundle);
  const host = { directory: state.path, homeserver, accessToken, room };
  return {
    host,
    program: ["-A", "--no-config", `${bundle}/${BUNDLE}`],
    /** A shell command that replaces the files. A file of another version cannot be used. */
    update: `for file in ${bundle}/${FOLDER}/*.js; do echo 'throw new Error("update")' >"$file"; done`,
    subjects: () => subjectsIn(host).map((subject) => subject.replace(/ after .*/, "")),
    async [Symbol.asyncDispose]() {
      await Deno.remove(bundle, { recursive: true });
      await state[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
    },
  };
}

Deno.test("run sends a long output after its command has replaced the files of the program", async () => {
  await using scene = await setScene();
  const command = ["/bin/sh", "-c", `PATH=/usr/bin:/bin; seq 30000; sleep 2; ${scene.update}`];
  const words = ["run", "--no-background", "-s", "Update", "--", ...command];
  const { code, stderr } = await runDeno(scene.host, [...scene.program, ...words]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(scene.subjects(), ["Update succeeded", "output.txt"]);
});

Deno.test("serve delivers a long message and a file after its files were replaced", async () => {
  await using scene = await setScene();
  const { directory } = scene.host;
  const [config, path] = [`${directory}/config.json`, `${directory}/run/socket`];
  await Deno.writeTextFile(config, JSON.stringify({ serve: { sockets: { socket: { path } } } }), { mode: 0o600 });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...scene.program, "serve", "--config", config],
    ...{ cwd: directory, clearEnv: true, env: environmentOf(scene.host), stdout: "null", stderr: "piped" },
  }).spawn();
  const log = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("listening at")) {
    const { value, done } = await log.read();
    text += value ?? "";
    if (done) throw new Error(text);
  }
  await new Deno.Command("/bin/sh", { args: ["-c", scene.update] }).output();
  const body = new FormData();
  for (const [name, value] of Object.entries({ subject: "Long", message: "x\n".repeat(50_000), wait: "20s" })) {
    body.set(name, value);
  }
  body.append("attach", new File(["text"], "attached.txt"));
  const response = await postToSocket(path, "/send", { body, signal: AbortSignal.timeout(30_000) });
  child.kill();
  await child.status;
  for (let done = false; !done;) ({ done } = await log.read());
  assertEquals(response?.status, 200, await response?.text());
  assertEquals(scene.subjects().toSorted(), ["Long", "attached.txt", "message.txt"]);
});

/**
 * Requests of each protocol, whose subjects are their numbers. Most of them need a late part of the
 * program.
 */
const REQUESTS: readonly (readonly [method: string, path: string, body: BodyInit, headers?: Record<string, string>])[] =
  [
    ["POST", "/notify", '{"subject":"1","message":"**m**","format":"markdown"}'],
    ["POST", "/notify", '{"subject":"2","message":"<b>m</b>","format":"html"}'],
    ["POST", "/notify", JSON.stringify({ subject: "3", message: "x\n".repeat(50_000) })],
    ["POST", "/topic", "**m**", { Title: "4", Markdown: "yes" }],
    ["PUT", "/topic", "file", { Title: "5", Filename: "a.bin" }],
    ["POST", "/message", '{"title":"6","message":"m"}'],
    ["POST", "/alertmanager", '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"7"}}]}'],
    ["POST", "/uptime-kuma", '{"msg":"8"}'],
    ["PUT", "/_matrix/client/v3/rooms/%21a/send/m.room.message/1", '{"msgtype":"m.text","body":"9"}'],
    [
      "PUT",
      "/_matrix/client/v3/rooms/%21a/send/m.room.message/2",
      '{"format":"org.matrix.custom.html","body":"10","formatted_body":"10<br><a href=\\"https://example.org\\">m</a>"}',
    ],
  ];

Deno.test("serve accepts and delivers what each protocol sends after its files were removed", async () => {
  await using server = await startServe();
  const bundle = `${server.directory}/bundle`;
  await Deno.mkdir(bundle);
  await buildBundle(bundle);
  await server.stop("SIGTERM");
  await server.start(bundle);
  await Deno.remove(bundle, { recursive: true });
  const request = async (method: string, path: string, body?: BodyInit, headers = {}) => {
    const authorization = { Authorization: `Bearer ${server.token}` };
    const response = await fetch(server.url + path, { method, body, headers: { ...authorization, ...headers } });
    await response.body?.cancel();
    return response.status;
  };
  for (const [method, path, body, headers] of REQUESTS) {
    assertEquals(
      Math.floor(await request(method, path, body, headers) / 100),
      2,
      `${path} ${body.toString().slice(0, 50)}`,
    );
  }
  assertEquals(await request("GET", "/"), 500, "the status page was not loaded before");
  await server.reload();
  assertEquals(await request("POST", "/notify", '{"subject":"11"}'), 202);
  const texts = await server.arrived(REQUESTS.length + 3);
  assertEquals(texts.map((text) => text.split("\n")[0].replace(/^\[.*?\]\s*(?:\W+ )?/, "")), [
    ...["1", "2", "3", "message.txt", "4", "5", "a.bin", "6", "7", "8", "9", "10", "11"],
  ]);
});
