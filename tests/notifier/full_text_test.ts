/** Tests messages that are too long for a service or for the queue. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { byteLength } from "../../src/notification/cut.ts";
import { MAX_QUEUED_BYTES } from "../../src/notification/notification.ts";
import { MAX_FILES_BYTES } from "../../src/queue/limits.ts";
import { LoopbackGotify, LoopbackNtfy, LoopbackTelegram, LoopbackWebhook } from "../../src/testing/mod.ts";
import { TEST_TIME } from "../fakes/runtime.ts";
import { type Scene, setScene, withPhone } from "../fakes/scene.ts";

/** Creates lines such as `line 7: äöü`, until they have at least this number of bytes. */
function createLines(bytes: number): string {
  const lines: string[] = [];
  for (let size = 0; size < bytes; size += byteLength(lines[lines.length - 1]) + 1) {
    lines.push(`line ${lines.length}: äöü`);
  }
  return lines.join("\n");
}

/** Returns the texts and the names of the files in the room. */
function received({ homeserver, room }: Scene): string[] {
  return homeserver.events(room).map(({ content: { body } }) => String(body));
}

function storedFiles({ stateDir }: Scene): string[] {
  try {
    return Array.from(Deno.readDirSync(`${stateDir}/attachments`), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("notify() sends a message that is too long for Matrix in part, and whole as a file", async () => {
  for (const bytes of [60_000, 200_000]) {
    await using scene = await setScene();
    await using notifier = await scene.open();
    const message = createLines(bytes);
    const outcomes = await notifier.notify({ subject: "Log", message });
    assertEquals(outcomes.map(({ state, file }) => [state, file]), [
      ["delivered", undefined],
      ["delivered", "message.txt"],
    ]);
    const [text, name] = received(scene);
    assert(byteLength(text) > 0.9 * 60 * 1024 - 100, `${byteLength(text)}`);
    assertMatch(text, /\nline 0: äöü\n[^]*; message\.txt has the whole text\n[^]*\nline \d+: äöü$/);
    assertEquals([text.endsWith(message.slice(-1000)), name], [true, "message.txt"]);
    assertEquals(scene.homeserver.uploads().map(({ bytes, type }) => [decode(bytes), type]), [[message, "text/plain"]]);
    assertEquals(storedFiles(scene), []);
  }
});

/** Configures a channel for each of the two services. */
function channelsOf(ntfy: LoopbackNtfy, telegram: LoopbackTelegram) {
  return {
    ntfy: { server: ntfy.url, topic: "alerts" },
    telegram: { server: telegram.url, token: telegram.token, chat: 1001, insecureHttp: true },
  };
}

Deno.test("notify() sends the end of a program's output, and the whole output as a file", async () => {
  await using scene = await setScene();
  await using ntfy = await LoopbackNtfy.start({ maxFileBytes: 1_000_000 });
  await using telegram = await LoopbackTelegram.start();
  await using notifier = await scene.open({
    channels: channelsOf(ntfy, telegram),
  });
  const message = createLines(12_000);
  await notifier.notify({
    subject: "Backup failed",
    message,
    format: "code",
    attachments: [{ bytes: TEN, name: "ten" }],
  });
  const [text, file, ten] = ntfy.messages("alerts");
  assertMatch(text.message ?? "", /^✂ Cut here: \d+ of \d+ bytes are missing; output\.txt has the whole text\n/);
  assert(text.message?.endsWith(message.slice(-2500)) && byteLength(text.message) > 0.9 * 4095);
  assertEquals([file.attachment?.name, ten.attachment?.name], ["output.txt", "ten"]);
  const [chatText, chatFile] = telegram.messages("1001");
  assert(chatText.text.endsWith(message.slice(-2500)) && chatText.text.length > 0.9 * 4096);
  assertEquals([chatFile.file?.name, chatFile.file && decode(chatFile.file.bytes)], ["output.txt", message]);
});

const TEN = new TextEncoder().encode("0123456789");

Deno.test("notify() sends a short message without a file, also in Markdown and HTML", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ channels: { ntfy: { server: scene.ntfy.url, topic: "alerts" } } });
  await notifier.notify({ subject: "Text", message: createLines(3500) });
  const style = `<style>${"x".repeat(5000)}</style>`;
  await notifier.notify({ subject: "HTML", message: `${style}<p>short</p>`, format: "html" });
  assertEquals(scene.ntfy.messages("alerts").map(({ attachment }) => attachment), [undefined, undefined]);
});

