import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConfigError, InvalidNotificationError, StorageError } from "../../src/base/errors.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { setScene, withPhone } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";
import { denoFiles } from "../../src/runtime/files.ts";

type FaultName = Parameters<LoopbackHomeserver["fault"]>[0];

const journal = (stateDir: string) =>
  Deno.readTextFileSync(`${stateDir}/queue/queue.jsonl`).trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("NotifierCore.notify() delivers, and returns the event's id", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const [outcome] = await notifier.notify({ subject: "Up" });
  const [event] = scene.homeserver.events(scene.room);
  assertEquals(outcome, {
    id: outcome.id,
    channel: "matrix",
    destination: scene.room,
    state: "delivered",
    receipt: event.event_id,
  });
  assertEquals(event.content["dev.matrix-notify.id"], outcome.id);
  assertEquals(journal(scene.stateDir).map(({ t }) => t), ["hdr", "enq", "att", "ack"]);
});

Deno.test("NotifierCore.flush() delivers what was queued while the homeserver was down, in order and once", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await scene.homeserver.stop();
  for (let count = 1; count <= 10; count++) {
    const [outcome] = await notifier.notify({ subject: String(count) });
    assertEquals([outcome.state, fieldsOf(outcome).reason?.endsWith("Connection refused")], ["queued", true]);
  }
  await scene.homeserver.restart();
  const outcomes = await notifier.flush();
  assertEquals(outcomes.map(({ state }) => state), Array(10).fill("delivered"));
  assertEquals(scene.subjects(), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
  assertEquals((await notifier.status()).queued, 0);
});

const EVERY_SECOND: FaultName[] = [
  "drop-after-persisting",
  "drop-before-persisting",
  "502-after-persisting",
  "504-after-persisting",
  "503",
  "429-after-persisting",
  "429-retry-after-seconds",
  "429-retry-after-date",
  "429-bare",
  "captive-portal",
];

for (const fault of EVERY_SECOND) {
  Deno.test(`NotifierCore.flush() delivers in order and once when every second PUT meets ${fault}`, async () => {
    await using scene = await setScene();
    await using notifier = await scene.open({ batch: false });
    for (let count = 1; count <= 10; count++) await notifier.notify({ subject: String(count) }, { waitMs: 0 });
    const { applied } = await met(scene.homeserver, fault, () => notifier.flush());
    assertEquals(scene.subjects(), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    assertEquals(await notifier.flush(), []);
    assert(applied >= 5, `the fault was met ${applied} times`);
  });
}

async function met(homeserver: LoopbackHomeserver, name: FaultName, work: () => Promise<unknown>) {
  const fault = homeserver.fault(name, { every: 2 });
  await work();
  await homeserver.clearFaults();
  return fault;
}

Deno.test("NotifierCore.notify() delivers through one channel while another is down", async () => {
  await using scene = await setScene();
  const { homeserver, ntfy } = scene;
  await using notifier = await scene.open(withPhone(scene));
  await homeserver.stop();
  const outcomes = await notifier.notify({ subject: "Link down" });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "queued"], ["phone", "delivered"]]);
  await homeserver.restart();
  await notifier.flush();
  await notifier.flush();
  assertEquals([scene.subjects(), ntfy.messages("alerts").length], [["Link down"], 1]);
});

Deno.test("NotifierCore.notify() sends only to the channels, kind or room in its options", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken, room, ntfy } = scene;
  await using notifier = await scene.open({
    channels: {
      matrix: { homeserver: homeserver.url, accessToken, room },
      ntfy: { server: ntfy.url, topic: "alerts" },
    },
  });
  const where = (options: Parameters<NotifierCore["plan"]>[1]) =>
    notifier.plan({ subject: "x" }, options).envelopes.map(({ channel, destination }) => `${channel} ${destination}`);
  assertEquals(where({}), [`matrix ${room}`, "ntfy alerts"]);
  assertEquals(where({ channels: ["ntfy"] }), ["ntfy alerts"]);
  assertEquals(where({ kind: "matrix" }), [`matrix ${room}`]);
  assertEquals(where({ room: "!other" }), ["matrix !other"]);
  await assertRejects(
    () => notifier.notify({ subject: "x" }, { channels: ["mail"] }),
    InvalidNotificationError,
    'channel "mail"',
  );
  await assertRejects(
    () => notifier.notify({ subject: "x" }, { channels: ["ntfy"], room: "!a" }),
    InvalidNotificationError,
    "these channels are not of kind matrix: ntfy",
  );
});

