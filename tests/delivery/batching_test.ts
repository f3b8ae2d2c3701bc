/** Tests batches, rate limits and quiet hours through a whole notifier. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { NotificationInput } from "../../src/notification/notification.ts";
import type { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackGotify, LoopbackTelegram } from "../../src/testing/mod.ts";
import { type Scene, setScene } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

/** The default limit of Synapse. */
const SYNAPSE_LIMIT = { perSecond: 0.2, burst: 10 };

/** Enqueues notifications without delivering them. @returns their ids */
async function enqueue(
  notifier: NotifierCore,
  count: number,
  input: Partial<NotificationInput> = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 1; number <= count; number++) {
    const [{ id }] = await notifier.notify({ subject: `${input.subject ?? ""}${number}`, ...without(input) }, {
      waitMs: 0,
    });
    ids.push(id);
  }
  return ids;
}

function without({ subject: _, ...input }: Partial<NotificationInput>): Partial<NotificationInput> {
  return input;
}

/** Matches the first line of a notification in a batch. */
const HEAD_REGEXP = /^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d (?:⚠️ |❌ )?(\S+)/gm;

/** The subjects in the room, event by event: one, or those of a batch. */
function delivered(scene: Scene): (string | string[])[] {
  return scene.homeserver.events(scene.room).map(({ content }) => {
    const body = String(content.body);
    const subjects = [...body.matchAll(HEAD_REGEXP)].map(([, subject]) => subject);
    return subjects.length > 0 ? subjects : body.split("\n")[0].replace("[jump] ", "");
  });
}

/** Lets enqueued notifications wait, like in an outage. */
async function enqueueBeforeOutage(scene: Scene, ...args: Parameters<typeof enqueue>): Promise<string[]> {
  const ids = await enqueue(...args);
  scene.runtime.time += 11_000;
  return ids;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

Deno.test("NotifierCore.flush() delivers 200 that waited as one batch, in order, with one receipt for all", async () => {
  await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
  await using notifier = await scene.open();
  const ids = await enqueueBeforeOutage(scene, notifier, 200);
  const outcomes = await notifier.flush();
  const [{ event_id, content }, ...more] = scene.homeserver.events(scene.room);
  assertEquals([delivered(scene), more], [[numbers(1, 200)], []]);
  assertEquals(
    outcomes.map(fieldsOf).map(({ id, state, receipt }) => [id, state, receipt]),
    ids.map((id) => [id, "delivered", event_id]),
  );
  assertMatch(String(content.body), /^\[jump\] 200 notifications since .*\n\n\d\d:00:00 1\n/);
  assertMatch(String(content.formatted_body), /<p><strong>\d\d:00:00 1<\/strong><br>/);
  assertEquals(content["dev.matrix-notify.ids"], ids);
  assertEquals(notifier.status().queued, 0);
});

Deno.test("NotifierCore.flush() delivers ten entries one by one after an outage, and eleven as a batch", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueueBeforeOutage(scene, notifier, 10);
  await notifier.flush();
  assertEquals(delivered(scene), numbers(1, 10));
  await enqueueBeforeOutage(scene, notifier, 11);
  await notifier.flush();
  assertEquals(delivered(scene).slice(10), [numbers(1, 11)]);
});

Deno.test("NotifierCore.flush() makes no batch of a burst without an outage, and makes one after a failure", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  // The clock runs while the server answers, so a longer burst would look like an outage.
  await enqueue(notifier, 12);
  await notifier.flush();
  assertEquals(delivered(scene), numbers(1, 12));
  await scene.homeserver.stop();
  await enqueue(notifier, 30);
  await notifier.flush({ waitMs: 0 });
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals(delivered(scene).slice(12), [numbers(1, 30)]);
});

Deno.test("NotifierCore.flush() batches four entries under a rate limit, and not three", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("429-retry-after-ms", { times: 1, retryAfterMs: 5000 });
  await enqueue(notifier, 3);
  await notifier.flush();
  scene.homeserver.fault("429-retry-after-ms", { times: 1, retryAfterMs: 5000 });
  await enqueue(notifier, 4);
  await notifier.flush();
  assertEquals(delivered(scene), ["1", "2", "3", numbers(1, 4)]);
});

