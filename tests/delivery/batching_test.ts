/** Floods, paces and quiet hours, through the whole of a notifier. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { NotificationInput } from "../../src/notification/notification.ts";
import type { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackGotify } from "../../src/testing/mod.ts";
import { type Scene, setScene } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

/** Synapse's own limit. */
const SYNAPSE_LIMIT = { perSecond: 0.2, burst: 10 };

/** Puts notifications into the queue, and nothing more. */
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

/** What the room tells of, event by event: one subject, or those of a digest. */
function told(scene: Scene): (string | string[])[] {
  return scene.homeserver.events(scene.room).map(({ content }) => {
    const body = String(content.body);
    const lines = [...body.matchAll(/^- \S+(?: \d\S+)? \S+ ([^\s:]+)/gm)].map(([, subject]) => subject);
    return lines.length > 0 ? lines : body.split("\n")[0].replace("[jump] ", "");
  });
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

Deno.test("NotifierCore.flush() delivers a burst of 200 under Synapse's limit at once, in order, as one event, whose receipt is everybody's", async () => {
  await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
  await using notifier = await scene.open();
  const ids = await enqueue(notifier, 200);
  const outcomes = await notifier.flush();
  const [{ event_id, content }, ...more] = scene.homeserver.events(scene.room);
  assertEquals([told(scene), more], [[numbers(1, 200)], []]);
  assertEquals(
    outcomes.map(fieldsOf).map(({ id, state, receipt }) => [id, state, receipt]),
    ids.map((id) => [id, "delivered", event_id]),
  );
  assertMatch(String(content.body), /^\[jump\] 200 notifications\n\n- \d\d:00:00 ℹ 1\n/);
  assertMatch(String(content.formatted_body), /<ul><li>\d\d:00:00 ℹ <strong>1<\/strong><\/li>/);
  assertEquals(notifier.status().queued, 0);
});

Deno.test("NotifierCore.flush() delivers ten that wait by themselves, and eleven together", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 10);
  await notifier.flush();
  await enqueue(notifier, 11, { subject: "x" });
  await notifier.flush();
  assertEquals(told(scene).length, 11);
});

Deno.test("NotifierCore.flush() gathers four that wait for a limit, and not three", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("429-retry-after-ms", { times: 1, retryAfterMs: 5000 });
  await enqueue(notifier, 3);
  await notifier.flush();
  scene.homeserver.fault("429-retry-after-ms", { times: 1, retryAfterMs: 5000 });
  await enqueue(notifier, 4);
  await notifier.flush();
  assertEquals(told(scene), ["1", "2", "3", numbers(1, 4)]);
});

Deno.test("a steady stream under Synapse's limit is told in an event each five seconds", async () => {
  await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
  await using notifier = await scene.open();
  const subjects = numbers(1, 60);
  for (const subject of subjects) {
    await notifier.notify({ subject });
    // Each waits as long as it must; the next one comes half a second later.
    scene.runtime.time += 500;
  }
  await notifier.flush({ waitMs: 60_000 });
  assertEquals(told(scene).flat(), subjects);
  // Ten at once, and then one each five seconds for the half minute that it took.
  assertEquals(told(scene).length, 10 + 6);
});

Deno.test("what is critical is in no digest, and keeps its place", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 12);
  await enqueue(notifier, 1, { subject: "!", severity: "critical" });
  await enqueue(notifier, 12, { subject: "x" });
  await notifier.flush();
  const [before, critical, after, ...more] = told(scene);
  assertEquals([before.length, critical, after.length, more], [12, "!1", 12, []]);
});

Deno.test("what stands behind a head that goes by itself is gathered when that is gone, not before", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 2, { subject: "!", severity: "critical" });
  await enqueue(notifier, 12);
  scene.homeserver.fault("503", { times: 3 });
  await notifier.flush({ waitMs: 0 });
  await enqueue(notifier, 12, { subject: "x" });
  await notifier.flush();
  assertEquals(told(scene).map((event) => typeof event === "string" ? event : event.length), ["!1", "!2", 24]);
});