Deno.test("NotifierCore.notify() delivers older entries first", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  for (const subject of ["1", "2"]) await notifier.notify({ subject }, { waitMs: 0 });
  assertEquals((await notifier.notify({ subject: "3" })).map(({ state }) => state), ["delivered"]);
  assertEquals(scene.subjects(), ["1", "2", "3"]);
});

Deno.test("NotifierCore.notify() does not wait for a deferred head of its lane", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("429-retry-after-seconds", { retryAfterMs: 60_000, times: 1 });
  await notifier.notify({ subject: "1" });
  const before = scene.runtime.time;
  const [outcome] = await notifier.notify({ subject: "2" });
  assertEquals([outcome.state, fieldsOf(outcome).next, scene.puts()], ["queued", before + 60_000, 1]);
  assert(scene.runtime.time - before < 1000);
});

Deno.test("NotifierCore.notify() stops waiting for a server that hangs, and the message arrives once", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("hang-after-persisting", { times: 1 });
  const notified = notifier.notify({ subject: "Up" });
  await scene.homeserver.received(({ route, handled }) => route === "send" && handled);
  scene.runtime.expireTimeouts();
  const [outcome] = await notified;
  assertEquals([outcome.state, fieldsOf(outcome).reason], [
    "queued",
    `No answer from ${new URL(scene.homeserver.url).host} within 10 s`,
  ]);
  await notifier.flush();
  assertEquals([scene.subjects(), scene.puts()], [["Up"], 1], "the room was read back");
});

Deno.test("NotifierCore.notify() delivers many concurrent calls, each once", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ batch: false });
  const subjects = Array.from({ length: 20 }, (_, count) => String(count));
  const outcomes = await Promise.all(subjects.map((subject) => notifier.notify({ subject }, { waitMs: 1e9 })));
  assertEquals(outcomes.flat().filter(({ state }) => state !== "delivered"), []);
  assertEquals(scene.subjects().toSorted(), subjects.toSorted());
  assertEquals(scene.puts(), 20, "each was sent once");
});

Deno.test("NotifierCore.notify() queues calls that start together in their order", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ batch: false });
  const calls = [
    { id: "1" },
    {},
    { message: "text" },
    { id: "4", message: "<b>text</b>", format: "html" as const },
    {},
  ];
  await Promise.all(
    calls.map(({ id, ...fields }, at) => notifier.notify({ subject: String(at), ...fields }, { id, waitMs: 0 })),
  );
  await notifier.flush();
  assertEquals(scene.subjects().map((text) => text.slice(0, 1)), ["0", "1", "2", "3", "4"]);
});

Deno.test("NotifierCore.notify() lets the holder of the lock deliver, and returns the result", async () => {
  await using scene = await setScene();
  await using first = await scene.open();
  await using second = await scene.open();
  let answer = () => {};
  scene.homeserver.fault("slow", { times: 1, until: new Promise<void>((resolve) => answer = resolve) });
  const one = first.notify({ subject: "1" });
  await scene.homeserver.received(({ route }) => route === "send");
  const two = second.notify({ subject: "2" }, { waitMs: 1e9 });
  answer();
  assertEquals([(await one)[0].state, (await two)[0].state], ["delivered", "delivered"]);
  assertEquals(scene.subjects(), ["1", "2"]);
});

Deno.test("NotifierCore.deliverUntilEmpty() empties the queue, and a second one ends at once", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await using other = await scene.open();
  scene.homeserver.fault("503", { times: 3 });
  for (const subject of ["1", "2"]) await notifier.notify({ subject }, { waitMs: 0 });
  const never = new AbortController().signal;
  const [started, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  scene.homeserver.fault("slow", { times: 1, until: refused.promise });
  const delivering = notifier.deliverUntilEmpty(never, { onStart: started.resolve });
  await started.promise;
  const second = await other.deliverUntilEmpty(never);
  refused.resolve();
  assertEquals([second, await delivering], ["second", "empty"]);
  assertEquals(scene.subjects(), ["1", "2"]);
});

Deno.test("NotifierCore.deliverUntilEmpty() hands over to a flush that knows a new token", async () => {
  await using scene = await setScene();
  const { homeserver, room, accessToken } = scene;
  const channels = (token: string) => ({ matrix: { homeserver: homeserver.url, accessToken: token, room } });
  await using stale = await scene.open({ channels: channels("revoked") });
  await using fixed = await scene.open({ channels: channels(accessToken) });
  assertEquals((await stale.notify({ subject: "1" })).map(({ state }) => state), ["held"]);
  const delivering = stale.deliverUntilEmpty(new AbortController().signal);
  const flushed = await fixed.flush({ waitMs: 1e6 });
  assertEquals([flushed.map(({ state }) => state), await delivering], [["delivered"], "handed-over"]);
  assertEquals(scene.subjects(), ["1"]);
});