Deno.test("NotifierCore.notify() sends a steady stream under Synapse's limit as one event every five seconds", async () => {
  await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
  await using notifier = await scene.open();
  const subjects = numbers(1, 60);
  for (const subject of subjects) {
    await notifier.notify({ subject });
    // Each send waits for the limit; the next one comes half a second later.
    scene.runtime.time += 500;
  }
  await notifier.flush({ waitMs: 60_000 });
  assertEquals(delivered(scene).flat(), subjects);
  // Ten at once, then one every five seconds for half a minute.
  assertEquals(delivered(scene).length, 10 + 6);
});

Deno.test("planBatches() leaves a critical notification out, in its place", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 12);
  await enqueue(notifier, 1, { subject: "!", severity: "critical" });
  await enqueueBeforeOutage(scene, notifier, 12, { subject: "x" });
  await notifier.flush();
  const [before, critical, after, ...more] = delivered(scene);
  assertEquals([before.length, critical, after.length, more], [12, "🚨 !1", 12, []]);
});

Deno.test("planBatches() batches the entries after a critical head once it is delivered, not before", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 2, { subject: "!", severity: "critical" });
  await enqueue(notifier, 12);
  scene.homeserver.fault("503", { times: 3 });
  await notifier.flush({ waitMs: 0 });
  await enqueue(notifier, 12, { subject: "x" });
  await scene.runtime.sleep(60_000);
  await notifier.flush();
  assertEquals(delivered(scene).map((event) => typeof event === "string" ? event : event.length), [
    "🚨 !1",
    "🚨 !2",
    24,
  ]);
});

Deno.test("planBatches() adds later entries to a batch that did not arrive, and newer ones replace its members", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await scene.homeserver.stop();
  await enqueueBeforeOutage(scene, notifier, 12);
  await enqueue(notifier, 1, { subject: "key", key: "k" });
  await notifier.flush({ waitMs: 0 });
  assertEquals(notifier.entries().map(({ attempts, state, members }) => [attempts, state, members]), [
    ...Array(13).fill([1, "deferred", undefined]),
  ]);
  await enqueue(notifier, 1, { subject: "newer", key: "k" });
  await enqueue(notifier, 3, { subject: "later" });
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals(delivered(scene), [[...numbers(1, 12), "newer1", "later1", "later2", "later3"]]);
});

Deno.test("NotifierCore.flush() finds the members of a batch in doubt in the room when the batch is rejected later", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const ids = await enqueueBeforeOutage(scene, notifier, 12);
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  const [{ event_id }] = scene.homeserver.events(scene.room);
  // At first, the room cannot be read.
  await scene.homeserver.restart({ memory: "lost" });
  scene.homeserver.fault("forbidden", { on: "messages", times: 1 });
  scene.homeserver.fault("too-large", { times: 1 });
  const outcomes = (await notifier.flush()).map(fieldsOf);
  assertEquals(
    outcomes.map(({ id, state, receipt }) => [id, state, receipt]),
    ids.map((id) => [id, "delivered", event_id]),
  );
  assertEquals([delivered(scene).length, notifier.status().possibleDuplicates], [1, 0]);
});

Deno.test("NotifierCore.flush() retries a batch whose response was lost unchanged, and finds it in the room when the server forgot it", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const ids = await enqueueBeforeOutage(scene, notifier, 12);
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  const [batch] = notifier.entries();
  assertEquals([batch.members?.map(({ id }) => id), batch.attempts], [ids, 1]);
  await enqueue(notifier, 1, { subject: "later" });
  await scene.homeserver.restart({ memory: "lost" });
  await notifier.flush();
  assertEquals(delivered(scene), [numbers(1, 12), "later1"]);
  assertEquals(scene.homeserver.events(scene.room)[0].content["dev.matrix-notify.id"], batch.id);
});

Deno.test("NotifierCore.flush() delivers the members of a rejected batch one by one, in order", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 1, { subject: "!", severity: "critical" });
  await enqueue(notifier, 12);
  await enqueueBeforeOutage(scene, notifier, 1, { subject: "!!", severity: "critical" });
  // The second event is the batch, announced together with the entries after it.
  scene.homeserver.fault("too-large", { every: 2, times: 1 });
  const outcomes = await notifier.flush();
  assertEquals(delivered(scene), ["🚨 !1", ...numbers(1, 12), "🚨 !!1"]);
  assertEquals(outcomes.filter(({ state }) => state !== "delivered"), []);
});