Deno.test("a digest whose answer was lost is the same when it is tried again, and found when the server forgot it", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const ids = await enqueue(notifier, 12);
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  const [digest] = notifier.entries();
  assertEquals([digest.members?.map(({ id }) => id), digest.attempts], [ids, 1]);
  await enqueue(notifier, 1, { subject: "later" });
  await scene.homeserver.restart({ memory: "lost" });
  await notifier.flush();
  assertEquals(told(scene), [numbers(1, 12), "later1"]);
  assertEquals(scene.homeserver.events(scene.room)[0].content["dev.matrix-notify.id"], digest.id);
});

Deno.test("the members of a digest that the server refuses for good go by themselves, in order, and none is lost", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 1, { subject: "!", severity: "critical" });
  await enqueue(notifier, 12);
  await enqueue(notifier, 1, { subject: "!!", severity: "critical" });
  // The second that leaves is the digest, announced together with what is behind it.
  scene.homeserver.fault("too-large", { every: 2, times: 1 });
  const outcomes = await notifier.flush();
  assertEquals(told(scene), ["!1", ...numbers(1, 12), "!!1"]);
  assertEquals(outcomes.filter(({ state }) => state !== "delivered"), []);
});

Deno.test("a digest shows symbols where its members would", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 11, { subject: ":warning-sign: " });
  await notifier.flush();
  const [{ content }] = scene.homeserver.events(scene.room);
  assertMatch(String(content.body), /^- \S+ ℹ ⚠\ufe0f? 1$/m);
  assertMatch(String(content.formatted_body), /ℹ <strong>⚠\ufe0f? 1<\/strong>/);
});

Deno.test("a program gets a digest as one notification that tells of all", async () => {
  await using scene = await setScene();
  const path = `${scene.stateDir}/got.json`;
  const command = ["/bin/sh", "-c", `cat >> ${path}`];
  await using notifier = await scene.open({ channels: { exec: { command } } });
  await enqueue(notifier, 11);
  await notifier.flush();
  const { subject, text, items } = JSON.parse(Deno.readTextFileSync(path));
  assertEquals([subject, items, [...text.matchAll(/^- /gm)].length], ["11 notifications", undefined, 11]);
});

Deno.test("ntfy gets digests that fit its limit, with a line for each", async () => {
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

Deno.test("Gotify gets a digest as long as it takes", async () => {
  await using scene = await setScene();
  await using gotify = await LoopbackGotify.start();
  await using notifier = await scene.open({ channels: { gotify: { server: gotify.url, token: gotify.token } } });
  await enqueue(notifier, 200, { message: "x".repeat(100) });
  await notifier.flush();
  const [{ message }, ...more] = gotify.messages;
  assertEquals([[...message.matchAll(/^- \S+ ℹ \d+: x{100}$/gm)].length, more], [200, []]);
});

// The storm found it: the last 71 of 500 were "… and 71 more", in the event that was the receipt of all.
Deno.test("a digest stands for no more than it has room to tell of", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 500, { message: '<"quotes" & more>'.repeat(2) });
  await notifier.flush();
  const events = told(scene);
  assertEquals([events.flat(), events.length], [numbers(1, 500), 2]);
});

Deno.test("a queue that holds more than a digest does is told in several, in order", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await enqueue(notifier, 520);
  await notifier.flush();
  const events = told(scene);
  assertEquals([events.map((event) => event.length), events.flat()], [[500, 20], numbers(1, 520)]);
});

Deno.test("a lane with a pace says so much at once, and then the rest together", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ flood: { burst: 2, per: "10s" } });
  const start = scene.runtime.time;
  await enqueue(notifier, 8);
  await notifier.flush({ waitMs: 0 });
  assertEquals(told(scene), ["1", "2"]);
  await notifier.flush();
  assertEquals(told(scene), ["1", "2", numbers(3, 8)]);
  assert(scene.runtime.time >= start + 10_000);
  // The digest counts as a whole burst: while the flood goes on there is one event each ten seconds.
  assertEquals((await notifier.notify({ subject: "9" }))[0].state, "queued");
  scene.runtime.time += 10_000;
  assertEquals((await notifier.notify({ subject: "10" }))[0].state, "delivered");
  assertEquals(told(scene), ["1", "2", numbers(3, 8), numbers(9, 10)]);
});

