import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import { LoopbackTelegram } from "../../../src/testing/mod.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/notification/notification.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

Deno.test("send() prints an outcome for each destination of a channel, with the reason of a delay", async () => {
  await using telegram = await LoopbackTelegram.start({ chats: ["1001"] });
  const folder = await Deno.makeTempDir();
  const channel = { server: telegram.url, token: telegram.token, chat: [1001, -5] };
  Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify({ channels: { telegram: channel } }), { mode: 0o600 });
  const send = async (subject: string) => {
    using runtime = fakeRuntime({ env: { MATRIX_NOTIFY_STATE_DIR: `${folder}/state` }, realIds: true });
    await main(["send", subject, "", "--config", `${folder}/config.json`, "--no-background"], runtime);
    return runtime.out().replace(/[-0-9a-f]{36}/g, "ID").replace(/; next try at .*/g, "");
  };
  const { host } = new URL(telegram.url);
  const hint = "check the number of the chat; send a message to the bot, or add the bot to the group again";
  const queued = `telegram -5: queued ID: ${host} answered 400: Bad Request: chat not found (${hint})\n`;
  assertEquals(await send("One"), `telegram 1001: delivered 1\n${queued}`);
  assertEquals(await send("Two"), `telegram 1001: delivered 2\n${queued}`);
  assertEquals(telegram.requests.filter(({ status }) => status === 400).length, 2, "formatted and plain, once");
  await Deno.remove(folder, { recursive: true });
});

/** The environment of a user whose homeserver does not run. */
function environmentOf(folder: string): Record<string, string> {
  return {
    HOME: folder,
    MATRIX_HOMESERVER: "http://127.0.0.1:9",
    MATRIX_ACCESS_TOKEN: "token",
    MATRIX_ROOM: "!a:example.org",
    MATRIX_NOTIFY_STATE_DIR: `${folder}/state`,
  };
}

/** Runs `send` without a server, and returns what is in the queue. */
async function sendToQueue(args: readonly string[], stdin?: Uint8Array) {
  const folder = await Deno.makeTempDir();
  const env = environmentOf(folder);
  using runtime = fakeRuntime({ env, stdin, realIds: true });
  const code = await main(["send", "Report", ...args, "--wait", "0", "--no-background"], runtime);
  const queued = Deno.readTextFileSync(`${folder}/state/queue/queue.jsonl`);
  Deno.removeSync(folder, { recursive: true });
  return { code, err: runtime.err(), queued };
}

Deno.test("send() prints the size of a body that is too long, not the number of lines that are left", async () => {
  const { code, err } = await sendToQueue([], new Uint8Array(3 * MAX_MESSAGE_BYTES).fill(0x78));
  assertEquals(code, 0);
  assertStringIncludes(err, "matrix-notify: the body is read from standard input: 24 MiB\n");
});

Deno.test("send() sends the alert without the body if no program writes to the pipe", async () => {
  const folder = await Deno.makeTempDir();
  const pipe = `${folder}/pipe`;
  assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  const { code, err, queued } = await sendToQueue(["--body-file", pipe, "--attach", pipe]);
  const problem = "it is a pipe, and no program has opened it for writing within 10 s";
  assertEquals(code, 0);
  assertStringIncludes(err, `matrix-notify: cannot read the body from ${pipe}: ${problem}\n`);
  assertStringIncludes(err, `matrix-notify: cannot attach ${pipe}: it is a device, a pipe or a socket, not a file\n`);
  assertStringIncludes(queued, `Cannot read the body from ${pipe}: ${problem}`);
  (await Deno.open(pipe, { write: true })).close();
  Deno.removeSync(folder, { recursive: true });
});

/**
 * Sends with `--require delivered` while the server is down. Meanwhile, another process runs
 * `command`.
 */
async function sendBeside(command: readonly string[], more: readonly string[] = []) {
  const folder = await Deno.makeTempDir();
  const env = environmentOf(folder);
  using other = fakeRuntime({ env, realIds: true });
  using runtime = fakeRuntime({ env, realIds: true });
  let isDone = command.length === 0;
  // The first pause comes after the first attempt.
  const sleep: typeof runtime.sleep = async (ms, signal) => {
    if (!isDone) {
      isDone = true;
      await main(command, other);
    }
    await runtime.sleep(ms, signal);
  };
  const words = ["send", "Report", "", "--require", "delivered", "--wait", "30s", "--no-background"];
  const code = await main([...words, ...more], { ...runtime, sleep });
  Deno.removeSync(folder, { recursive: true });
  return { code, err: runtime.err().replaceAll(/[-0-9a-f]{36}/g, "ID"), other: other.out() };
}

for (const command of [["queue", "drop", "--all"], ["queue", "purge", "--yes"]]) {
  Deno.test(`send() says that the notification is lost if another process runs ${command.join(" ")} meanwhile`, async () => {
    const { code, err, other } = await sendBeside(command);
    assertEquals([code, other], [65, "1 dropped\n"]);
    assertStringIncludes(
      err,
      "channel matrix does not get the notification: another process dropped it from the queue\n",
    );
    assertEquals(err.includes("dead letter") || err.includes("stays in the queue"), false, err);
  });
}

Deno.test("send() --require says that a newer notification replaced this one, or that it has expired", async () => {
  const newer = await sendBeside(["send", "Newer", "", "--key", "disk", "--wait", "0", "--no-background"], [
    ...["--key", "disk"],
  ]);
  assertEquals(newer.code, 75);
  assertStringIncludes(newer.err, "is not delivered: a newer notification with the same key replaced it\n");
  const expired = await sendBeside([], ["--ttl", "10s"]);
  assertEquals(expired.code, 65);
  assertStringIncludes(expired.err, "the notification could not be delivered, and is kept as a dead letter: ");
});
