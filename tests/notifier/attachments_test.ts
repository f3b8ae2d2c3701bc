/**
 * Tests attachments: they are on disk before `notify()` resolves, delivered only once and in order,
 * and deleted when entries do not need them any more.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { AttachmentInput } from "../../src/notification/notification.ts";
import { formatTime } from "../../src/base/time.ts";
import { MAX_FILES_BYTES } from "../../src/queue/limits.ts";
import { LoopbackTelegram, LoopbackWebhook } from "../../src/testing/mod.ts";
import { type Scene, setScene } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

/** A PNG of one pixel. */
const PIXEL = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

const TEXT = new TextEncoder().encode("Ordner;Größe\nMüll;0\n");

const FILES: readonly AttachmentInput[] = [{ bytes: PIXEL, name: "graph.png" }, { bytes: TEXT, name: "übersicht.csv" }];

/**
 * Returns the events in the room: texts with their subjects, attachments with their types and
 * names.
 */
function shown({ homeserver, room }: Scene): string[] {
  return homeserver.events(room).map(({ content: { msgtype, body } }) =>
    `${msgtype} ${String(body).split("\n")[0].replace("[jump] ", "")}`
  );
}

/** Returns the names of the stored attachments. */
function kept({ stateDir }: Scene): string[] {
  try {
    return Array.from(Deno.readDirSync(`${stateDir}/attachments`), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

Deno.test("notify() calls onStored when the files are on disk, and does not need their bytes after that", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const bytes = TEXT.slice(), atStored: unknown[] = [];
  const onStored = () => {
    atStored.push(kept(scene).length, shown(scene));
    bytes.buffer.transfer(0);
  };
  const outcomes = await notifier.notify({ subject: "Load", attachments: [{ bytes, name: "a.csv" }] }, { onStored });
  assertEquals(outcomes.map(({ state }) => state), ["delivered", "delivered"]);
  assertEquals(atStored, [1, []]);
  assertEquals(scene.homeserver.uploads().map(({ bytes }) => bytes), [TEXT]);
});

Deno.test("notify() sends the text and its attachments in order, with their names, types and sizes", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const outcomes = await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals(outcomes.map(({ state, file }) => [state, file]), [
    ["delivered", undefined],
    ["delivered", "graph.png"],
    ["delivered", "übersicht.csv"],
  ]);
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  const { homeserver, room } = scene;
  const [, image, file] = homeserver.events(room).map(({ content }) => content);
  const [first, second] = homeserver.uploads();
  assertEquals(image, {
    msgtype: "m.image",
    body: "graph.png",
    filename: "graph.png",
    url: first.uri,
    info: { mimetype: "image/png", size: PIXEL.length, w: 1, h: 1 },
    "m.mentions": {},
    "dev.matrix-notify.id": outcomes[1].id,
    "dev.matrix-notify.severity": "info",
  });
  assertEquals(file.info, { mimetype: "text/csv", size: TEXT.length });
  assertEquals([first, second].map(({ bytes, type, filename }) => [bytes, type, filename]), [
    [PIXEL, "image/png", "graph.png"],
    [TEXT, "text/csv", "übersicht.csv"],
  ]);
  assertEquals(kept(scene), []);
});

Deno.test("notify() keeps queued attachments, and sends them after the original files are gone", async () => {
  await using scene = await setScene();
  const path = `${scene.stateDir}/report.txt`;
  Deno.writeTextFileSync(path, "All is well");
  await scene.homeserver.stop();
  {
    await using notifier = await scene.open();
    const outcomes = await notifier.notify({ subject: "Report", attachments: [{ path }] }, { waitMs: 0 });
    assertEquals(outcomes.map(({ state }) => state), ["queued", "queued"]);
  }
  Deno.removeSync(path);
  assertEquals(kept(scene).length, 1);
  await scene.homeserver.restart();
  await using notifier = await scene.open();
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Report", "m.file report.txt"]);
  assertEquals(scene.homeserver.uploads().map(({ bytes }) => new TextDecoder().decode(bytes)), ["All is well"]);
  assertEquals(kept(scene), []);
});

Deno.test("notify() sends the text and the other files when a file cannot be attached, and says so", async () => {
  await using scene = await setScene();
  const warnings: string[] = [];
  await using notifier = await scene.open({ onWarning: (text) => warnings.push(text) });
  const problem = `Cannot attach ${scene.stateDir}/none: there is no such file`;
  const none = { path: `${scene.stateDir}/none` };
  await notifier.notify({ subject: "Load", attachments: [FILES[0], none, FILES[1]] });
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  await notifier.notify({ subject: "Up", attachments: [none] });
  assertEquals(
    scene.homeserver.events(scene.room).map(({ content }) => String(content.body)).filter((body) => /✂/.test(body)),
    [
      `[jump] Load\n\n✂ ${problem}`,
      `[jump] Up\n\n✂ ${problem}`,
    ],
  );
  assertEquals([warnings, kept(scene)], [[problem, problem], []]);
});

Deno.test("notify() makes an attachment that the server rejects a dead letter, and the lane goes on", async () => {
  for (
    const fault of ["too-large", "too-large-page", "forbidden", "resource-limit-exceeded", "unrecognized"] as const
  ) {
    await using scene = await setScene();
    scene.homeserver.fault(fault, { on: "upload", times: 1 });
    await using notifier = await scene.open();
    const outcomes = await notifier.notify({ subject: "Load", attachments: FILES });
    assertEquals(outcomes.map(({ state }) => state), ["delivered", "dead", "delivered"], fault);
    assertEquals(shown(scene), ["m.text Load", "m.file übersicht.csv"]);
    assertStringIncludes(fieldsOf(outcomes[1]).reason ?? "", "Cannot upload graph.png: ");
    assertEquals(kept(scene).length, 1);
    await notifier.retry([outcomes[1].id]);
    assertEquals([shown(scene).at(-1), kept(scene)], ["m.image graph.png", []]);
  }
});

Deno.test("notify() reads the size limit, from either endpoint, before it uploads", async () => {
  await using scene = await setScene({ maxUploadBytes: 10 });
  const isNew = ({ path }: { readonly path: string }) => path.includes("/client/v1/");
  scene.homeserver.fault("unrecognized", { on: "media-config", times: 1, where: isNew });
  await using notifier = await scene.open();
  for (let time = 0; time < 2; time++) {
    const [, file] = await notifier.notify({ subject: "Load", attachments: [{ bytes: TEXT, name: "a.csv" }] });
    const host = new URL(scene.homeserver.url).host;
    assertEquals(
      fieldsOf(file).reason,
      `Cannot send a.csv: its size is 23 bytes, and ${host} accepts at most 10 bytes`,
    );
  }
  assertEquals(scene.homeserver.requests.filter(({ route }) => route === "media-config").map(isNew), [
    true,
    false,
    true,
  ]);
  assertEquals(scene.homeserver.uploads(), []);
});

Deno.test("notify() waits as long as the server says before it uploads again", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("429-retry-after-ms", { on: "upload", times: 1, retryAfterMs: 7000 });
  await using notifier = await scene.open();
  const outcomes = await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals(outcomes.map(({ state }) => state), ["delivered", "queued", "queued"]);
  assertEquals(fieldsOf(outcomes[1]).next, scene.runtime.time + 7000);
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
});

