/** Attachments of Telegram, ntfy and exec channels. */

import { assertEquals, assertRejects } from "@std/assert";
import { classify } from "../../src/delivery/classify.ts";
import { LoopbackNtfy, type NtfyOptions } from "../../src/testing/mod.ts";
import { LoopbackTelegram, type TelegramOptions } from "../../src/testing/mod.ts";
import { testFile } from "../fakes/files.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { type ChannelTest, openChannel } from "./harness.ts";

const PHOTO = { ...testFile("graph.png", "image/png", "any content"), width: 640, height: 480 };
const REPORT = testFile("Übersicht.csv", "text/csv", "Ordner;Größe\n");

async function telegramTest(
  body: (t: ChannelTest & { readonly telegram: LoopbackTelegram }) => Promise<void>,
  options: TelegramOptions = {},
) {
  using runtime = fakeRuntime();
  await using telegram = await LoopbackTelegram.start({ now: runtime.now, ...options });
  const config = { server: telegram.url, token: telegram.token, chat: 1001, thread: 7 };
  await body({ telegram, ...openChannel("telegram", config, runtime) });
}

Deno.test("TelegramChannel.send() sends an image as a photo, and any other file as a document", async () => {
  await telegramTest(async ({ telegram, send }) => {
    const receipts = [
      await send({ subject: "📎", silent: true }, { file: PHOTO }),
      await send({ subject: "📎" }, { file: REPORT }),
    ];
    assertEquals(receipts, [{ id: "1", possibleDuplicate: false }, { id: "2", possibleDuplicate: false }]);
    const seen = telegram.messages("1001").map(({ silent, thread, text, file }) => [silent, thread, text, file]);
    const bytesOf = ({ content }: typeof REPORT) => new TextEncoder().encode(content);
    assertEquals(seen, [
      [true, 7, "", { kind: "photo", name: "graph.png", type: "image/png", bytes: bytesOf(PHOTO) }],
      [false, 7, "", { kind: "document", name: "Übersicht.csv", type: "text/csv", bytes: bytesOf(REPORT) }],
    ]);
  });
});

Deno.test("TelegramChannel.send() sends an image that cannot be a photo as a document", async () => {
  await telegramTest(async ({ telegram, send }) => {
    await send({ subject: "📎" }, { file: { ...PHOTO, width: 9000, height: 2000 } });
    await send({ subject: "📎" }, { file: { ...PHOTO, width: 2100, height: 100 } });
    await send({ subject: "📎" }, { file: { ...PHOTO, type: "image/gif" } });
    telegram.fault("image-process-failed", { on: "sendPhoto", times: 1 });
    await send({ subject: "📎" }, { file: PHOTO });
    assertEquals(telegram.messages("1001").map(({ file }) => file?.kind), Array(4).fill("document"));
  });
});

Deno.test("TelegramChannel.send() rejects a file that Telegram never accepts, and waits if the chat is the problem", async () => {
  await telegramTest(async ({ telegram, send }) => {
    telegram.fault("image-process-failed", { on: "sendDocument", times: 1 });
    telegram.fault("too-large-page", { on: "sendDocument", times: 1 });
    const failures = [];
    for (let time = 0; time < 2; time++) {
      failures.push(classify(await assertRejects(() => send({ subject: "📎" }, { file: REPORT }))).class);
    }
    telegram.block("1001");
    failures.push(classify(await assertRejects(() => send({ subject: "📎" }, { file: REPORT }))).class);
    assertEquals(failures, ["rejected", "rejected", "destination"]);
  });
});

async function ntfyTest(
  options: NtfyOptions,
  body: (t: ChannelTest & { readonly ntfy: LoopbackNtfy }) => Promise<void>,
) {
  using runtime = fakeRuntime();
  await using ntfy = await LoopbackNtfy.start(options);
  await body({ ntfy, ...openChannel("ntfy", { server: ntfy.url, topic: "alerts" }, runtime) });
}

Deno.test("NtfyChannel.send() publishes a file with its name, its type and its priority", async () => {
  await ntfyTest({ maxFileBytes: 100 }, async ({ ntfy, send }) => {
    const receipt = await send({ subject: "📎 Übersicht.csv", severity: "critical" }, { file: REPORT });
    const [{ id, title, message, priority, attachment }] = ntfy.messages("alerts");
    assertEquals([receipt.id, title, message, priority], [
      ...[id, "[jump] 📎 Übersicht.csv", "You received a file: Übersicht.csv", 5],
    ]);
    assertEquals([attachment?.name, attachment?.type], ["Übersicht.csv", "text/csv"]);
    assertEquals(attachment && ntfy.file(attachment), new TextEncoder().encode(REPORT.content));
  });
});

Deno.test("NtfyChannel.send() rejects a file that the server does not accept", async () => {
  for (const options of [{}, { maxFileBytes: 3 }]) {
    await ntfyTest(options, async ({ send }) => {
      const { class: name, errcode } = classify(await assertRejects(() => send({ subject: "📎" }, { file: REPORT })));
      assertEquals([name, errcode], ["rejected", options.maxFileBytes ? "41301" : "40014"]);
    });
  }
});

Deno.test("ExecChannel.send() passes the paths of the files to the program", async () => {
  using runtime = fakeRuntime({
    run: ({ stdin }) => {
      const { attachments } = JSON.parse(stdin);
      return Promise.resolve({ code: 0, stdout: JSON.stringify(attachments), stderr: "" });
    },
  });
  const { send } = openChannel("exec", { command: ["/usr/local/bin/tell"] }, runtime);
  const { id } = await send({ subject: "Up" }, { attachments: [testFile("a.txt", "text/plain", "aaa")] });
  assertEquals(JSON.parse(id), [{ name: "a.txt", type: "text/plain", size: 3, path: "/state/attachments/aaa" }]);
});