Deno.test("NotifierCore.flush() shows shortcodes in a batch as symbols", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueueBeforeOutage(scene, notifier, 11, { subject: ":warning-sign: " });
  await notifier.flush();
  const [{ content }] = scene.homeserver.events(scene.room);
  assertMatch(String(content.body), /^\S+ ⚠\ufe0f? 1$/m);
  assertMatch(String(content.formatted_body), /<strong>\S+ ⚠\ufe0f? 1<\/strong>/);
});

Deno.test("NotifierCore.flush() gives a program a batch as one notification", async () => {
  await using scene = await setScene();
  const path = `${scene.stateDir}/got.json`;
  const command = ["/bin/sh", "-c", `cat >> ${path}`];
  await using notifier = await scene.open({ channels: { exec: { command } } });
  await enqueueBeforeOutage(scene, notifier, 11);
  await notifier.flush();
  const { subject, message, text, items } = JSON.parse(Deno.readTextFileSync(path));
  assertMatch(subject, /^11 notifications since /);
  assertEquals([items, message], [undefined, text]);
  assertEquals([...text.matchAll(HEAD_REGEXP)].map(([, subject]) => subject), numbers(1, 11));
});

Deno.test("planBatches() makes batches that fit the limit of each service, with the whole text of each entry", async () => {
  await using scene = await setScene();
  await using gotify = await LoopbackGotify.start();
  await using telegram = await LoopbackTelegram.start();
  await using notifier = await scene.open({
    channels: {
      ntfy: { server: scene.ntfy.url, topic: "alerts" },
      gotify: { server: gotify.url, token: gotify.token },
      telegram: { server: telegram.url, token: telegram.token, chat: 1001, insecureHttp: true },
    },
  });
  const message = `${"x".repeat(400)} <&> "end"`;
  await enqueueBeforeOutage(scene, notifier, 60, { message });
  await notifier.flush();
  const bodies = {
    ntfy: scene.ntfy.messages("alerts").map(({ message = "" }) => message),
    gotify: gotify.messages.map(({ message }) => message),
    telegram: telegram.messages("1001").map(({ text }) => text),
  };
  for (const [kind, texts] of Object.entries(bodies)) {
    assertEquals(
      texts.flatMap((text) => [...text.matchAll(HEAD_REGEXP)].map(([, subject]) => subject)),
      numbers(1, 60),
      kind,
    );
    assertEquals(texts.flatMap((text) => text.split("\n").filter((line) => line === message)).length, 60, kind);
  }
  assertEquals(Object.values(bodies).map((texts) => texts.length), [7, 1, 7]);
});

// Found by the storm test: the last 71 of 500 were only counted, in the event that was the receipt
// of all.
Deno.test("planBatches() puts only as many entries into a batch as it shows", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueueBeforeOutage(scene, notifier, 500, { message: '<"quotes" & more>'.repeat(2) });
  await notifier.flush();
  const events = delivered(scene);
  assertEquals([events.flat(), events.length], [numbers(1, 500), 2]);
});

Deno.test("planBatches() makes several batches of a large backlog, in order", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueueBeforeOutage(scene, notifier, 520);
  await notifier.flush();
  const events = delivered(scene);
  assertEquals([events.map((event) => event.length), events.flat()], [[500, 20], numbers(1, 520)]);
});

Deno.test("NotifierCore.flush() delivers a burst within the rate limit at once, and the rest as a batch", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ rateLimit: { count: 2, per: "10s" } });
  const start = scene.runtime.time;
  await enqueue(notifier, 8);
  await notifier.flush({ waitMs: 0 });
  assertEquals(delivered(scene), ["1", "2"]);
  await notifier.flush();
  assertEquals(delivered(scene), ["1", "2", numbers(3, 8)]);
  assert(scene.runtime.time >= start + 10_000);
  // A batch counts as a whole burst: as long as the burst lasts there is one event every ten
  // seconds.
  assertEquals((await notifier.notify({ subject: "9" }))[0].state, "queued");
  scene.runtime.time += 10_000;
  assertEquals((await notifier.notify({ subject: "10" }))[0].state, "delivered");
  assertEquals(delivered(scene), ["1", "2", numbers(3, 8), numbers(9, 10)]);
});