Deno.test("NotifierCore.deliverUntilEmpty() stops when its signal aborts, and counts only attempts that left", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  for (const subject of ["1", "2", "3", "4"]) await notifier.notify({ subject }, { waitMs: 0 });
  scene.homeserver.fault("hang", { where: ({ body }) => body.includes("] 3") });
  const controller = new AbortController();
  const delivering = notifier.deliverUntilEmpty(controller.signal);
  await scene.homeserver.received(({ body }) => body.includes("] 3"));
  controller.abort(new Error("stopped by SIGTERM"));
  await assertRejects(() => delivering, Error, "stopped by SIGTERM");
  assertEquals(notifier.entries().map(({ notification, attempts }) => [notification.subject, attempts]), [["3", 1], [
    "4",
    0,
  ]]);
});

Deno.test("NotifierCore.notify() queues nothing when it rejects the input", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await assertRejects(() => notifier.notify({ subject: "x", ttlMs: 0 }), InvalidNotificationError);
  assertEquals(notifier.entries(), []);
});

Deno.test("NotifierCore.open() rejects a configuration that cannot work", async () => {
  const channels = { matrix: { homeserver: "https://example.org", accessToken: "a b", room: "!a" } };
  await assertRejects(
    () => NotifierCore.open({ channels, stateDir: "/nowhere" }),
    ConfigError,
    "channels.matrix.accessToken: it must be one token of visible ASCII characters",
  );
  await assertRejects(() => NotifierCore.open({ channels: {} }), ConfigError, "stateDir is not set");
  await using scene = await setScene();
  await using none = await scene.open({ channels: {} });
  await assertRejects(() => none.notify({ subject: "Up" }), ConfigError, "no channel is configured");
});

Deno.test("NotifierCore.status() throws when the state directory is a file", async () => {
  await using scene = await setScene();
  Deno.writeTextFileSync(`${scene.stateDir}/file`, "");
  await assertRejects(
    async () => {
      await using notifier = await scene.open({ stateDir: `${scene.stateDir}/file` });
      notifier.status();
    },
    StorageError,
    "a part of the path is not a directory",
  );
});

Deno.test("NotifierCore.notify() writes the access token to no file of the state directory", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  for (const fault of ["unknown-token", "drop-after-persisting", "captive-portal", "too-large"] as const) {
    scene.homeserver.fault(fault, { times: 1 });
    await notifier.notify({ subject: fault });
    await notifier.flush({ waitMs: 0 });
  }
  const [first] = notifier.entries();
  assert(Deno.inspect(notifier).includes(scene.accessToken) === false);
  assert(JSON.stringify(first ?? {}).includes(scene.accessToken) === false);
  for (const { name } of Deno.readDirSync(`${scene.stateDir}/queue`)) {
    assert(!Deno.readTextFileSync(`${scene.stateDir}/queue/${name}`).includes(scene.accessToken), name);
  }
});

Deno.test("NotifierCore.retry() sends dead letters again, and drop() removes them", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("too-large", { times: 2 });
  await notifier.notify({ subject: "1" });
  await notifier.notify({ subject: "2" });
  const [one, two] = notifier.entries();
  assertEquals([one.state, two.state], ["dead", "dead"]);
  assertEquals((await notifier.retry([one.id])).map(({ state }) => state), ["delivered"]);
  await notifier.drop([two.id]);
  assertEquals([notifier.entries(), scene.subjects()], [[], ["1"]]);
});

Deno.test("NotifierCore.notify() delivers concurrent calls once to a service without transactions", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ channels: { ntfy: { server: scene.ntfy.url, topic: "alerts" } } });
  const subjects = Array.from({ length: 10 }, (_, count) => String(count));
  await Promise.all(subjects.map((subject) => notifier.notify({ subject }, { waitMs: 1e9 })));
  assertEquals(scene.ntfy.messages("alerts").map(({ message }) => message).toSorted(), subjects);
});

Deno.test("NotifierCore.notify() queues nothing when its signal is aborted", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await assertRejects(
    () => notifier.notify({ subject: "1" }, { signal: AbortSignal.abort(new Error("enough")) }),
    Error,
    "enough",
  );
  assertEquals(notifier.entries(), []);
});