Deno.test("a pace is shown while something waits for it, and what is critical does not wait", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ flood: { burst: 1, per: "1h" } });
  await notifier.notify({ subject: "first" });
  const [{ state, reason, next }] = (await notifier.notify({ subject: "second" })).map(fieldsOf);
  const text = "At most 1 in 1 h; the rest follows in one message";
  assertEquals([state, reason, next], ["queued", text, scene.runtime.time + 3_600_000]);
  assertEquals([notifier.status().waitingFor, notifier.entries()[0].reason], [text, text]);
  assertEquals((await notifier.notify({ subject: "third", severity: "critical" }))[0].state, "delivered");
  assertEquals((await notifier.flush())[0].state, "queued");
  assertEquals(told(scene), ["first", "third"]);
});

/** What comes in one after the other, and what the room was told when all is out. */
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
  assertEquals(told(scene).flat(), numbers(1, count));
  return { events: told(scene).length, tookMs: scene.runtime.time - start };
}

for (const gapMs of [5, 150, 250]) {
  Deno.test(`200 messages, one each ${gapMs} ms, are five events at most, and out within two minutes, where somebody stays who says the rest`, async () => {
    await using scene = await setScene({ rateLimit: SYNAPSE_LIMIT });
    await using notifier = await scene.open({ role: "deliverer" });
    const { events, tookMs } = await stream(scene, notifier, { count: 200, gapMs });
    assert(events <= 5, `${events} events`);
    assert(tookMs < 120_000, `${tookMs} ms`);
    assertEquals(scene.puts(), events, "no limit was met");
  });
}

Deno.test("a compaction in the middle of a flood does not make it louder", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  const { events } = await stream(scene, notifier, { count: 200, gapMs: 200, message: "x".repeat(4000) });
  assert(events <= 5, `${events} events`);
  const journal = Deno.readTextFileSync(`${scene.stateDir}/queue/queue.jsonl`);
  assert(journal.length < 400_000 && journal.includes('"t":"lane"'), "it was compacted");
});

Deno.test("a flood without an end is told each half minute", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  const { events } = await stream(scene, notifier, { count: 300, gapMs: 1000 });
  // Three at once, and then one each half minute for five minutes.
  assert(events >= 3 + 9 && events <= 3 + 11, `${events} events`);
});

Deno.test("the fourth within five seconds comes a little later, as itself; in good time nothing waits", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  const start = scene.runtime.time;
  const outcomes = [];
  for (const subject of numbers(1, 4)) outcomes.push(...await notifier.notify({ subject }));
  assertEquals(outcomes.map(({ state }) => state), ["delivered", "delivered", "delivered", "queued"]);
  assertEquals(fieldsOf(outcomes[3]).reason, "At most 3 in 5 s; the rest follows in one message");
  assertEquals(fieldsOf(outcomes[3]).next, start + 5000);
  await notifier.flush();
  assertEquals(told(scene), numbers(1, 4));
  const tookMs = scene.runtime.time - start;
  assert(tookMs >= 5000 && tookMs <= 6000, `${tookMs} ms`);
  scene.runtime.time += 5000;
  assertEquals((await notifier.notify({ subject: "5" }))[0].state, "delivered");
});

Deno.test("where nobody stays who says the rest, or nothing is to be gathered, nothing is held back", async () => {
  for (const options of [{}, { role: "deliverer", flood: { digest: false } }] as const) {
    await using scene = await setScene();
    await using notifier = await scene.open(options);
    for (const subject of numbers(1, 8)) assertEquals((await notifier.notify({ subject }))[0].state, "delivered");
    assertEquals(told(scene), numbers(1, 8));
  }
});

