/** Tests batches, rate limits and quiet hours through a whole notifier. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { NotificationInput } from "../../src/notification/notification.ts";
import type { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackGotify } from "../../src/testing/mod.ts";
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

/** The subjects in the room, event by event: one, or those of a batch. */
function delivered(scene: Scene): (string | string[])[] {
  return scene.homeserver.events(scene.room).map(({ content }) => {
    const body = String(content.body);
    const lines = [...body.matchAll(/^- \S+(?: \d\S+)? \S+ ([^\s:]+)/gm)].map(([, subject]) => subject);
    return lines.length > 0 ? lines : body.split("\n")[0].replace("[jump] ", "");
  });
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

Deno.test("NotifierCore.flush() delivers a burst of 200 under Synapse's limit as one batch, in order, with one receipt for all", async () => {
  await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
  await using notifier = await scene.open();
  const ids = await enqueue(notifier, 200);
  const outcomes = await notifier.flush();
  const [{ event_id, content }, ...more] = scene.homeserver.events(scene.room);
  assertEquals([delivered(scene), more], [[numbers(1, 200)], []]);
  assertEquals(
    outcomes.map(fieldsOf).map(({ id, state, receipt }) => [id, state, receipt]),
    ids.map((id) => [id, "delivered", event_id]),
  );
  assertMatch(String(content.body), /^\[jump\] 200 notifications\n\n- \d\d:00:00 ℹ 1\n/);
  assertMatch(String(content.formatted_body), /<ul><li>\d\d:00:00 ℹ <strong>1<\/strong><\/li>/);
  assertEquals(notifier.status().queued, 0);
});

Deno.test("NotifierCore.flush() delivers ten entries one by one, and eleven as a batch", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 10);
  await notifier.flush();
  await enqueue(notifier, 11, { subject: "x" });
  await notifier.flush();
  assertEquals(delivered(scene).length, 11);
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
  await enqueue(notifier, 12, { subject: "x" });
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
  await notifier.flush();
  assertEquals(delivered(scene).map((event) => typeof event === "string" ? event : event.length), [
    "🚨 !1",
    "🚨 !2",
    24,
  ]);
});

Deno.test("NotifierCore.flush() retries a batch whose response was lost unchanged, and finds it in the room when the server forgot it", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const ids = await enqueue(notifier, 12);
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
  await enqueue(notifier, 1, { subject: "!!", severity: "critical" });
  // The second event is the batch, announced together with the entries after it.
  scene.homeserver.fault("too-large", { every: 2, times: 1 });
  const outcomes = await notifier.flush();
  assertEquals(delivered(scene), ["🚨 !1", ...numbers(1, 12), "🚨 !!1"]);
  assertEquals(outcomes.filter(({ state }) => state !== "delivered"), []);
});

Deno.test("NotifierCore.flush() shows shortcodes in a batch as symbols", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 11, { subject: ":warning-sign: " });
  await notifier.flush();
  const [{ content }] = scene.homeserver.events(scene.room);
  assertMatch(String(content.body), /^- \S+ ℹ ⚠\ufe0f? 1$/m);
  assertMatch(String(content.formatted_body), /ℹ <strong>⚠\ufe0f? 1<\/strong>/);
});

Deno.test("NotifierCore.flush() gives a program a batch as one notification", async () => {
  await using scene = await setScene();
  const path = `${scene.stateDir}/got.json`;
  const command = ["/bin/sh", "-c", `cat >> ${path}`];
  await using notifier = await scene.open({ channels: { exec: { command } } });
  await enqueue(notifier, 11);
  await notifier.flush();
  const { subject, text, items } = JSON.parse(Deno.readTextFileSync(path));
  assertEquals([subject, items, [...text.matchAll(/^- /gm)].length], ["11 notifications", undefined, 11]);
});

Deno.test("planBatches() makes batches that fit the limit of ntfy, with a line for each entry", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ channels: { ntfy: { server: scene.ntfy.url, topic: "alerts" } } });
  await enqueue(notifier, 200, { message: "x".repeat(100) });
  await notifier.flush();
  const bodies = scene.ntfy.messages("alerts").map(({ message = "" }) => message);
  assertEquals(bodies.flatMap((body) => [...body.matchAll(/^- \S+ ℹ (\d+): x+…$/gm)].map(([, subject]) => subject)), [
    ...numbers(1, 200),
  ]);
  assertEquals(bodies.length, 3);
});

Deno.test("planBatches() makes one long batch for Gotify", async () => {
  await using scene = await setScene();
  await using gotify = await LoopbackGotify.start();
  await using notifier = await scene.open({ channels: { gotify: { server: gotify.url, token: gotify.token } } });
  await enqueue(notifier, 200, { message: "x".repeat(100) });
  await notifier.flush();
  const [{ message }, ...more] = gotify.messages;
  assertEquals([[...message.matchAll(/^- \S+ ℹ \d+: x{100}$/gm)].length, more], [200, []]);
});