Deno.test("NotifierCore.notify() holds a channel whose token file cannot be read, and no other", async () => {
  await using scene = await setScene();
  const { homeserver, room, ntfy } = scene;
  await using notifier = await scene.open({
    channels: {
      matrix: { homeserver: homeserver.url, accessTokenFile: "/nowhere", room },
      ntfy: { server: ntfy.url, topic: "alerts" },
    },
  });
  const outcomes = await notifier.notify({ subject: "Up" });
  assertEquals(outcomes.map(({ state }) => state), ["held", "delivered"]);
  assert(fieldsOf(outcomes[0]).reason?.includes("accessTokenFile /nowhere: there is no such file"));
});

Deno.test("NotifierCore.status() warns of a damaged line once, with the path of its copy", async () => {
  await using scene = await setScene();
  await using first = await scene.open();
  await first.notify({ subject: "1" });
  Deno.writeTextFileSync(`${scene.stateDir}/queue/queue.jsonl`, "garbage\n", { append: true });
  const warnings: string[] = [];
  await using second = await scene.open({ onWarning: (text) => void warnings.push(text) });
  await using _third = await scene.open({ onWarning: (text) => void warnings.push(text) });
  assertEquals(second.status().quarantined, 1);
  assertEquals(warnings.length, 1);
});

Deno.test("NotifierCore.notify() replaces a waiting notification with the same key, and says so", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await scene.homeserver.stop();
  for (const percent of [90, 95, 99]) await notifier.notify({ subject: `Disk ${percent} %`, key: "disk" });
  await notifier.notify({ subject: "Other" }, { waitMs: 0 });
  assertEquals(notifier.entries().map(({ notification }) => notification.subject), ["Disk 99 %", "Other"]);
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals(scene.subjects(), ["Disk 99 %", "Other"]);
  const [{ content }] = scene.homeserver.events(scene.room);
  assert(String(content.body).includes("↻ Replaces 2 earlier notifications since 2026-11-22"), String(content.body));
  assert(String(content.formatted_body).includes("↻ Replaces 2 earlier notifications"));
});

Deno.test("NotifierCore.notify() sends once when it is called repeatedly with the same id", async () => {
  await using scene = await setScene();
  const call = async () => {
    await using notifier = await scene.open();
    return (await notifier.notify({ subject: "Backup" }, { id: "backup-1" }))[0];
  };
  scene.homeserver.fault("503", { times: 1 });
  assertEquals([(await call()).state, scene.subjects()], ["queued", []]);
  scene.runtime.time += 60_000;
  const [second, third] = [await call(), await call()];
  assertEquals([second, second.state, scene.subjects()], [third, "delivered", ["Backup"]]);
  await using notifier = await scene.open();
  const spaces = [
    await notifier.notify({ subject: "x" }, { id: "a b" }),
    await notifier.notify({ subject: "y" }, { id: "a b" }),
  ];
  assertEquals([spaces[0], scene.subjects()], [spaces[1], ["Backup", "x"]]);
});

Deno.test("NotifierCore tells all calls that wait for the same entry that it was delivered", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const arrived = Promise.withResolvers<void>(), answered = Promise.withResolvers<void>();
  const where = () => (arrived.resolve(), true);
  scene.homeserver.fault("slow", { times: 1, where, until: answered.promise });
  const call = (signal?: AbortSignal) => notifier.notify({ subject: "Backup" }, { id: "backup-1", signal });
  const first = call();
  await arrived.promise;
  await assertRejects(() => call(AbortSignal.timeout(1)), DOMException);
  const others = [call(), notifier.flush()];
  answered.resolve();
  const outcomes = await Promise.all([first, ...others]);
  assertEquals(outcomes.flat().map(({ state }) => state), ["delivered", "delivered", "delivered"]);
  assertEquals([notifier.watchedCount, scene.subjects()], [0, ["Backup"]]);
});