Deno.test("notify() sends HTML whose plain text is too long in part, and its source as a file", async () => {
  // Each blank line in the quotations becomes a line with ten marks.
  const message = `${"<blockquote>".repeat(10)}<pre>first${"\n".repeat(3500)}last`;
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "Quotation", message, format: "html" });
  const [text, name] = received(scene);
  assertMatch(
    text,
    /first\n[^]*\n✂ Cut here: \d+ of \d+ bytes are missing; message\.html has the whole text\n[^]*last$/,
  );
  assert(byteLength(text) > 50_000);
  assertEquals([name, scene.homeserver.uploads().map(({ bytes }) => decode(bytes))], ["message.html", [message]]);
});

/** The longest message of Telegram, in characters. */
const TELEGRAM_CHARS = 4096;

/** Opens a Telegram channel, and returns a function that reads its texts and its files. */
async function openChat(scene: Scene, telegram: LoopbackTelegram) {
  const { url: server, token } = telegram;
  const notifier = await scene.open({ channels: { telegram: { server, token, chat: 1001, insecureHttp: true } } });
  const read = () => telegram.messages("1001").map(({ text, file }) => file ? decode(file.bytes) : text);
  return { notifier, read };
}

Deno.test("notify() sends a message as a file if problems with attachments make it too long", async () => {
  await using scene = await setScene();
  await using telegram = await LoopbackTelegram.start();
  const { notifier, read } = await openChat(scene, telegram);
  await using _ = notifier;
  await notifier.notify({ subject: "x", attachments: [{ bytes: TEN }] });
  const full = Deno.createSync(`${scene.stateDir}/attachments/00000000-0000-4000-8000-00000000ffff`);
  // There is space for the message, but not for the attachment.
  full.truncateSync(MAX_FILES_BYTES - 3 * 4096);
  full.lockSync(true);
  const message = `${"x".repeat(3870)}end`;
  await notifier.notify({ subject: "Log", message });
  assertEquals(read().at(-1), `[jump] Log\n${message}`);
  for (const file of [{ path: `/none/${"x".repeat(300)}` }, { bytes: new Uint8Array(20_000), name: "x".repeat(150) }]) {
    await notifier.notify({ subject: "Log", message, attachments: [file] });
    const [text, whole] = read().slice(-2);
    assertMatch(text, /✂ Cut here: \d+ of 3873 bytes are missing; message\.txt has the whole text[^]*end\n\n✂ Cannot /);
    assertEquals([whole, text.length > 0.9 * TELEGRAM_CHARS], [message, true]);
  }
  full.unlockSync();
  full.close();
});

Deno.test("notify() sends a file to a second channel if only a problem with storage makes the message too long", async () => {
  await using scene = await setScene();
  await using ntfy = await LoopbackNtfy.start({ maxFileBytes: 1_000_000 });
  await using telegram = await LoopbackTelegram.start();
  await using notifier = await scene.open({
    channels: channelsOf(ntfy, telegram),
  });
  await notifier.notify({ subject: "x", attachments: [{ bytes: TEN }] });
  const full = Deno.createSync(`${scene.stateDir}/attachments/00000000-0000-4000-8000-00000000ffff`);
  full.truncateSync(MAX_FILES_BYTES - 3 * 4096);
  full.lockSync(true);
  // The limit of Telegram includes the title, so the message is too long in any case.
  const [subject, message] = ["s".repeat(500), `${"x".repeat(3870)}end`];
  await notifier.notify({ subject, message, attachments: [{ bytes: new Uint8Array(20_000), name: "x".repeat(150) }] });
  full.unlockSync();
  full.close();
  const [text, file] = ntfy.messages("alerts").slice(-2);
  assertMatch(text.message ?? "", /message\.txt has the whole text[^]*end\n\n✂ Cannot /);
  assertEquals([file.attachment?.name, telegram.messages("1001").at(-1)?.file?.name], ["message.txt", "message.txt"]);
});

