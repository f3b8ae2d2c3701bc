/**
 * Exactly one event for each notification, while a real homeserver restarts, freezes or is killed
 * during a request. Another user reads the room. The command line talks to the homeserver through a
 * proxy that loses answers.
 */

import { assertEquals, assertGreater } from "@std/assert";
import { readBody, RoomScene } from "./room_scene.ts";
import { FaultyProxy } from "./faulty_proxy.ts";
import { type Synapse, synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

/**
 * When the homeserver is killed, milliseconds after the request reached the proxy: from before it
 * has read the request to after it has committed the event. The assertions hold for each moment, so
 * a slow machine does not invalidate the test.
 */
const KILL_MOMENTS_MS = [0, 10, 20, 30, 40, 160];

/** The number of notifications in each round. */
const KILL_BATCH = 4;

synapseTest("send creates one event if its answer is lost and the homeserver restarts", async (synapse) => {
  await using proxy = FaultyProxy.to(synapse.url);
  await using scene = await RoomScene.open(synapse, { name: "restarted", url: proxy.url });
  await loseOneAnswer(proxy, scene, async () => {
    await synapse.stop();
    await synapse.startAgain();
  });
  await assertOneEvent(scene);
});

synapseTest("send creates one event if its answer is lost and the homeserver forgets the txnId", async (synapse) => {
  await using proxy = FaultyProxy.to(synapse.url);
  await using scene = await RoomScene.open(synapse, { name: "forgetful", url: proxy.url });
  const txnId = await loseOneAnswer(proxy, scene, async () => {
    await synapse.stop();
    const [[rows]] = await synapse.sql("SELECT count(*) FROM event_txn_id_device_id");
    assertGreater(rows, 0);
    await synapse.sql("DELETE FROM event_txn_id_device_id");
    await synapse.startAgain();
  });
  await assertOneEvent(scene);
  assertEquals((await scene.acks())[0].via, "read-back");
  // The other half of the proof: a second send would have created a second event.
  await putAgain(synapse, scene, txnId);
  assertEquals((await scene.read()).length, 2);
});

synapseTest("send creates one event if the homeserver freezes during the request", async (synapse) => {
  await using proxy = FaultyProxy.to(synapse.url);
  await using scene = await RoomScene.open(synapse, { name: "frozen", url: proxy.url });
  proxy.fault("drop-at-once", { times: 1 });
  synapse.suspendProcess();
  const sending = scene.run(["send", "Subject", "Body"]);
  await proxy.received(({ status }) => status === "cut");
  // When it resumes it has three requests: the client gave up the first one, which reads the state
  // of the room, the second one was cut, and the client waits for the third one.
  await proxy.received(() => true, 3);
  synapse.resumeProcess();
  assertEquals((await sending).code, 0);
  await scene.flush();
  await assertOneEvent(scene);
});

synapseTest(
  "send creates one event for each notification, in order, if the homeserver is killed during a request",
  async (synapse, t) => {
    await using proxy = FaultyProxy.to(synapse.url);
    await using scene = await RoomScene.open(synapse, { name: "killed", url: proxy.url });
    const subjects: string[] = [];
    for (const [round, momentMs] of KILL_MOMENTS_MS.entries()) {
      await t.step(`killed after ${momentMs} ms`, async () => {
        const killed = killDuringSend(synapse, proxy, { victim: round % KILL_BATCH, momentMs });
        for (let i = 0; i < KILL_BATCH; i++) {
          const subject = `Round ${round}, number ${i}`;
          subjects.push(subject);
          const { code, stderr } = await scene.run(["send", "--wait", "0s", subject, "Body"]);
          assertEquals({ code, stderr }, { code: 0, stderr: "" });
        }
        await killed;
        await synapse.startAgain();
        await scene.flush();
        assertEquals((await scene.read()).map((event) => readBody(event).match(/Round \d, number \d/)?.[0]), subjects);
      });
    }
    const ids = (await scene.read()).map(({ event_id }) => event_id);
    assertEquals((await scene.acks()).map(({ receipt }) => receipt), ids);
  },
);

/**
 * Sends a notification whose answer is lost after the homeserver has created the event. Then calls
 * `onLost`.
 *
 * @returns the txnId
 */
async function loseOneAnswer(proxy: FaultyProxy, scene: RoomScene, onLost: () => Promise<void>): Promise<string> {
  proxy.fault("drop-after-persisting", { times: 1 });
  const sending = scene.run(["send", "Subject", "Body"]);
  const { path } = await proxy.received(({ fault, status }) => fault !== undefined && status === "cut");
  await onLost();
  assertEquals((await sending).code, 0);
  await scene.flush();
  return path.split("/").at(-1) ?? "";
}

/**
 * Kills the homeserver during the PUT with this index. If it answers before, the proxy loses the
 * answer.
 */
async function killDuringSend(
  synapse: Synapse,
  proxy: FaultyProxy,
  { victim, momentMs }: { readonly victim: number; readonly momentMs: number },
): Promise<void> {
  let seen = 0;
  const fault = proxy.fault("drop-after-persisting", { times: 1, where: () => seen++ === victim });
  await proxy.received((request) => request.fault === fault.name && request.status === "pending");
  await new Promise((resolve) => setTimeout(resolve, momentMs));
  await synapse.kill();
}

async function assertOneEvent(scene: RoomScene): Promise<void> {
  const events = await scene.read();
  assertEquals(events.map((event) => readBody(event).includes("Subject\n\nBody")), [true]);
  assertEquals((await scene.acks()).map(({ receipt, risk }) => ({ receipt, risk })), [
    { receipt: events[0].event_id, risk: undefined },
  ]);
}

/** Sends again with the same txnId, as a sender without a read-back would. */
async function putAgain(synapse: Synapse, scene: RoomScene, txnId: string): Promise<void> {
  await synapse.request(`/_matrix/client/v3/rooms/${encodeURIComponent(scene.room)}/send/m.room.message/${txnId}`, {
    method: "PUT",
    user: scene.sender,
    body: { msgtype: "m.text", body: "again" },
  });
}
