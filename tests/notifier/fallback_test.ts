/**
 * Tests fallbacks with a whole notifier: Matrix does not deliver in time, so the phone gets the
 * notification.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { formatTime } from "../../src/base/time.ts";
import { judgeHealth } from "../../src/notifier/health.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { type Scene, setScene, withPhone } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

const MINUTE_MS = 60_000;

/** Options for a Matrix channel whose fallback is a phone, after ten minutes. */
function withFallback(scene: Scene, more: object = {}): Pick<CoreOptions, "channels"> {
  return withPhone(scene, { fallback: { channels: "phone", after: "10m" }, ...more });
}

const phoneTexts = ({ ntfy }: Scene) => ntfy.messages("alerts").map(({ title, message }) => `${title}: ${message}`);

Deno.test("NotifierCore.notify() cancels the fallback when Matrix delivers at once", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  const outcomes = await notifier.notify({ subject: "Link down" });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "delivered"]]);
  assertEquals([notifier.entries(), scene.ntfy.messages("alerts")], [[], []]);
  assertEquals([await notifier.flush(), scene.runtime.sleeps], [[], []]);
});

Deno.test("NotifierCore.notify() sends through the fallback, once, when Matrix is late", async () => {
  await using scene = await setScene();
  const { homeserver, runtime } = scene;
  await using notifier = await scene.open(withFallback(scene));
  await homeserver.stop();
  const outcomes = await notifier.notify({ subject: "Link down", message: "ether1" });
  assertEquals(outcomes.map(fieldsOf).map(({ channel, state, next }) => [channel, state, next! > runtime.time]), [
    ["matrix", "queued", true],
    ["phone", "queued", true],
  ]);
  assertEquals(fieldsOf(outcomes[1]).reason, "Sent only if matrix is late");
  const [primary, fallback] = notifier.entries();
  assertEquals([fallback.fallbackFor, fallback.state, fieldsOf(fallback).next], [
    [primary.id],
    "queued",
    primary.time + 10 * MINUTE_MS,
  ]);

  runtime.time += 9 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  assertEquals([phoneTexts(scene), notifier.status().fallbacks, notifier.status().deferred], [[], 1, 1]);
  runtime.time += MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  assertEquals(phoneTexts(scene).map((text) => text.split("\n")[0]), ["[jump] Link down: ether1"]);
  runtime.time += 60 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  assertEquals(notifier.entries().map(({ channel }) => channel), ["matrix"]);
  await homeserver.restart();
  await notifier.flush();
  assertEquals([scene.subjects(), phoneTexts(scene).length, notifier.entries()], [["Link down"], 1, []]);
});

Deno.test("NotifierCore.flush() cancels the fallback when Matrix delivers before the timeout", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await scene.homeserver.stop();
  await notifier.notify({ subject: "Link down" });
  scene.runtime.time += 8 * MINUTE_MS;
  await scene.homeserver.restart();
  const outcomes = await notifier.flush();
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "delivered"]]);
  scene.runtime.time += 60 * MINUTE_MS;
  assertEquals([await notifier.flush(), phoneTexts(scene)], [[], []]);
});

Deno.test("NotifierCore.flush() sends through the fallback at once when Matrix rejects an entry", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  scene.homeserver.fault("too-large");
  const [{ channel, state }] = await notifier.notify({ subject: "Link down" });
  assertEquals([channel, state], ["matrix", "dead"]);
  await notifier.flush();
  assertEquals([phoneTexts(scene).length, notifier.entries().map(({ state }) => state)], [1, ["dead"]]);
});

Deno.test("NotifierCore.drop() drops the fallback of a dropped entry", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await scene.homeserver.stop();
  const [{ id }] = await notifier.notify({ subject: "Link down" });
  await notifier.drop([id]);
  assertEquals(notifier.entries(), []);
});

Deno.test("NotifierCore.retry() sends a pending fallback before its timeout", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await scene.homeserver.stop();
  const [, { id }] = await notifier.notify({ subject: "Link down" });
  assertEquals((await notifier.retry([id])).map(({ state }) => state), ["delivered"]);
  assertEquals(phoneTexts(scene).length, 1);
});