Deno.test("notify() sends a message as a file if its notes are too long when it arrives", async () => {
  await using scene = await setScene();
  await using telegram = await LoopbackTelegram.start();
  const { notifier, read } = await openChat(scene, telegram);
  await using _ = notifier;
  /** Sends a message that replaces another one, and resolves an incident, with a wrong clock. */
  const send = async (message: string) => {
    scene.runtime.time = 1000;
    await notifier.notify({ subject: "Disk full", key: "disk" });
    scene.runtime.time = 86_399_000;
    for (const subject of ["Disk", "Log"]) {
      await notifier.notify({ subject, message, key: "disk", resolves: true }, { waitMs: 0 });
    }
    scene.runtime.time = TEST_TIME;
    await notifier.flush();
    return read();
  };
  const text = (await send("x")).at(-1) ?? "";
  assertMatch(
    text,
    /Resolved after 23 h 59 min: Log\nx\n⏰ Late: the clock .*\n↻ Replaces an earlier notification/,
  );
  const message = "x".repeat(TELEGRAM_CHARS - text.length + 2);
  const [cut, whole] = (await send(message)).slice(-2);
  assertMatch(cut, /✂ Cut here: \d+ of \d+ bytes are missing; message\.txt has the whole text/);
  assertEquals(whole, message);
});

Deno.test("notify() stores a message over 48 KiB as a file, and sends it whole where it fits", async () => {
  await using scene = await setScene();
  await using gotify = await LoopbackGotify.start();
  await using webhook = await LoopbackWebhook.start();
  const command = ["/bin/sh", "-c", `cat > ${scene.stateDir}/got.json`];
  await using notifier = await scene.open({
    channels: {
      exec: { command },
      gotify: { server: gotify.url, token: gotify.token },
      webhook: { url: webhook.url },
    },
  });
  const message = createLines(1_000_000);
  await notifier.notify({ subject: "Log", message }, { waitMs: 0 });
  assert(Deno.statSync(`${scene.stateDir}/queue/queue.jsonl`).size < 3 * 12_000);
  assertEquals([storedFiles(scene).length, notifier.status().fileBytes], [1, byteLength(message)]);
  await notifier.flush();
  assertEquals(JSON.parse(Deno.readTextFileSync(`${scene.stateDir}/got.json`)).message, message);
  assertEquals((webhook.deliveries[0].body as { message: string }).message, message);
  const [{ message: cut }] = gotify.messages;
  assert(byteLength(cut) > 0.9 * 65_535 && cut.startsWith("line 0: äöü\n") && cut.endsWith(message.slice(-1000)));
  assertMatch(cut, /bytes are missing\n/);
  assertEquals(storedFiles(scene), []);
});

Deno.test("notify() sends the beginning and the end of a long message if there is no space for its file", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "x", attachments: [{ bytes: TEN }] });
  const full = Deno.createSync(`${scene.stateDir}/attachments/00000000-0000-4000-8000-00000000ffff`);
  full.truncateSync(MAX_FILES_BYTES);
  full.lockSync(true);
  const message = createLines(200_000);
  const [{ state }] = await notifier.notify({ subject: "Log", message });
  full.unlockSync();
  full.close();
  const body = received(scene).at(-1) ?? "";
  const note =
    `\n\n✂ Cannot store message.txt in ${scene.stateDir}/attachments: the directory has reached its limit of 64 MiB`;
  assertEquals([state, body.endsWith(message.slice(-1000) + note)], ["delivered", true]);
  assert(byteLength(body) > 0.9 * MAX_QUEUED_BYTES);
});

