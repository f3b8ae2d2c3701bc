/**
 * Attempts in doubt, with homeservers that remember, forget or ignore transaction ids: one message,
 * or a counted duplicate.
 */

import { assert, assertEquals } from "@std/assert";
import { MAX_PAGES } from "../../../src/matrix/events.ts";
import type { HomeserverOptions, LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";

type FaultName = Parameters<LoopbackHomeserver["fault"]>[0];
type Memory = Pick<HomeserverOptions, "software" | "transactions">;

const DAY_MS = 86_400_000;
const PERSISTED: FaultName[] = [
  "drop-after-persisting",
  "502-after-persisting",
  "504-after-persisting",
];
const SERVERS: [string, Memory][] = [
  ["Synapse", { software: "Synapse" }],
  ["Dendrite", { software: "Dendrite" }],
  ["Conduit", { software: "Conduit" }],
  ["a server without any memory", { software: "Dendrite", transactions: "none" }],
];

/**
 * Sends one message. The first attempt meets a fault, then the server restarts, and the second
 * attempt is made `gapMs` later.
 */
async function twoTries(scene: Scene, fault: FaultName, gapMs: number) {
  await using notifier = await scene.open();
  scene.homeserver.fault(fault, { times: 1 });
  await notifier.notify({ subject: "Up" });
  scene.runtime.time += gapMs;
  await scene.homeserver.restart({ memory: "lost" });
  await notifier.flush({ waitMs: 400_000 });
  const { queued, deferred, possibleDuplicates } = await notifier.status();
  assertEquals(queued + deferred, 0);
  return { possibleDuplicates, subjects: scene.subjects() };
}

for (const [name, memory] of SERVERS) {
  for (const fault of PERSISTED) {
    for (const [gap, gapMs] of [["immediately", 0], ["a day later", DAY_MS + 3_600_000]] as const) {
      Deno.test(`MatrixChannel.send() makes one message after ${fault} of ${name}, which then forgets the attempt, with a retry ${gap}`, async () => {
        await using scene = await setScene(memory);
        const { subjects, possibleDuplicates } = await twoTries(scene, fault, gapMs);
        assertEquals([subjects, possibleDuplicates], [["Up"], 0]);
      });
    }
  }
  Deno.test(`MatrixChannel.send() repeats an attempt that was lost before ${name} stored it, and counts it except on Synapse`, async () => {
    await using scene = await setScene(memory);
    const { subjects, possibleDuplicates } = await twoTries(scene, "drop-before-persisting", 0);
    assertEquals([subjects, possibleDuplicates], [["Up"], memory.software === "Synapse" ? 0 : 1]);
  });
}

for (const [inDoubt, quietMs] of [["send", 35_000], ["wait", 310_000]] as const) {
  Deno.test(`findEarlierDelivery() waits ${quietMs / 1000} s before it reads the room back, with inDoubt "${inDoubt}"`, async () => {
    await using scene = await setScene({ software: "Dendrite" });
    const { homeserver, accessToken, room, runtime } = scene;
    await using notifier = await scene.open({
      channels: { matrix: { homeserver: homeserver.url, accessToken, room, inDoubt } },
    });
    homeserver.fault("drop-after-persisting", { times: 1 });
    await notifier.notify({ subject: "Up" });
    const before = runtime.time;
    await notifier.flush({ waitMs: 400_000 });
    assert(
      runtime.time - before >= quietMs - 10 && runtime.time - before < quietMs + 5000,
      String(runtime.time - before),
    );
    assertEquals([scene.subjects(), scene.puts()], [["Up"], 1]);
  });
}

Deno.test("findEarlierDelivery() finds the message if hundreds of newer messages are in the room", async () => {
  await using scene = await setScene({ software: "Dendrite" });
  const { homeserver, accessToken, room, runtime } = scene;
  await using notifier = await scene.open();
  homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.notify({ subject: "Up" });
  for (let count = 0; count < 250; count++) {
    const response = await fetch(
      `${homeserver.url}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/x${count}`,
      {
        method: "PUT",
        headers: { Authorization: `Bearer ${accessToken}` },
        body: JSON.stringify({ msgtype: "m.text", body: `other ${count}` }),
      },
    );
    await response.body?.cancel();
  }
  runtime.time += 60_000;
  await notifier.flush();
  assertEquals(scene.subjects().filter((subject) => subject === "Up").length, 1);
  assertEquals(homeserver.requests.filter(({ route }) => route === "messages").length, 3);
});

Deno.test("MatrixChannel.send() repeats an attempt in doubt, and counts it, if the room cannot be read", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  scene.homeserver.fault("forbidden", { on: "messages" });
  await notifier.notify({ subject: "Up" });
  await notifier.flush();
  assertEquals([scene.subjects(), (await notifier.status()).possibleDuplicates], [["Up"], 1]);
});

for (const software of ["Synapse", "Dendrite"] as const) {
  Deno.test(`findEarlierDelivery() reads at most 50 pages of ${software}, then the message is sent and counted`, async () => {
    await using scene = await setScene({ software });
    await using notifier = await scene.open();
    scene.homeserver.fault("drop-after-persisting", { times: 1 });
    scene.homeserver.fault("endless-pages", { on: "messages" });
    await notifier.notify({ subject: "Up" });
    await notifier.flush({ waitMs: 400_000 });
    assertEquals(scene.homeserver.requests.filter(({ route }) => route === "messages").length, MAX_PAGES);
    assertEquals([scene.puts(), (await notifier.status()).possibleDuplicates], [2, 1]);
  });
}

Deno.test("MatrixChannel.send() keeps an attempt in doubt while the server is down", async () => {
  await using scene = await setScene({ software: "Dendrite", transactions: "none" });
  await using notifier = await scene.open();
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.notify({ subject: "Up" });
  await scene.homeserver.stop();
  await notifier.flush({ waitMs: 0 });
  await scene.homeserver.restart();
  scene.homeserver.fault("503", { on: "messages", times: 2 });
  await notifier.flush({ waitMs: 400_000 });
  assertEquals([scene.subjects(), scene.puts()], [["Up"], 1]);
});

Deno.test("findEarlierDelivery() does not wait after a clock that jumped back", async () => {
  await using scene = await setScene({ software: "Dendrite" });
  await using notifier = await scene.open();
  scene.homeserver.fault("drop-after-persisting", { times: 1 });
  await notifier.notify({ subject: "Up" });
  scene.runtime.time -= 10 * DAY_MS;
  const before = scene.runtime.time;
  const [entry] = notifier.entries();
  await notifier.retry([entry.id]);
  assertEquals(scene.subjects(), ["Up"]);
  assert(scene.runtime.time - before < 60_000);
});

Deno.test("MatrixChannel.send() joins a room that invited the account, and sends again", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken } = scene;
  const other = homeserver.addUser("other");
  const invited = homeserver.createRoom({ members: [other.userId], invited: ["@bot:loopback.test"] });
  const closed = homeserver.createRoom({ members: [other.userId] });
  await using notifier = await scene.open({
    channels: { matrix: { homeserver: homeserver.url, accessToken, room: invited } },
  });
  const [welcome] = await notifier.notify({ subject: "Up" });
  const [refused] = await notifier.notify({ subject: "Up" }, { room: closed });
  assertEquals([welcome.state, refused.state], ["delivered", "queued"]);
  assert(fieldsOf(refused).reason?.includes("403 M_FORBIDDEN"));
  assertEquals(homeserver.events(invited).length, 1);
  assertEquals(homeserver.requests.filter(({ route }) => route === "join").length, 2);
});
