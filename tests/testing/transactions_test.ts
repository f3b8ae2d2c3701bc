import { assertEquals } from "@std/assert";
import { openScene, sendPath } from "./scene.ts";

const HOUR_MS = 60 * 60 * 1000;

Deno.test("send() creates one event for a repeated transaction id when the software is Synapse", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const first = await scene.send("1");
  const newer = homeserver.addToken(alice.userId, { deviceId: alice.deviceId });
  for (const parts of [{}, { body: '{"msgtype":"m.text","body":"other"}' }, { type: "m.other" }, { token: newer }]) {
    assertEquals((await scene.send("1", parts)).json, first.json);
  }
  await homeserver.restart();
  assertEquals((await scene.send("1")).json, first.json);
  assertEquals(scene.texts(), ["1"]);
});

Deno.test("send() creates another event when device, room or transaction id differ", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  await scene.send("1");
  await scene.send("2");
  await scene.send("1", { token: homeserver.addToken(alice.userId, { deviceId: "OTHER" }) });
  assertEquals(scene.texts(), ["1", "2", "1"]);
  const roomId = homeserver.createRoom({ members: [alice.userId] });
  await scene.send("1", { roomId });
  assertEquals(homeserver.events(roomId).length, 1);
});

Deno.test("send() forgets transaction ids after 24 hours when the software is Synapse", async () => {
  let time = 0;
  await using scene = await openScene({ now: () => time });
  await scene.send("1");
  time = 24 * HOUR_MS - 1;
  await scene.send("1");
  assertEquals(scene.texts(), ["1"]);
  time = 24 * HOUR_MS;
  await scene.send("1");
  assertEquals(scene.texts(), ["1", "1"]);
});

Deno.test("restart() loses the transaction ids of a token without device when the software is Synapse", async () => {
  await using scene = await openScene();
  const token = scene.homeserver.addToken(scene.alice.userId);
  await scene.send("1", { token });
  await scene.send("1", { token });
  assertEquals(scene.texts(), ["1"]);
  await scene.homeserver.restart();
  await scene.send("1", { token });
  assertEquals(scene.texts(), ["1", "1"]);
});

Deno.test("revoke() removes the transaction ids from the database with the device", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const other = homeserver.addToken(alice.userId, { deviceId: "OTHER" });
  await scene.send("1");
  await scene.send("2", { token: other });
  homeserver.revoke(alice.accessToken);
  const token = homeserver.addToken(alice.userId, { deviceId: alice.deviceId });
  await scene.send("1", { token });
  assertEquals(scene.texts(), ["1", "2"], "memory goes on");
  await homeserver.restart();
  await scene.send("1", { token });
  await scene.send("2", { token: other });
  assertEquals(scene.texts(), ["1", "2", "1"]);
});

Deno.test("revoke() keeps the transaction ids with a soft logout", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  await scene.send("1");
  homeserver.revoke(alice.accessToken, { softLogout: true });
  await homeserver.restart();
  await scene.send("1", { token: homeserver.addToken(alice.userId, { deviceId: alice.deviceId }) });
  assertEquals(scene.texts(), ["1"]);
});

Deno.test("send() identifies transactions by token and path when the software is Dendrite", async () => {
  let time = 0;
  await using scene = await openScene({ software: "Dendrite", now: () => time });
  const { homeserver, alice } = scene;
  await scene.send("1");
  await scene.send("1");
  assertEquals(scene.texts(), ["1"]);
  await scene.send("1", { type: "m.other" });
  time = HOUR_MS;
  await scene.send("1");
  await homeserver.restart();
  await scene.send("1");
  await scene.send("1", { token: homeserver.addToken(alice.userId, { deviceId: alice.deviceId }) });
  assertEquals(scene.texts(), ["1", "1", "1", "1", "1"]);
});

Deno.test("send() returns the event of another room when the software is Conduit", async () => {
  await using scene = await openScene({ software: "Conduit" });
  const { homeserver, alice } = scene;
  const roomId = homeserver.createRoom({ members: [alice.userId] });
  const first = await scene.send("1");
  await homeserver.restart();
  assertEquals((await scene.send("1", { roomId })).json, first.json);
  assertEquals(homeserver.events(roomId), []);
});

Deno.test("send() ignores transaction ids when their scope is none", async () => {
  await using scene = await openScene({ transactions: "none" });
  await scene.send("1");
  await scene.send("1");
  assertEquals(scene.texts(), ["1", "1"]);
});

Deno.test("restart() keeps or loses transaction ids as its option says", async () => {
  await using dendrite = await openScene({ software: "Dendrite" });
  await dendrite.send("1");
  await dendrite.homeserver.restart({ memory: "kept" });
  await dendrite.send("1");
  assertEquals(dendrite.texts(), ["1"]);
  await using synapse = await openScene();
  await synapse.send("1");
  await synapse.homeserver.restart({ memory: "lost" });
  await synapse.send("1");
  assertEquals(synapse.texts(), ["1", "1"]);
});

for (const [software, texts] of [["Synapse", ["1"]], ["Dendrite", ["1", "1"]]] as const) {
  Deno.test(`send() creates ${texts.length} events for two overlapping requests when the software is ${software}`, async () => {
    await using scene = await openScene({ software });
    const gate = Promise.withResolvers<void>();
    scene.homeserver.fault("slow", { until: gate.promise });
    const both = [scene.send("1"), scene.send("1")];
    const path = sendPath(scene.roomId, "1");
    await scene.homeserver.received((request) => request.path === path, 2);
    assertEquals(scene.texts(), []);
    gate.resolve();
    await Promise.all(both);
    assertEquals(scene.texts(), [...texts]);
  });
}