Deno.test("NotifierCore.status() counts pending fallbacks separately, and they raise no alarm", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene, { fallback: { channels: "phone", after: "1d" } }));
  await scene.homeserver.stop();
  const [matrix] = await notifier.notify({ subject: "Link down" });
  scene.runtime.time += 30 * MINUTE_MS;
  const { queued, deferred, fallbacks, oldestSeconds, waitingFor } = notifier.status();
  assertEquals([queued, deferred, fallbacks, oldestSeconds], [0, 1, 1, 1800]);
  assertEquals(waitingFor, fieldsOf(matrix).reason);
  assertEquals(judgeHealth(notifier.status(), 60 * MINUTE_MS).state, "ok");
});

Deno.test("NotifierCore.flush() sends fallbacks that are due in one batch", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  const start = scene.runtime.time;
  await scene.homeserver.stop();
  for (let count = 1; count <= 15; count++) await notifier.notify({ subject: `${count}` }, { waitMs: 0 });
  scene.runtime.time += 5 * MINUTE_MS;
  await notifier.notify({ subject: "16" }, { waitMs: 0 });
  assertEquals(notifier.entries().some(({ members }) => members !== undefined), false);
  scene.runtime.time += 5 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  const titles = () => scene.ntfy.messages("alerts").map(({ title }) => title);
  assertEquals(titles(), [`[jump] 15 notifications since ${formatTime(start)}`]);
  scene.runtime.time += 5 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  assertEquals(titles().slice(1), ["jump"]);
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals([notifier.entries(), scene.ntfy.messages("alerts").length], [[], 2]);
});

Deno.test("NotifierCore.notify() sends at once through a channel with pending fallbacks, ahead of them", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await scene.homeserver.stop();
  await notifier.notify({ subject: "1" });
  const outcomes = await notifier.notify({ subject: "2" }, { channels: ["phone"] });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["phone", "delivered"]]);
  assertEquals(phoneTexts(scene), ["jump: 2"]);
});

Deno.test("NotifierCore.notify() with one key, repeatedly, does not postpone the fallback", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await scene.homeserver.stop();
  for (let count = 1; count <= 5; count++) {
    await notifier.notify({ subject: `Disk at ${90 + count} %`, key: "disk" }, { waitMs: 0 });
    scene.runtime.time += 3 * MINUTE_MS;
    if (count === 4) await notifier.flush({ waitMs: 0 });
  }
  assertEquals(phoneTexts(scene).map((text) => text.slice(0, 18)), ["jump: Disk at 94 %"]);
});

Deno.test("NotifierCore.flush() starts a fallback's timeout at the end of quiet hours", async () => {
  await using scene = await setScene();
  const { runtime, homeserver } = scene;
  const clock = (minutes: number) => {
    const date = new Date(runtime.time + minutes * MINUTE_MS);
    return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  };
  const quiet = { from: clock(-60), to: clock(60) };
  await using notifier = await scene.open(withFallback(scene, { quiet }));
  const outcomes = await notifier.notify({ subject: "Link down" });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "queued"], ["phone", "queued"]]);
  for (let minutes = 0; minutes < 59; minutes += 10) {
    runtime.time += 9 * MINUTE_MS;
    await notifier.flush({ waitMs: 0 });
  }
  await homeserver.stop();
  // Quiet hours have ended. The time limit of the fallback starts now.
  runtime.time += 9 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  assertEquals(phoneTexts(scene), []);
  runtime.time += 8 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  assertEquals(phoneTexts(scene).length, 1);
});

