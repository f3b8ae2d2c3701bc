import { assertEquals } from "@std/assert";
import { setScene, withPhone } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

Deno.test("NotifierCore.notify() sends by the rules, to where they say and as they say", async () => {
  await using scene = await setScene();
  const { homeserver, ntfy } = scene;
  const other = homeserver.createRoom({ members: ["@bot:loopback.test"] });
  await using notifier = await scene.open({
    ...withPhone(scene),
    routes: [
      { when: { origin: "backup-*" }, silent: true, set: { matrix: { room: other }, phone: { topic: "backup" } } },
      { when: { severity: "info" }, channels: "phone" },
    ],
  });
  const outcomes = await notifier.notify({ subject: "Backup done", origin: "backup-email" });
  assertEquals(outcomes.map(({ destination, state }) => [destination, state]), [[other, "delivered"], [
    "backup",
    "delivered",
  ]]);
  assertEquals(homeserver.events(other).map(({ content }) => content.msgtype), ["m.notice"]);
  assertEquals(ntfy.messages("backup").map(({ priority }) => priority), [2]);
  await notifier.notify({ subject: "Hello" });
  await notifier.notify({ subject: "Oh", severity: "error" });
  assertEquals([scene.subjects(), ntfy.messages("alerts").length], [["❌ Oh"], 2]);
});

Deno.test("NotifierCore.notify() returns a muted outcome for each destination, and queues nothing, when a rule mutes it", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ routes: [{ when: { origin: "noise" }, channels: [] }] });
  const [outcome, ...others] = await notifier.notify({ subject: "Hello", origin: "noise" });
  assertEquals([outcome.channel, outcome.destination, outcome.state, fieldsOf(outcome).reason, others.length], [
    "matrix",
    scene.room,
    "muted",
    "routes[0] mutes it",
    0,
  ]);
  assertEquals([notifier.hasQueue(), scene.puts()], [false, 0]);
});

Deno.test("NotifierCore.notify() sends by the channel that its caller names, even if the rules choose others", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open({ routes: [{ when: { origin: "noise" }, channels: [] }] });
  for (
    const options of [{ channels: ["matrix"] }, { channels: ["*"] }, { kind: "matrix" as const }, { room: scene.room }]
  ) {
    const outcomes = await notifier.notify({ subject: "Hello", origin: "noise" }, options);
    assertEquals(outcomes.map(({ state }) => state), ["delivered"]);
  }
});

Deno.test("NotifierCore.notify() sends once to a room that the caller names, if two channels use the same account", async () => {
  await using scene = await setScene();
  const { homeserver, room, accessToken } = scene;
  const other = homeserver.addUser("other");
  const second = homeserver.createRoom({ members: ["@bot:loopback.test", other.userId] });
  const channel = { kind: "matrix", homeserver: homeserver.url } as const;
  await using notifier = await scene.open({
    channels: {
      first: { ...channel, accessToken, room },
      second: { ...channel, accessToken, room: second },
      other: { ...channel, accessToken: other.accessToken, room: second },
    },
  });
  const send = async (to: string) => (await notifier.notify({ subject: to }, { room: to })).map((each) => each.channel);
  assertEquals(await send(second), ["second", "other"], "the channel in which the room is configured");
  const third = homeserver.createRoom({ members: ["@bot:loopback.test", other.userId] });
  assertEquals(await send(third), ["first", "other"]);
  assertEquals([homeserver.events(second).length, homeserver.events(third).length], [2, 2]);
  const [outcome, more] = await notifier.notify({ subject: "Named" }, { room: third, channels: ["first", "second"] });
  assertEquals([outcome.channel, more], ["first", undefined]);
});