Deno.test("NotifierCore.notify() reports a rate limit as the reason of a wait, and does not delay critical notifications", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ rateLimit: { count: 1, per: "1h" } });
  await notifier.notify({ subject: "first" });
  const [{ state, reason, next }] = (await notifier.notify({ subject: "second" })).map(fieldsOf);
  const text = "At most 1 in 1 h; later notifications follow in one message";
  assertEquals([state, reason, next], ["queued", text, scene.runtime.time + 3_600_000]);
  assertEquals([notifier.status().waitingFor, notifier.entries()[0].reason], [text, text]);
  assertEquals((await notifier.notify({ subject: "third", severity: "critical" }))[0].state, "delivered");
  assertEquals((await notifier.flush())[0].state, "queued");
  assertEquals(delivered(scene), ["first", "🚨 third"]);
});

Deno.test("NotifierCore.notify() delays nothing by default, and nothing under a rate limit if batches are off", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  for (const subject of numbers(1, 30)) assertEquals((await notifier.notify({ subject }))[0].state, "delivered");
  assertEquals(delivered(scene), numbers(1, 30));
});

Deno.test("NotifierCore.flush() never makes a batch if batches are off, and waits only for the rate limit", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ batch: false, rateLimit: { count: 2, per: "5s" } });
  const start = scene.runtime.time;
  for (const subject of numbers(1, 3)) await notifier.notify({ subject });
  scene.runtime.time = start + 4900;
  await notifier.notify({ subject: "4" }, { waitMs: 0 });
  const waits = notifier.entries().map(fieldsOf).map(({ reason, next }) => [reason, next]);
  assertEquals(waits, Array(2).fill(["At most 2 in 5 s", start + 5000]));
  await notifier.flush({ waitMs: 1000 });
  assertEquals(delivered(scene), numbers(1, 4));
  scene.runtime.time += 60_000;
  await scene.homeserver.stop();
  await enqueueBeforeOutage(scene, notifier, 12, { subject: "x" });
  await notifier.flush({ waitMs: 0 });
  await scene.homeserver.restart();
  await notifier.flush({ waitMs: 120_000 });
  assertEquals(delivered(scene).slice(4), numbers(1, 12).map((number) => `x${number}`));
});

for (const gapMs of [5, 50, 100]) {
  Deno.test(`NotifierCore.notify() sends 200 lines, one every ${gapMs} ms, under Synapse's limit as at most 15 events within a minute`, async () => {
    await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
    await using notifier = await scene.open({ role: "deliverer" });
    const start = scene.runtime.time;
    for (const subject of numbers(1, 200)) {
      await notifier.notify({ subject }, { waitMs: gapMs });
      scene.runtime.time = Math.max(scene.runtime.time, start + Number(subject) * gapMs);
    }
    await notifier.flush({ waitMs: 60_000 });
    assertEquals([notifier.status().queued, delivered(scene).flat()], [0, numbers(1, 200)]);
    const tookMs = scene.runtime.time - start;
    assert(delivered(scene).length <= 15, `${delivered(scene).length} events`);
    assert(tookMs < 60_000, `${tookMs} ms`);
  });
}

Deno.test("NotifierCore.flush() delays no entry for long when the clock was set back", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ rateLimit: { count: 3, per: "5s" } });
  for (const subject of numbers(1, 5)) await notifier.notify({ subject });
  scene.runtime.time -= 3_600_000;
  await notifier.flush();
  assertEquals(delivered(scene).flat(), numbers(1, 5));
});

/** 22:00 by the clock of this host. */
const TEN = new Date(2026, 10, 22, 22, 0).getTime();
const SEVEN = new Date(2026, 10, 23, 7, 0).getTime();
const QUIET = { quiet: { from: "22:00", to: "07:00" } };