Deno.test("NotifierCore.notify() sends without the queue when the disk refuses, and throws if that fails", async () => {
  await using scene = await setScene();
  const warnings: string[] = [];
  const ntfy = { server: scene.ntfy.url, topic: "alerts" };
  const matrix = { homeserver: scene.homeserver.url, accessToken: scene.accessToken, room: scene.room };
  const options = { stateDir: `${scene.stateDir}/gone/state`, onWarning: (text: string) => void warnings.push(text) };
  await using notifier = await scene.open({ ...options, channels: { matrix, ntfy } });
  Deno.writeTextFileSync(`${scene.stateDir}/gone`, "a file where a directory should be made");
  assertEquals((await notifier.notify({ subject: "One" })).map(({ state }) => state), ["delivered", "delivered"]);
  assertEquals(scene.subjects(), ["One"]);
  assert(warnings[0].startsWith("Cannot create the queue directory"), warnings[0]);
  await scene.homeserver.stop();
  const partly = await notifier.notify({ subject: "Two" });
  assertEquals(partly.map(({ state }) => state), ["refused", "delivered"]);
  const alone = () => notifier.notify({ subject: "Three" }, { channels: ["matrix"] });
  await assertRejects(alone, StorageError, "one attempt without the queue also failed: Cannot connect to");
  await scene.homeserver.restart();
  await assertRejects(() => notifier.notify({ subject: "Four" }, { id: "four" }), StorageError, "Cannot create");
  assertEquals(scene.subjects(), ["One"]);
});

Deno.test("NotifierCore.notify() releases deliver.lock when its caller throws", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const fail = () => {
    throw new Error("onStored failed");
  };
  await assertRejects(() => notifier.notify({ subject: "Backup" }, { onStored: fail }), Error, "onStored failed");
  using lock = denoFiles.open(`${scene.stateDir}/queue/deliver.lock`, "append");
  assertEquals([lock.tryLock(), notifier.watchedCount], [true, 0]);
});

Deno.test("NotifierCore releases the locks of a call in progress when it is disposed of", async () => {
  await using scene = await setScene();
  const arrived = Promise.withResolvers<void>(), answered = Promise.withResolvers<void>();
  const where = () => (arrived.resolve(), true);
  scene.homeserver.fault("slow", { times: 1, where, until: answered.promise });
  const notifier = await scene.open();
  await notifier.notify({ subject: "Backup" }, { waitMs: 0 });
  const delivering = notifier.deliverUntilEmpty(new AbortController().signal);
  await arrived.promise;
  await notifier[Symbol.asyncDispose]();
  const locks = ["deliver.lock", "background.lock"].map((name) => {
    using lock = denoFiles.open(`${scene.stateDir}/queue/${name}`, "append");
    return lock.tryLock();
  });
  assertEquals(locks, [true, true]);
  answered.resolve();
  await delivering;
});

Deno.test("NotifierCore.notify() compacts a journal that is full of delivered entries", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "One" });
  const path = `${scene.stateDir}/queue/queue.jsonl`;
  const settled = Deno.readTextFileSync(path);
  const rest = settled.slice(settled.indexOf("\n") + 1).split("\n").slice(0, 3).join("\n") + "\n";
  const file = Deno.openSync(path, { append: true });
  for (let bytes = 0; bytes < 17 * 2 ** 20;) bytes += file.writeSync(new TextEncoder().encode(rest.repeat(1000)));
  file.close();
  scene.runtime.time += 3_600_000;
  await using later = await scene.open();
  assertEquals((await later.notify({ subject: "Two" }))[0].state, "delivered");
  assert(Deno.statSync(path).size < 100_000);
});

Deno.test("NotifierCore forgets the results of entries when a call ends, also if it fails", async () => {
  await using scene = await setScene();
  const { homeserver, stateDir } = scene;
  await using notifier = await scene.open();
  const id = "repeated";
  const stop = new AbortController();
  const abort = (call: (options: { readonly signal: AbortSignal }) => Promise<unknown>) =>
    assertRejects(() => call({ signal: stop.signal }), Error, "enough");
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    delivered: () => notifier.notify({ subject: "1" }),
    queued: () => notifier.notify({ subject: "2" }, { waitMs: 0, id }),
    duplicate: () => notifier.notify({ subject: "2" }, { waitMs: 0, id }),
    async spooled() {
      using holder = denoFiles.open(`${stateDir}/queue/lock`, "append");
      holder.tryLock();
      await notifier.notify({ subject: "3" });
    },
    async aborted() {
      const where = () => (stop.abort(new Error("enough")), true);
      homeserver.fault("hang", { times: 1, where });
      await abort((options) => notifier.notify({ subject: "4" }, options));
    },
    "flush aborted": () => abort((options) => notifier.flush(options)),
    "retry aborted": () => abort((options) => notifier.retry(notifier.entries().map(({ id }) => id), options)),
    flush: () => notifier.flush(),
  };
  for (const [name, call] of Object.entries(calls)) {
    await call();
    assertEquals(notifier.watchedCount, 0, name);
  }
});