Deno.test("NotifierCore.plan() uses the rule's fallback, and none if the caller names channels", async () => {
  await using scene = await setScene();
  const { channels } = withFallback(scene);
  await using notifier = await scene.open({
    channels: { ...channels, pager: { kind: "ntfy", server: scene.ntfy.url, topic: "pager" } },
    routes: [
      { when: { severity: "critical" }, set: { matrix: { fallback: { channels: ["phone", "pager"], after: "2m" } } } },
      { when: { origin: "noise" }, set: { matrix: { fallback: false } } },
      { when: { origin: "both" }, channels: "*" },
    ],
  });
  const planOf = (input: object, options = {}) => {
    const { envelopes, fallbacks } = notifier.plan({ subject: "x", ...input }, options);
    return [
      ...envelopes.map(({ channel }) => channel),
      ...fallbacks.map(({ envelope, primaries }) => `${envelope.channel} ${primaries[0].afterMs / MINUTE_MS}`),
    ];
  };
  assertEquals(planOf({}), ["matrix", "phone 10"]);
  assertEquals(planOf({ severity: "critical" }), ["matrix", "phone 2", "pager 2"]);
  assertEquals(planOf({ origin: "noise" }), ["matrix"]);
  assertEquals(planOf({ origin: "both" }), ["matrix", "phone", "pager"]);
  assertEquals(planOf({}, { channels: ["matrix"] }), ["matrix"]);
  assertEquals(planOf({}, { kind: "matrix" }), ["matrix"]);
  assertEquals(planOf({}, { kind: "ntfy" }), ["phone", "pager"]);
});

Deno.test("NotifierCore.deliverUntilEmpty() stays while a fallback is pending, and sends it in time", async () => {
  await using scene = await setScene();
  const { runtime, homeserver } = scene;
  const stop = new AbortController();
  await using notifier = await scene.open({
    ...withFallback(scene),
    onAttempt: ({ channel, state }) =>
      channel === "phone" && state === "delivered" && stop.abort(new Error("delivered")),
  });
  await homeserver.stop();
  const start = runtime.time;
  await notifier.notify({ subject: "Link down" }, { waitMs: 0 });
  await assertRejects(() => notifier.deliverUntilEmpty(stop.signal), Error, "delivered");
  const lateMs = runtime.time - start - 10 * MINUTE_MS;
  assert(lateMs >= 0 && lateMs < 1000, `${lateMs} ms late`);
  assertEquals(phoneTexts(scene).length, 1);
});

Deno.test("NotifierCore.notify() sends through the fallback when queue and Matrix both refuse", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await notifier.notify({ subject: "1" });
  assertEquals(phoneTexts(scene), []);
  // A file with the name of the directory makes every write to the queue fail.
  Deno.removeSync(`${scene.stateDir}/queue`, { recursive: true });
  Deno.writeTextFileSync(`${scene.stateDir}/queue`, "");
  assertEquals((await notifier.notify({ subject: "2" })).map(({ channel, state }) => [channel, state]), [
    ["matrix", "delivered"],
  ]);
  await scene.homeserver.stop();
  assertEquals((await notifier.notify({ subject: "3" })).map(({ channel, state }) => [channel, state]), [
    ["matrix", "refused"],
    ["phone", "delivered"],
  ]);
});

Deno.test("NotifierCore.notify() resolves an incident through the fallback that reported it", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  await scene.homeserver.stop();
  await notifier.notify({ subject: "Disk full", key: "disk" });
  scene.runtime.time += 11 * MINUTE_MS;
  await notifier.flush({ waitMs: 0 });
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals([scene.subjects(), phoneTexts(scene).length], [["Disk full"], 1]);
  await notifier.notify({ subject: "Disk full", key: "disk", resolves: true });
  await notifier.flush();
  assertEquals([scene.homeserver.events(scene.room).length, phoneTexts(scene).length, notifier.entries()], [2, 2, []]);
  // Matrix delivers the next incident and the notification that resolves it.
  for (const resolves of [false, true]) await notifier.notify({ subject: "Disk full", key: "disk", resolves });
  assertEquals([phoneTexts(scene).length, notifier.entries()], [2, []]);
});

Deno.test("NotifierCore.hasOpenIncident() finds an incident that only a fallback reported", async () => {
  // Without this, a command that succeeds again would not resolve the incident on the phone.
  await using scene = await setScene();
  await using notifier = await scene.open(withFallback(scene));
  scene.homeserver.fault("too-large", { times: 1 });
  await notifier.notify({ subject: "Backup failed", key: "backup" });
  await notifier.flush();
  assertEquals([phoneTexts(scene).length, notifier.hasOpenIncident({ subject: "Backup", key: "backup" })], [1, true]);
  await notifier.notify({ subject: "Backup", key: "backup", resolves: true });
  await notifier.flush();
  assertEquals([phoneTexts(scene).length, notifier.hasOpenIncident({ subject: "Backup", key: "backup" })], [2, false]);
});