Deno.test("NotifierCore.flush() delays all but critical notifications in quiet hours, over restarts, and then delivers a batch", async () => {
  await using scene = await setScene();
  scene.runtime.time = TEN;
  {
    await using notifier = await scene.open(QUIET);
    const [{ state, reason, next }] = (await notifier.notify({ subject: "1" })).map(fieldsOf);
    assertEquals([state, reason, next], ["queued", "Quiet hours until 07:00", SEVEN]);
    const journal = Deno.readTextFileSync(`${scene.stateDir}/queue/queue.jsonl`);
    assertEquals(journal.includes('"t":"att"'), false, "a delayed entry is not announced");
    await notifier.notify({ subject: "2", severity: "error" });
    assertEquals((await notifier.notify({ subject: "fire", severity: "critical" }))[0].state, "delivered");
  }
  await using notifier = await scene.open(QUIET);
  scene.runtime.time += 3_600_000;
  assertEquals((await notifier.flush()).map(({ state }) => state), ["queued", "queued"]);
  const { queued, waitingFor, until } = notifier.status();
  assertEquals([queued, waitingFor, until], [2, "Quiet hours until 07:00", SEVEN]);
  assertEquals(notifier.status().oldestSeconds, 0, "quiet hours raise no alarm");
  scene.runtime.time = SEVEN - 1;
  await notifier.flush({ waitMs: 0 });
  assertEquals(delivered(scene), ["🚨 fire"]);
  scene.runtime.time = SEVEN;
  await notifier.flush();
  assertEquals(delivered(scene), ["🚨 fire", ["1", "2"]]);
  const { body } = scene.homeserver.events(scene.room)[1].content;
  assertMatch(String(body), /2 notifications since 2026-11-22 22:00:00 .*\n\n22:00:00 1\n22:00:00 ❌ 2$/);
});

Deno.test("NotifierCore.flush() batches what quiet hours delayed with what follows, and nothing later", async () => {
  await using scene = await setScene();
  scene.runtime.time = TEN;
  await using notifier = await scene.open(QUIET);
  await notifier.notify({ subject: "alone" });
  scene.runtime.time = SEVEN;
  await notifier.notify({ subject: "day" });
  await notifier.flush();
  await notifier.notify({ subject: "more" });
  assertEquals(delivered(scene), [["alone", "day"], "more"]);
});

Deno.test("NotifierCore.retry() delivers an entry in quiet hours", async () => {
  await using scene = await setScene();
  scene.runtime.time = TEN;
  await using notifier = await scene.open(QUIET);
  const ids = await enqueue(notifier, 3);
  const [{ state }] = await notifier.retry([ids[1]]);
  assertEquals([state, delivered(scene), notifier.status().queued], ["delivered", ["2"], 2]);
  scene.runtime.time = SEVEN;
  await notifier.flush();
  assertEquals(delivered(scene), ["2", ["1", "3"]]);
});

Deno.test("NotifierCore.entries() lists a batch with its members, and each can be dropped or retried", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const ids = await enqueueBeforeOutage(scene, notifier, 12);
  scene.homeserver.fault("503", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  const [batch] = notifier.entries();
  assertMatch(batch.notification.subject, /^12 notifications since /);
  assertEquals([batch.members?.length, batch.state], [12, "deferred"]);
  assertEquals(notifier.status().deferred, 12);
  await notifier.drop([ids[3]]);
  assertEquals(notifier.entries()[0].members?.length, 11);
  const [{ id, state, reason }] = (await notifier.retry([ids[5]])).map(fieldsOf);
  assertEquals(
    [id, state, reason],
    [ids[5], "queued", batch.reason],
    "not before the gap after an attempt in doubt",
  );
  await notifier.flush();
  assertEquals([delivered(scene), notifier.entries()], [[numbers(1, 12).toSpliced(3, 1)], []]);
});

Deno.test("NotifierCore.flush() expires a member of a batch by itself", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 1, { ttlMs: 60_000, subject: "short" });
  await enqueueBeforeOutage(scene, notifier, 11);
  scene.homeserver.fault("503", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  assert(notifier.entries()[0].members);
  scene.runtime.time += 60_000;
  await notifier.flush();
  assertEquals(delivered(scene)[0], numbers(1, 11));
  assertEquals(notifier.entries().map(({ state, notification: { subject } }) => [state, subject]), [[
    "dead",
    "short1",
  ]]);
});