// Found by the storm test: the last 71 of 500 were only counted, in the event that was the receipt
// of all.
Deno.test("planBatches() puts only as many entries into a batch as it has lines for", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 500, { message: '<"quotes" & more>'.repeat(2) });
  await notifier.flush();
  const events = delivered(scene);
  assertEquals([events.flat(), events.length], [numbers(1, 500), 2]);
});

Deno.test("planBatches() makes several batches of a large backlog, in order", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 520);
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

/**
 * Sends notifications one after the other, then flushes. @returns the number of events and the time
 * that it took
 */
async function stream(
  scene: Scene,
  notifier: NotifierCore,
  { count, gapMs, message }: { readonly count: number; readonly gapMs: number; readonly message?: string },
) {
  const start = scene.runtime.time;
  for (const subject of numbers(1, count)) {
    await notifier.notify({ subject, message });
    scene.runtime.time += gapMs;
  }
  await notifier.flush({ waitMs: 60_000 });
  assertEquals(notifier.status().queued, 0);
  assertEquals(delivered(scene).flat(), numbers(1, count));
  return { events: delivered(scene).length, tookMs: scene.runtime.time - start };
}

for (const gapMs of [5, 150, 250]) {
  Deno.test(`NotifierCore.notify() sends 200 messages, one every ${gapMs} ms, as at most five events within two minutes, if the process keeps delivering`, async () => {
    await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
    await using notifier = await scene.open({ role: "deliverer" });
    const { events, tookMs } = await stream(scene, notifier, { count: 200, gapMs });
    assert(events <= 5, `${events} events`);
    assert(tookMs < 120_000, `${tookMs} ms`);
    assertEquals(scene.puts(), events, "the server limited nothing");
  });
}

Deno.test("NotifierCore.notify() sends no more events when a compaction happens during a burst", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  const { events } = await stream(scene, notifier, { count: 200, gapMs: 200, message: "x".repeat(4000) });
  assert(events <= 5, `${events} events`);
  const journal = Deno.readTextFileSync(`${scene.stateDir}/queue/queue.jsonl`);
  assert(journal.length < 400_000 && journal.includes('"t":"lane"'), "it was compacted");
});

Deno.test("NotifierCore.notify() sends an event every half minute when a burst does not end", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  const { events } = await stream(scene, notifier, { count: 300, gapMs: 1000 });
  // Three at once, then one every half minute for five minutes.
  assert(events >= 3 + 9 && events <= 3 + 11, `${events} events`);
});

Deno.test("NotifierCore.notify() delays the fourth notification within five seconds, and delivers it as itself", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  const start = scene.runtime.time;
  const outcomes = [];
  for (const subject of numbers(1, 4)) outcomes.push(...await notifier.notify({ subject }));
  assertEquals(outcomes.map(({ state }) => state), ["delivered", "delivered", "delivered", "queued"]);
  assertEquals(fieldsOf(outcomes[3]).reason, "At most 3 in 5 s; later notifications follow in one message");
  assertEquals(fieldsOf(outcomes[3]).next, start + 5000);
  await notifier.flush();
  assertEquals(delivered(scene), numbers(1, 4));
  const tookMs = scene.runtime.time - start;
  assert(tookMs >= 5000 && tookMs <= 6000, `${tookMs} ms`);
  scene.runtime.time += 5000;
  assertEquals((await notifier.notify({ subject: "5" }))[0].state, "delivered");
});

Deno.test("NotifierCore.notify() delays nothing if no process keeps delivering, or if batches are off", async () => {
  for (const options of [{}, { role: "deliverer", batch: false }] as const) {
    await using scene = await setScene();
    await using notifier = await scene.open(options);
    for (const subject of numbers(1, 8)) assertEquals((await notifier.notify({ subject }))[0].state, "delivered");
    assertEquals(delivered(scene), numbers(1, 8));
  }
});

Deno.test("NotifierCore.flush() delays no entry for long when the clock was set back", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
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
  assertMatch(String(scene.homeserver.events(scene.room)[1].content.body), /⏰ Queued since 2026-11-22 22:00/);
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
  const ids = await enqueue(notifier, 12);
  scene.homeserver.fault("503", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  const [batch] = notifier.entries();
  assertEquals([batch.notification.subject, batch.members?.length, batch.state], [
    "12 notifications",
    12,
    "deferred",
  ]);
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
  await enqueue(notifier, 11);
  await scene.homeserver.stop();
  await notifier.flush({ waitMs: 0 });
  assert(notifier.entries()[0].members);
  scene.runtime.time += 60_000;
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals(delivered(scene)[0], numbers(1, 11));
  assertEquals(notifier.entries().map(({ state, notification: { subject } }) => [state, subject]), [[
    "dead",
    "short1",
  ]]);
});