Deno.test("flush() repeats an upload in doubt, and shows the attachment once", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("drop-after-persisting", { on: "upload", times: 1 });
  await using notifier = await scene.open();
  await notifier.notify({ subject: "Load", attachments: FILES });
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  assertEquals(scene.homeserver.uploads().length, 3);
  assertEquals(notifier.status().possibleDuplicates, 0);
});

Deno.test("flush() uploads no attachment again whose event is in the room", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("drop-after-persisting", { times: 1, where: ({ body }) => body.includes("m.image") });
  await using notifier = await scene.open();
  await notifier.notify({ subject: "Load", attachments: FILES });
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  assertEquals(scene.homeserver.uploads().length, 2);
});

Deno.test("notify() lists in the text the attachments that a channel cannot send", async () => {
  await using scene = await setScene();
  await using hook = await LoopbackWebhook.start();
  const channels = { hook: { kind: "webhook", url: hook.url } } as const;
  await using notifier = await scene.open({ channels });
  await notifier.notify({ subject: "Load", message: "High", attachments: FILES });
  const [delivery] = hook.deliveries;
  assertEquals(
    (delivery.body as Record<string, unknown>).note,
    "📎 graph.png (70 bytes) was not sent here\n📎 übersicht.csv (23 bytes) was not sent here",
  );
  assertEquals(kept(scene), []);
});