Deno.test("flush() sends an excerpt of a long message whose file is lost", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const message = createLines(200_000);
  await notifier.notify({ subject: "Log", message }, { waitMs: 0 });
  for (const name of storedFiles(scene)) Deno.removeSync(`${scene.stateDir}/attachments/${name}`);
  await notifier.flush();
  const [body] = received(scene);
  assertMatch(body, /\nline 0: äöü\n[^]*bytes are missing\n/);
  assert(body.endsWith(message.slice(-1000)));
  assertEquals(notifier.entries(), []);
});

Deno.test("notify() sends a note and makes no dead letter if a server accepts the alert, but not the file with its whole text", async () => {
  await using scene = await setScene();
  const warnings: string[] = [];
  await using notifier = await scene.open({
    channels: { ntfy: { server: scene.ntfy.url, topic: "alerts" } },
    onWarning: (text) => warnings.push(text),
  });
  const messages = () => scene.ntfy.messages("alerts");
  const outcomes = await notifier.notify({ subject: "Log", message: createLines(6000) });
  await notifier.notify({ subject: "Later" });
  assertEquals(outcomes.map(({ state }) => state), ["delivered"]);
  assertEquals([notifier.entries(), storedFiles(scene)], [[], []]);
  assertEquals(messages().map(({ title }) => title), [
    "[jump] Log",
    "[jump] 📎 message.txt was not delivered",
    "jump",
  ]);
  const reason = /the file with the whole text was refused: .* attachments not allowed/;
  assertMatch(messages()[0].message ?? "", /message\.txt has the whole text/);
  assertMatch(messages()[1].message ?? "", reason);
  assertMatch(warnings.join(), reason);
});

Deno.test("notify() names no file for a day after a server has refused all files", async () => {
  await using scene = await setScene();
  const channels = { ntfy: { server: scene.ntfy.url, topic: "alerts" } };
  const send = async () => {
    const before = scene.ntfy.messages("alerts").length;
    // Each notifier stands for a process.
    await using notifier = await scene.open({ channels });
    await notifier.notify({ subject: "Log", message: createLines(6000) });
    const [text, ...more] = scene.ntfy.messages("alerts").slice(before);
    return [/message\.txt has the whole text/.test(text.message ?? ""), more.length];
  };
  assertEquals(await send(), [true, 1]);
  assertEquals(await send(), [false, 0]);
  scene.runtime.time += 86_400_000;
  assertEquals(await send(), [true, 1]);
});

Deno.test("notify() lets the files of a fallback replace the files of its primary by their content", async () => {
  await using scene = await setScene();
  await using ntfy = await LoopbackNtfy.start({ maxFileBytes: 1_000_000 });
  await using notifier = await scene.open(
    withPhone({ ...scene, ntfy }, { fallback: { channels: ["phone"], after: "5m" } }),
  );
  const message = createLines(6000);
  await notifier.notify({ subject: "Log", message, attachments: [{ bytes: TEN, name: "ten" }] });
  assertEquals([received(scene).length, ntfy.messages("alerts"), notifier.entries()], [2, [], []]);
  await scene.homeserver.stop();
  await notifier.notify({ subject: "Log", message, attachments: [{ bytes: TEN, name: "ten" }] });
  scene.runtime.time += 5 * 60_000;
  await notifier.flush({ waitMs: 0 });
  assertEquals(ntfy.messages("alerts").map(({ attachment }) => attachment?.name), [
    undefined,
    "message.txt",
    "ten",
  ]);
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals([notifier.entries(), storedFiles(scene)], [[], []]);
});