Deno.test("a clock that was set back holds nobody for long", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ role: "deliverer" });
  for (const subject of numbers(1, 5)) await notifier.notify({ subject });
  scene.runtime.time -= 3_600_000;
  await notifier.flush();
  assertEquals(told(scene).flat(), numbers(1, 5));
});

/** Ten in the evening by the host's clock. */
const TEN = new Date(2026, 10, 22, 22, 0).getTime();
const SEVEN = new Date(2026, 10, 23, 7, 0).getTime();
const QUIET = { quiet: { from: "22:00", to: "07:00" } };

Deno.test("in quiet hours everything but what is critical waits, over restarts and flushes, and comes together in the morning", async () => {
  await using scene = await setScene();
  scene.runtime.time = TEN;
  {
    await using notifier = await scene.open(QUIET);
    const [{ state, reason, next }] = (await notifier.notify({ subject: "1" })).map(fieldsOf);
    assertEquals([state, reason, next], ["queued", "Quiet hours until 07:00", SEVEN]);
    const journal = Deno.readTextFileSync(`${scene.stateDir}/queue/queue.jsonl`);
    assertEquals(journal.includes('"t":"att"'), false, "what does not leave is not announced");
    await notifier.notify({ subject: "2", severity: "error" });
    assertEquals((await notifier.notify({ subject: "fire", severity: "critical" }))[0].state, "delivered");
  }
  await using notifier = await scene.open(QUIET);
  scene.runtime.time += 3_600_000;
  assertEquals((await notifier.flush()).map(({ state }) => state), ["queued", "queued"]);
  const { queued, waitingFor, until } = notifier.status();
  assertEquals([queued, waitingFor, until], [2, "Quiet hours until 07:00", SEVEN]);
  assertEquals(notifier.status().oldestSeconds, 0, "nobody is called in the night because the night is quiet");
  scene.runtime.time = SEVEN - 1;
  await notifier.flush({ waitMs: 0 });
  assertEquals(told(scene), ["fire"]);
  scene.runtime.time = SEVEN;
  await notifier.flush();
  assertEquals(told(scene), ["fire", ["1", "2"]]);
  assertMatch(String(scene.homeserver.events(scene.room)[1].content.body), /⏰ Queued since 2026-11-22 22:00/);
});

Deno.test("one that waited for the morning alone comes as itself", async () => {
  await using scene = await setScene();
  scene.runtime.time = TEN;
  await using notifier = await scene.open(QUIET);
  await notifier.notify({ subject: "alone" });
  scene.runtime.time = SEVEN;
  await notifier.notify({ subject: "day" });
  await notifier.flush();
  await notifier.notify({ subject: "more" });
  assertEquals(told(scene), [["alone", "day"], "more"]);
});

Deno.test("NotifierCore.retry() of one that waits for the morning has it now", async () => {
  await using scene = await setScene();
  scene.runtime.time = TEN;
  await using notifier = await scene.open(QUIET);
  const ids = await enqueue(notifier, 3);
  const [{ state }] = await notifier.retry([ids[1]]);
  assertEquals([state, told(scene), notifier.status().queued], ["delivered", ["2"], 2]);
  scene.runtime.time = SEVEN;
  await notifier.flush();
  assertEquals(told(scene), ["2", ["1", "3"]]);
});

Deno.test("a digest, its count and its members are shown, and each can be decided about", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const ids = await enqueue(notifier, 12);
  scene.homeserver.fault("503", { times: 1 });
  await notifier.flush({ waitMs: 0 });
  const [digest] = notifier.entries();
  assertEquals([digest.notification.subject, digest.members?.length, digest.state], [
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
    [ids[5], "queued", digest.reason],
    "not before the gap after a doubtful try is over",
  );
  await notifier.flush();
  assertEquals([told(scene), notifier.entries()], [[numbers(1, 12).toSpliced(3, 1)], []]);
});

Deno.test("a member of a digest expires by itself", async () => {
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
  assertEquals(told(scene)[0], numbers(1, 11));
  assertEquals(notifier.entries().map(({ state, notification: { subject } }) => [state, subject]), [[
    "dead",
    "short1",
  ]]);
});