Deno.test("notify() puts no notification with attachments into a batch", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const start = scene.runtime.time;
  await scene.homeserver.stop();
  for (let number = 0; number < 12; number++) {
    const attachments = number === 6 ? FILES.slice(1) : [];
    await notifier.notify({ subject: `Number ${number}`, attachments }, { waitMs: 0 });
  }
  scene.runtime.time += 60_000;
  await scene.homeserver.restart();
  await notifier.flush();
  const since = `notifications since ${formatTime(start)}`;
  assertEquals(shown(scene), [`m.text 7 ${since}`, "m.file übersicht.csv", `m.text 5 ${since}`]);
});

Deno.test("notify() replaces a waiting notification with the same key, attachments included", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await scene.homeserver.stop();
  await notifier.notify({ subject: "Old", key: "load", attachments: FILES }, { waitMs: 0 });
  await notifier.notify({ subject: "New", key: "load", attachments: FILES.slice(0, 1) }, { waitMs: 0 });
  assertEquals(notifier.entries().map(({ notification }) => notification.subject), ["New", "📎 graph.png"]);
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals(shown(scene), ["m.text New", "m.image graph.png"]);
  assertStringIncludes(
    String(scene.homeserver.events(scene.room)[0].content.body),
    "↻ Replaces an earlier notification",
  );
  assertEquals(kept(scene), []);
});

Deno.test("notify() treats two calls with the same id as one notification", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const input = { subject: "Load", attachments: FILES };
  const [first, second] = [
    await notifier.notify(input, { id: "load-1" }),
    await notifier.notify(input, { id: "load-1" }),
  ];
  assertEquals(second, first);
  assertEquals([shown(scene).length, kept(scene)], [3, []]);
  const more = { ...input, attachments: [...FILES, ...FILES] };
  assertEquals(await notifier.notify(more, { id: "load-1" }), first);
  assertEquals([shown(scene).length, kept(scene)], [3, []]);
});

Deno.test("flush() makes a missing or truncated attachment a dead letter, and goes on", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await scene.homeserver.stop();
  await notifier.notify({ subject: "Load", attachments: [...FILES, ...FILES] }, { waitMs: 0 });
  const [, gone, cut] = notifier.entries();
  const path = `${scene.stateDir}/attachments`;
  Deno.removeSync(`${path}/${gone.notification.file?.content}`);
  Deno.truncateSync(`${path}/${cut.notification.file?.content}`, 3);
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  assertEquals(notifier.entries().map(({ state, reason }) => [state, reason?.replace(/\/[^ ]+:/, "PATH:")]), [
    ["dead", "Cannot read PATH: the file is missing"],
    ["dead", "Cannot read PATH: the file has 3 bytes instead of 23"],
  ]);
});

Deno.test("drop() removes the attachments of dropped entries, and no others", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await scene.homeserver.stop();
  const outcomes = await notifier.notify({ subject: "Load", attachments: FILES }, { waitMs: 0 });
  await notifier.drop([outcomes[1].id]);
  assertEquals(kept(scene), [notifier.entries()[1].notification.file?.content]);
  await notifier.drop(notifier.entries().map(({ id }) => id));
  assertEquals(kept(scene), []);
});

Deno.test("flush() deletes attachments that another process replaced without delivering", async () => {
  await using scene = await setScene();
  for (const attachments of [FILES, []]) {
    // Each notifier stands for a process.
    await using notifier = await scene.open();
    await notifier.notify({ subject: "Load", key: "load", attachments }, { waitMs: 0 });
  }
  assertEquals(kept(scene).length, 2);
  await using notifier = await scene.open();
  await notifier.flush();
  assertEquals([shown(scene), kept(scene)], [["m.text Load"], []]);
});

Deno.test("notify() leaves out attachments over the limit, and removes those of killed senders", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const path = `${scene.stateDir}/attachments`;
  Deno.mkdirSync(path);
  const left = `${path}/${crypto.randomUUID()}`;
  using large = Deno.openSync(left, { write: true, create: true });
  // There is space for one more block of the disk.
  large.truncateSync(MAX_FILES_BYTES - 4096);
  // A process that writes an attachment holds the lock of the file.
  large.lockSync(true);
  const twoBlocks = { bytes: new Uint8Array(4097), name: "graph.png" };
  const [outcome] = await notifier.notify({ subject: "Load", attachments: [twoBlocks, FILES[1]] });
  assertEquals([outcome.state, shown(scene)], ["delivered", ["m.text Load", "m.file übersicht.csv"]]);
  assertEquals(
    scene.homeserver.events(scene.room)[0].content.body,
    `[jump] Load\n\n✂ Cannot store graph.png in ${path}: the directory has reached its limit of 64 MiB`,
  );
  assertEquals(kept(scene).length, 1);
  large.unlockSync();
  await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals([shown(scene).length, kept(scene)], [5, []]);
});

