/**
 * Incidents: the notifications with one key, from the first message to the resolution, in one room.
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { MatrixConfig } from "../../../src/config/config_types.ts";
import type { NotificationInput } from "../../../src/notification/notification.ts";
import type { NotifierCore } from "../../../src/notifier/core.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";

const FIRE: NotificationInput = { subject: "Disk full", key: "disk", severity: "error" };
const RESOLVE: NotificationInput = { subject: "Disk full", key: "disk", resolves: true };
const TWO_HOURS = 2 * 3_600_000 + 5 * 60_000;

function openFor({ homeserver, accessToken, room, open }: Scene, config: Partial<MatrixConfig> = {}) {
  return open({ channels: { matrix: { homeserver: homeserver.url, accessToken, room, ...config } } });
}

/** Sends notifications in order, with time between them, each with a new notifier. */
async function tell(scene: Scene, inputs: readonly NotificationInput[], config: Partial<MatrixConfig> = {}) {
  for (const input of inputs) {
    await using notifier = await openFor(scene, config);
    const [{ state }] = await notifier.notify(input);
    assertEquals(state, "delivered");
    scene.runtime.time += TWO_HOURS;
  }
}

/** Describes the relation of each event; `0` is the first event of the room. */
function relations({ homeserver, room }: Scene): unknown[] {
  const events = homeserver.events(room);
  return JSON.parse(JSON.stringify(events.map(({ content }) => content["m.relates_to"] ?? null)), (_, value) => {
    const at = events.findIndex(({ event_id }) => event_id === value);
    return at < 0 ? value : at;
  });
}

function lastContent({ homeserver, room }: Scene): Record<string, unknown> {
  return { ...homeserver.events(room).at(-1)?.content };
}

Deno.test("relatedContent() replies to the first message with the duration of the incident", async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE, { subject: "Something else" }, { ...RESOLVE, message: "9 GB are free" }, FIRE]);
  assertEquals(scene.subjects(), [
    "❌ Disk full",
    "Something else",
    "✅ Resolved after 4 h 10 min: Disk full",
    "❌ Disk full",
  ]);
  assertEquals(relations(scene), [null, null, { "m.in_reply_to": { event_id: 0 } }, null]);
  assertMatch(String(scene.homeserver.events(scene.room)[2].content.body), /Disk full\n\n9 GB are free$/);
});

Deno.test("relatedContent() replies to the first message when the alert is repeated, with the count and the start", async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE, FIRE, { ...FIRE, key: "other" }, FIRE, RESOLVE]);
  const toFirst = { "m.in_reply_to": { event_id: 0 } };
  assertEquals(relations(scene), [null, toFirst, null, toFirst, toFirst]);
  const bodies = scene.homeserver.events(scene.room).map(({ content }) => String(content.body));
  assertMatch(bodies[3], /^\[jump\] ❌ Disk full\n\n↻ 3 times since 2026-\d\d-\d\d \d\d:\d\d:\d\d UTC.*$/);
  assertMatch(bodies[4], /^\[jump\] ✅ Resolved after 8 h 20 min: Disk full$/);
});

Deno.test('relatedContent() replaces the first message with related "edit", and shows both', async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE, FIRE, { ...RESOLVE, subject: "Disk has room" }], { related: "edit" });
  assertEquals(relations(scene), [null, { "m.in_reply_to": { event_id: 0 } }, { rel_type: "m.replace", event_id: 0 }]);
  const { body, formatted_body, "m.new_content": fresh, "dev.matrix-notify.id": id } = lastContent(scene);
  const { "dev.matrix-notify.id": own, ...content } = fresh as Record<string, unknown>;
  assertMatch(
    String(body),
    /^\* \[jump\] ✅ Resolved after 4 h 10 min: Disk has room\n\n↩ Before: Disk full, since 2026-/,
  );
  assertMatch(String(formatted_body), /^\* <strong>.*<em>↩ Before: Disk full, since 2026-.*<\/em>$/);
  assertEquals([`* ${content.body}`, `* ${content.formatted_body}`, content.msgtype], [body, formatted_body, "m.text"]);
  // A search for the id must find the edit, not the edited event.
  assertEquals([typeof id, own], ["string", undefined]);
});

Deno.test("relatedContent() fits a long edit into an event, and marks the cut", async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE, { ...RESOLVE, message: '"'.repeat(40_000) }], { related: "edit" });
  assertEquals(relations(scene)[1], { rel_type: "m.replace", event_id: 0 });
  const [, edit, file] = scene.homeserver.events(scene.room).map(({ content }) => content);
  assertMatch(String(edit.body), /✂ Cut here: \d+ of 40000 bytes are missing; message\.txt has/);
  assertEquals([file.msgtype, file.body], ["m.file", "message.txt"]);
});

