/** Tests batches with `"style": "lines"` through a whole notifier. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { MAX_FILES_BYTES } from "../../src/queue/limits.ts";
import { LoopbackGotify } from "../../src/testing/mod.ts";
import { createLogs, findMissingLine } from "../fakes/long_texts.ts";
import { type Scene, setScene } from "../fakes/scene.ts";

const LINES: Partial<CoreOptions> = { batch: { style: "lines" } };

/** Enqueues twelve logs and lets them wait, like in an outage. */
async function enqueueLogs(scene: Scene, options: Partial<CoreOptions> = LINES) {
  const notifier = await scene.open(options);
  for (const log of createLogs()) await notifier.notify(log, { waitMs: 0 });
  scene.runtime.time += 60_000;
  return notifier;
}

function received({ homeserver, room }: Scene): string[] {
  return homeserver.events(room).map(({ content: { body } }) => String(body));
}

const storedFiles = ({ stateDir }: Scene) => Array.from(Deno.readDirSync(`${stateDir}/attachments`));

Deno.test("createLineBatches() sends a line for each notification, and the full texts as a file before later messages", async () => {
  await using scene = await setScene();
  await using notifier = await enqueueLogs(scene);
  await notifier.notify({ subject: "later", severity: "critical" }, { waitMs: 0 });
  const outcomes = await notifier.flush();
  assertEquals(outcomes.filter(({ state }) => state !== "delivered"), []);
  const [batch, file, later, ...more] = received(scene);
  assertMatch(
    batch,
    /^\[jump\] ❌ 12 notifications since .*\n\n- \d\d:\d\d:\d\d ❌ Backup of host 1 failed: host1 200: rsync/,
  );
  assertEquals(batch.split("\n").filter((line) => line.startsWith("- ")).length, 12);
  assertEquals([file, later, more], ["notifications.txt", "[jump] 🚨 later", []]);
  const [{ bytes }] = scene.homeserver.uploads();
  assertEquals(findMissingLine(new TextDecoder().decode(bytes), createLogs()), undefined);
  assertEquals(storedFiles(scene), []);
});

Deno.test("createLineBatches() puts the file into the message of a channel that can do so", async () => {
  await using scene = await setScene();
  const script =
    'cat > "$0/got.json"; sed "s/.*\\"path\\":\\"\\([^\\"]*\\).*/\\1/" "$0/got.json" | xargs cat > "$0/file"';
  const command = ["/bin/sh", "-c", script, scene.stateDir];
  await using notifier = await enqueueLogs(scene, { ...LINES, channels: { exec: { command } } });
  await notifier.flush();
  const { message, attachments } = JSON.parse(Deno.readTextFileSync(`${scene.stateDir}/got.json`));
  assertEquals([message.split("\n").length, attachments[0].name], [12, "notifications.txt"]);
  assertEquals(findMissingLine(Deno.readTextFileSync(`${scene.stateDir}/file`), createLogs()), undefined);
  assertEquals([storedFiles(scene), notifier.entries()], [[], []]);
});

Deno.test("Courier.run() sends full texts if a channel cannot send files, or if the texts cannot be stored", async () => {
  await using scene = await setScene();
  await using gotify = await LoopbackGotify.start();
  {
    const channels = { gotify: { server: gotify.url, token: gotify.token } };
    await using notifier = await enqueueLogs(scene, { ...LINES, channels });
    await notifier.flush();
    assertEquals(findMissingLine(gotify.messages.map(({ message }) => message).join("\n"), createLogs()), undefined);
  }
  await using notifier = await enqueueLogs(scene);
  Deno.mkdirSync(`${scene.stateDir}/attachments`, { recursive: true });
  const full = Deno.createSync(`${scene.stateDir}/attachments/00000000-0000-4000-8000-00000000ffff`);
  full.truncateSync(MAX_FILES_BYTES);
  full.lockSync(true);
  await notifier.flush();
  full.close();
  assertEquals(findMissingLine(received(scene).join("\n"), createLogs()), undefined);
});

Deno.test("QueueState.apply() removes the file of a batch that was not sent, and a new batch gets a new file", async () => {
  await using scene = await setScene();
  await using notifier = await enqueueLogs(scene);
  await scene.homeserver.stop();
  await notifier.flush({ waitMs: 0 });
  assertEquals(
    notifier.entries().map(({ notification: { subject } }) => subject),
    createLogs().map(({ subject }) => subject),
  );
  await notifier.notify({ subject: "thirteen" }, { waitMs: 0 });
  await scene.homeserver.restart();
  await notifier.flush();
  const [batch, file, ...more] = received(scene);
  assert(batch.includes("13 notifications"));
  assertEquals([file, more, storedFiles(scene)], ["notifications.txt", [], []]);
});

Deno.test("Queue.compact() keeps the style and the file of a batch in doubt", async () => {
  await using scene = await setScene();
  {
    await using notifier = await enqueueLogs(scene);
    scene.homeserver.fault("503", { times: 1 });
    await notifier.flush({ waitMs: 0 });
    assertEquals(notifier.entries().map(({ members }) => members?.length), [12, undefined]);
  }
  // The configuration changed, but every attempt has the same content.
  await using notifier = await scene.open();
  for (let at = 0; at < 20; at++) {
    await notifier.notify({ subject: "x", message: "x".repeat(20_000), key: "k" }, { waitMs: 0 });
  }
  await notifier.flush();
  assertEquals(received(scene).slice(0, 2).map((body) => body.split("\n- ").length), [13, 1]);
  assertEquals([received(scene)[1], storedFiles(scene)], ["notifications.txt", []]);
});