Deno.test("notify() sends the text if no attachment can be stored", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  Deno.writeTextFileSync(`${scene.stateDir}/attachments`, "in the way");
  await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals(shown(scene), ["m.text Load"]);
  const { body } = scene.homeserver.events(scene.room)[0].content;
  for (const { name } of FILES) {
    assertStringIncludes(String(body), `✂ Cannot attach ${name}: Cannot create the directory`);
  }
});

Deno.test("flush() sends no attachment before its text, even if the text waits for a rate limit", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ rateLimit: { count: 3, per: "5s" } });
  const start = scene.runtime.time;
  for (const subject of ["One", "Two", "Three"]) await notifier.notify({ subject });
  await notifier.notify({ subject: "Four", attachments: FILES.slice(1) }, { waitMs: 0 });
  await notifier.notify({ subject: "Five" }, { waitMs: 0 });
  scene.runtime.time += 4000;
  await notifier.notify({ subject: "Six" }, { waitMs: 0 });
  scene.runtime.time += 1500;
  await notifier.flush({ waitMs: 0 });
  assertEquals(shown(scene).length, 3, "a batch waits for the rate limit");
  scene.runtime.time += 60_000;
  await notifier.flush();
  assertEquals(shown(scene).slice(3), [
    "m.text Four",
    "m.file übersicht.csv",
    `m.text 2 notifications since ${formatTime(start)}`,
  ]);
});

Deno.test("notify() relates no attachment to an incident, but its text", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "Load", key: "load", attachments: FILES.slice(0, 1) });
  scene.runtime.time += 60_000;
  await notifier.notify({ subject: "Load", key: "load", resolves: true, attachments: FILES.slice(1) });
  assertEquals(shown(scene), [
    ...["m.text Load", "m.image graph.png"],
    ...["m.text ✅ Resolved after 1 min: Load", "m.file übersicht.csv"],
  ]);
  const related = scene.homeserver.events(scene.room).map(({ content }) => "m.relates_to" in content);
  assertEquals(related, [false, false, true, false]);
});

Deno.test("notify() keeps an attachment of several destinations until the last one has it", async () => {
  await using scene = await setScene();
  await using telegram = await LoopbackTelegram.start({ now: scene.runtime.now });
  const { homeserver, accessToken, room } = scene;
  const channels = {
    matrix: { homeserver: homeserver.url, accessToken, room },
    phone: { kind: "telegram", server: telegram.url, token: telegram.token, chat: 1001 },
  } as const;
  await using notifier = await scene.open({ channels });
  telegram.fault("500", { on: "sendPhoto" });
  await notifier.notify({ subject: "Load", attachments: FILES.slice(0, 1) });
  assertEquals([shown(scene), telegram.messages("1001").length, kept(scene).length], [
    ...[["m.text Load", "m.image graph.png"], 1, 1],
  ]);
  await telegram.clearFaults();
  await notifier.flush();
  assertEquals(telegram.messages("1001").map(({ file }) => file?.bytes), [undefined, PIXEL]);
  assertEquals(kept(scene), []);
});

Deno.test("notify() gives an attachment a fallback, and cancels it on delivery", async () => {
  await using scene = await setScene();
  await using telegram = await LoopbackTelegram.start({ now: scene.runtime.now });
  const { homeserver, accessToken, room, runtime } = scene;
  const fallback = { channels: ["phone"], after: "1m" };
  const channels = {
    matrix: { homeserver: homeserver.url, accessToken, room, fallback },
    phone: { kind: "telegram", server: telegram.url, token: telegram.token, chat: 1001 },
  } as const;
  await using notifier = await scene.open({ channels });
  await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals([shown(scene).length, telegram.messages("1001"), kept(scene)], [3, [], []]);
  await homeserver.stop();
  await notifier.notify({ subject: "Load", attachments: FILES.slice(0, 1) }, { waitMs: 0 });
  runtime.time += 61_000;
  await notifier.flush({ waitMs: 0 });
  assertEquals(telegram.messages("1001").map(({ file }) => file?.name), [undefined, "graph.png"]);
  assertEquals(kept(scene).length, 1);
  await homeserver.restart();
  await notifier.flush();
  assertEquals([shown(scene).length, kept(scene)], [5, []]);
});