Deno.test('relatedContent() puts a resolution into the thread of the first message with related "thread"', async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE, FIRE, RESOLVE], { related: "thread" });
  const inThread = {
    rel_type: "m.thread",
    event_id: 0,
    is_falling_back: true,
    "m.in_reply_to": { event_id: 0 },
  };
  assertEquals(relations(scene), [null, inThread, inThread]);
});

Deno.test("relatedContent() shows the duration also without a relation", async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE, RESOLVE], { related: "none" });
  assertEquals([relations(scene), scene.subjects()[1]], [[null, null], "✅ Resolved after 2 h 5 min: Disk full"]);
});

Deno.test("relatedContent() gives no duration for an incident that was never delivered", async () => {
  await using scene = await setScene();
  await tell(scene, [RESOLVE, FIRE, RESOLVE, RESOLVE]);
  assertEquals(scene.subjects().filter((subject) => subject !== "❌ Disk full"), [
    "✅ Resolved: Disk full",
    "✅ Resolved after 2 h 5 min: Disk full",
    "✅ Resolved: Disk full",
  ]);
  assertEquals(relations(scene), [null, null, { "m.in_reply_to": { event_id: 1 } }, null]);
});

Deno.test("relatedContent() shows the duration if the resolution replaces the first message in the queue", async () => {
  await using scene = await setScene();
  await scene.homeserver.stop();
  await using notifier = await openFor(scene);
  for (const input of [FIRE, FIRE, RESOLVE, RESOLVE]) {
    await notifier.notify(input, { waitMs: 0 });
    scene.runtime.time += 60_000;
  }
  await scene.homeserver.restart();
  await notifier.flush();
  assertEquals([scene.subjects(), relations(scene)], [["✅ Resolved after 3 min: Disk full"], [null]]);
});

Deno.test("relatedContent() keeps an incident open if the alert is repeated while its resolution is queued", async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE]);
  await scene.homeserver.stop();
  await using notifier = await openFor(scene);
  await notifier.notify(RESOLVE, { waitMs: 0 });
  await notifier.notify(FIRE, { waitMs: 0 });
  await scene.homeserver.restart();
  await notifier.flush();
  await notifier.notify(RESOLVE);
  const toFirst = { "m.in_reply_to": { event_id: 0 } };
  assertEquals(relations(scene), [null, toFirst, toFirst]);
  assertEquals(scene.subjects().at(-1), "✅ Resolved after 2 h 5 min: Disk full");
});

Deno.test("relatedTo() keeps a history for each room and key", async () => {
  await using scene = await setScene();
  const other = scene.homeserver.createRoom({ members: ["@bot:loopback.test"] });
  await using notifier = await openFor(scene, { room: [scene.room, other] });
  await notifier.notify(FIRE, { room: other });
  await notifier.notify(RESOLVE);
  const [there, here] = [scene.homeserver.events(other), scene.homeserver.events(scene.room)];
  assertEquals(there[1].content["m.relates_to"], { "m.in_reply_to": { event_id: there[0].event_id } });
  assertEquals(here.map(({ content }) => content["m.relates_to"]), [undefined]);
});

Deno.test("relatedTo() finds no relation to an event in a room that was replaced", async () => {
  for (const related of ["reply", "edit", "thread"] as const) {
    await using scene = await setScene();
    const { userId } = scene.homeserver.addUser("alice");
    const room = scene.homeserver.createRoom({ members: [userId, "@bot:loopback.test"] });
    await tell(scene, [FIRE, { ...FIRE, key: "net" }], { related, room });
    const next = scene.homeserver.upgradeRoom(room, { invited: ["@bot:loopback.test"] });
    // The first message finds out that the room was replaced. The second message knows it.
    await tell(scene, [RESOLVE, { ...RESOLVE, key: "net" }], { related, room });
    const events = scene.homeserver.events(next).map(({ content }) => [content.body, content["m.relates_to"]]);
    assertEquals(events, [
      ["[jump] ✅ Resolved after 4 h 10 min: Disk full", undefined],
      ["[jump] ✅ Resolved after 4 h 10 min: Disk full", undefined],
    ]);
  }
});

Deno.test("MatrixChannel.send() sends an ordinary message if Synapse does not have the related event", async () => {
  for (const related of ["edit", "thread"] as const) {
    await using scene = await setScene();
    await tell(scene, [FIRE], { related });
    scene.homeserver.purge(scene.room);
    await tell(scene, [RESOLVE], { related });
    assertEquals(scene.subjects(), ["✅ Resolved after 2 h 5 min: Disk full"]);
    assertEquals(relations(scene), [null]);
  }
});

Deno.test("relatedTo() replies instead of editing the event of another account", async () => {
  await using scene = await setScene();
  const other = scene.homeserver.addUser("other");
  const room = scene.homeserver.createRoom({ members: ["@bot:loopback.test", other.userId] });
  await tell(scene, [FIRE], { related: "edit", room });
  await tell(scene, [RESOLVE], { related: "edit", room, accessToken: other.accessToken });
  const [first, second] = scene.homeserver.events(room);
  assertEquals(second.content["m.relates_to"], { "m.in_reply_to": { event_id: first.event_id } });
});

Deno.test("MatrixChannel.send() repeats a resolution with the same content, and finds it when it reads the room back", async () => {
  for (const related of ["reply", "edit"] as const) {
    await using scene = await setScene({ software: "Conduit" });
    await tell(scene, [FIRE], { related });
    scene.homeserver.fault("502-after-persisting", { times: 1 });
    await using notifier = await openFor(scene, { related });
    await notifier.notify(RESOLVE);
    const [outcome] = await notifier.flush({ waitMs: 600_000 });
    assertEquals([outcome.state, fieldsOf(outcome).receipt], [
      "delivered",
      scene.homeserver.events(scene.room).at(-1)?.event_id,
    ]);
    assertEquals(relations(scene).length, 2);
  }
});

Deno.test("MatrixChannel.send() closes the incidents that a batch resolves, and replies to a batch that opened an incident", async () => {
  await using scene = await setScene();
  await tell(scene, [FIRE], { related: "edit" });
  await scene.homeserver.stop();
  await using notifier = await openFor(scene, { related: "edit" });
  const fires = (key: string): NotificationInput => ({ subject: `${key} is down`, key });
  for (const input of [RESOLVE, ...Array.from({ length: 12 }, (_, at) => fires(`link ${at}`))]) {
    await notifier.notify(input, { waitMs: 0 });
    scene.runtime.time += 1000;
  }
  await scene.homeserver.restart();
  await notifier.flush();
  const { body, "dev.matrix-notify.ids": ids } = lastContent(scene);
  assertMatch(String(body), /13 notifications since .*\n\n\S+ ✅ Resolved after 2 h 5 min: Disk full\n/);
  assertEquals((ids as string[]).length, 13);
  assertEquals(relations(scene), [null, null]);
  await notifier.notify({ ...fires("link 3"), resolves: true });
  await notifier.notify(RESOLVE);
  assertEquals(relations(scene), [null, null, { "m.in_reply_to": { event_id: 1 } }, null]);
  assertEquals(scene.subjects().at(-1), "✅ Resolved: Disk full");
});

Deno.test("send() of other kinds shows that an incident is resolved, and its duration", async () => {
  await using scene = await setScene();
  const phone = { kind: "ntfy", server: scene.ntfy.url, topic: "alerts" } as const;
  await using notifier: NotifierCore = await scene.open({ channels: { phone } });
  await notifier.notify(FIRE);
  scene.runtime.time += TWO_HOURS;
  await notifier.notify(RESOLVE);
  const { title, message } = scene.ntfy.messages("alerts").at(-1) ?? {};
  assertEquals(`${title} ${message}`.includes("✅ Resolved after 2 h 5 min: Disk full"), true);
});

Deno.test("route() sends a resolution to every destination of its incident, even if rules choose other destinations", async () => {
  await using scene = await setScene();
  const { homeserver: { url: homeserver }, accessToken, room } = scene;
  const other = scene.homeserver.createRoom({ members: ["@bot:loopback.test"] });
  const matrix = { kind: "matrix", homeserver, accessToken } as const;
  const open = (rules: object[]) =>
    scene.open({ channels: { day: { ...matrix, room }, night: { ...matrix, room: other } }, routes: rules });
  const bodies = (roomId: string) => scene.homeserver.events(roomId).map(({ content }) => content.body);
  const severe = [{ when: { severity: "error+" }, channels: ["night"] }, { channels: ["day"] }];
  await using notifier = await open(severe);
  await notifier.notify(FIRE);
  assertEquals([bodies(room).length, bodies(other).length], [0, 1]);
  assertEquals([
    notifier.hasOpenIncident({ ...FIRE, severity: "info" }),
    notifier.hasOpenIncident({ ...FIRE, key: "net" }),
  ], [
    true,
    false,
  ]);
  const outcomes = await notifier.notify(RESOLVE);
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["day", "delivered"], ["night", "delivered"]]);
  assertMatch(String(bodies(other)[1]), /Resolved after .*: Disk full$/);
  assertEquals(notifier.hasOpenIncident({ ...FIRE, severity: "info" }), false);
  await notifier.notify(FIRE);
  await using mute = await open([{ when: { key: "disk" }, channels: [] }]);
  assertEquals((await mute.notify(RESOLVE)).map(({ channel, state }) => [channel, state]), [["night", "delivered"]]);
  assertEquals((await mute.notify(RESOLVE)).map(({ state }) => state), ["muted", "muted"]);
});