Deno.test("notify() sends a rejected attachment through its fallback, without the text", async () => {
  await using scene = await setScene();
  await using telegram = await LoopbackTelegram.start({ now: scene.runtime.now });
  const { homeserver, accessToken, room } = scene;
  const channels = {
    matrix: { homeserver: homeserver.url, accessToken, room, fallback: { channels: ["phone"] } },
    phone: { kind: "telegram", server: telegram.url, token: telegram.token, chat: 1001 },
  } as const;
  await using notifier = await scene.open({ channels });
  homeserver.fault("too-large", { on: "upload" });
  await notifier.notify({ subject: "Load", attachments: FILES.slice(0, 1) });
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Load"]);
  assertEquals(telegram.messages("1001").map(({ file }) => file?.name), ["graph.png"]);
});

Deno.test("notify() sends attachments without the queue, and keeps none of them", async () => {
  await using scene = await setScene();
  const warnings: string[] = [];
  await using notifier = await scene.open({ onWarning: (text) => warnings.push(text) });
  Deno.mkdirSync(`${scene.stateDir}/queue/queue.jsonl`, { recursive: true });
  Deno.writeTextFileSync(`${scene.stateDir}/queue/spool`, "in the way");
  const outcomes = await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals(outcomes.map(({ state, file }) => [state, file]), [
    ...[["delivered", undefined], ["delivered", "graph.png"], ["delivered", "übersicht.csv"]],
  ]);
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  assertStringIncludes(warnings.at(-1) ?? "", "the notification was sent without the queue");
  assertEquals(kept(scene), []);
});

Deno.test("flush() sends an attachment later that cannot be read now, and is not in doubt", async () => {
  await using scene = await setScene();
  await using telegram = await LoopbackTelegram.start({ now: scene.runtime.now });
  const phone = { kind: "telegram", server: telegram.url, token: telegram.token, chat: 1001 } as const;
  await using notifier = await scene.open({ channels: { phone } });
  await notifier.notify({ subject: "Load", attachments: FILES.slice(0, 1) }, { waitMs: 0 });
  const path = `${scene.stateDir}/attachments/${kept(scene)[0]}`;
  Deno.renameSync(path, `${scene.stateDir}/elsewhere`);
  // A link to itself cannot be opened.
  Deno.symlinkSync(path, path);
  await notifier.flush({ waitMs: 0 });
  const [{ state, reason }] = notifier.entries();
  assertEquals([state, reason?.startsWith(`Cannot read ${path}: `)], ["deferred", true]);
  Deno.renameSync(`${scene.stateDir}/elsewhere`, path);
  await notifier.flush();
  assertEquals(telegram.messages("1001").map(({ file }) => file?.bytes), [undefined, PIXEL]);
  assertEquals(notifier.status().possibleDuplicates, 0);
});

Deno.test("notify() keeps an attachment in the lane of its text when the key is used again", async () => {
  // A newer notification must not replace the attachment of a text that was delivered.
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("429-retry-after-ms", { on: "upload", times: 1 });
  const outcomes = await notifier.notify({ subject: "Load", key: "load", attachments: FILES.slice(0, 1) });
  assertEquals(outcomes.map(({ state }) => state), ["delivered", "queued"]);
  scene.runtime.time++;
  await notifier.notify({ subject: "Load is well", key: "load", resolves: true }, { waitMs: 0 });
  await notifier.flush();
  assertEquals(shown(scene).map((text) => text.replace(/ after .*:/, ":")), [
    "m.text Load",
    "m.image graph.png",
    "m.text ✅ Resolved: Load is well",
  ]);
});

Deno.test("flush() reports an expired notification and its attachments once", async () => {
  await using scene = await setScene();
  const { homeserver, runtime } = scene;
  await using notifier = await scene.open();
  homeserver.fault("refuse");
  await notifier.notify({ subject: "Load", attachments: FILES, ttlMs: 60_000 });
  await homeserver.clearFaults();
  runtime.time += 61_000;
  await notifier.flush();
  assertEquals(shown(scene), ["m.text ⚠️ A notification expired"]);
  homeserver.fault("503", { on: "upload" });
  await notifier.notify({ subject: "More", attachments: [{ bytes: PIXEL, name: "graph.png" }], ttlMs: 60_000 });
  await homeserver.clearFaults();
  runtime.time += 61_000;
  await notifier.flush();
  assertEquals(shown(scene).slice(1), ["m.text More", "m.text ⚠️ A notification expired"]);
});
