/**
 * Exactly one event for each notification, whatever happens to a real homeserver while it has a request in hand. All of it is seen by
 * another user of the room; the command line talks to the homeserver through a gate that loses answers.
 */

import { assertEquals, assertGreater } from "@std/assert";
import { bodyOf, Desk } from "./desk.ts";
import { Gate } from "./gate.ts";
import { type Synapse, synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

/**
 * When the homeserver is killed, in milliseconds after the request came to the gate: from before it has read it to after it has committed
 * it. What is asserted holds for each moment, so that a slow machine makes the test no less true.
 */
const KILL_MOMENTS_MS = [0, 10, 20, 30, 40, 160];

/** How many notifications wait in each round of killing. */
const KILL_BATCH = 4;

synapseTest("send makes one event when its answer is lost and the homeserver restarts", async (synapse) => {
  await using gate = Gate.before(synapse.url);
  await using desk = await Desk.open(synapse, { name: "restarted", url: gate.url });
  await loseOneAnswer(gate, desk, async () => {
    await synapse.stop();
    await synapse.startAgain();
  });
  await assertOneEvent(desk);
});

synapseTest("send makes one event when its answer is lost and the homeserver forgets the txnId", async (synapse) => {
  await using gate = Gate.before(synapse.url);
  await using desk = await Desk.open(synapse, { name: "forgetful", url: gate.url });
  const txnId = await loseOneAnswer(gate, desk, async () => {
    await synapse.stop();
    const [[rows]] = await synapse.sql("SELECT count(*) FROM event_txn_id_device_id");
    assertGreater(rows, 0);
    await synapse.sql("DELETE FROM event_txn_id_device_id");
    await synapse.startAgain();
  });
  await assertOneEvent(desk);
  assertEquals((await desk.acks())[0].via, "read-back");
  // The other half of the proof: had it been sent again instead, there were two.
  await putAgain(synapse, desk, txnId);
  assertEquals((await desk.read()).length, 2);
});

synapseTest("send makes one event when the homeserver freezes with the request in hand", async (synapse) => {
  await using gate = Gate.before(synapse.url);
  await using desk = await Desk.open(synapse, { name: "frozen", url: gate.url });
  gate.fault("drop-at-once", { times: 1 });
  synapse.suspendProcess();
  const sending = desk.run(["send", "Subject", "Body"]);
  await gate.received(({ status }) => status === "cut");
  // It wakes up with two in its hands: the request whose client has gone, and what the client asks next.
  await gate.received(() => true, 2);
  synapse.resumeProcess();
  assertEquals((await sending).code, 0);
  await desk.flush();
  await assertOneEvent(desk);
});

synapseTest(
  "each notification makes one event, in order, when the homeserver is killed with a request in hand",
  async (synapse, t) => {
    await using gate = Gate.before(synapse.url);
    await using desk = await Desk.open(synapse, { name: "killed", url: gate.url });
    const subjects: string[] = [];
    for (const [round, momentMs] of KILL_MOMENTS_MS.entries()) {
      await t.step(`${momentMs} ms after it came`, async () => {
        const killed = killDuringSend(synapse, gate, { victim: round % KILL_BATCH, momentMs });
        for (let i = 0; i < KILL_BATCH; i++) {
          const subject = `Round ${round}, number ${i}`;
          subjects.push(subject);
          const { code, stderr } = await desk.run(["send", "--wait", "0s", subject, "Body"]);
          assertEquals({ code, stderr }, { code: 0, stderr: "" });
        }
        await killed;
        await synapse.startAgain();
        await desk.flush();
        assertEquals((await desk.read()).map((event) => bodyOf(event).match(/Round \d, number \d/)?.[0]), subjects);
      });
    }
    const ids = (await desk.read()).map(({ event_id }) => event_id);
    assertEquals((await desk.acks()).map(({ receipt }) => receipt), ids);
  },
);

/**
 * Sends a notification whose answer is lost after the homeserver has made an event of it, and has something happen then.
 *
 * @returns the txnId
 */
async function loseOneAnswer(gate: Gate, desk: Desk, happen: () => Promise<void>): Promise<string> {
  gate.fault("drop-after-persisting", { times: 1 });
  const sending = desk.run(["send", "Subject", "Body"]);
  const { path } = await gate.received(({ fault, status }) => fault !== undefined && status === "cut");
  await happen();
  assertEquals((await sending).code, 0);
  await desk.flush();
  return path.split("/").at(-1) ?? "";
}

/** Kills the homeserver while it has a PUT in hand, counted from 0. If it is quicker than its end, the answer is lost at the gate. */
async function killDuringSend(
  synapse: Synapse,
  gate: Gate,
  { victim, momentMs }: { readonly victim: number; readonly momentMs: number },
): Promise<void> {
  let seen = 0;
  const fault = gate.fault("drop-after-persisting", { times: 1, where: () => seen++ === victim });
  await gate.received((request) => request.fault === fault.name && request.status === "pending");
  await new Promise((resolve) => setTimeout(resolve, momentMs));
  await synapse.kill();
}

async function assertOneEvent(desk: Desk): Promise<void> {
  const events = await desk.read();
  assertEquals(events.map((event) => bodyOf(event).includes("Subject\n\nBody")), [true]);
  assertEquals((await desk.acks()).map(({ receipt, risk }) => ({ receipt, risk })), [
    { receipt: events[0].event_id, risk: undefined },
  ]);
}

/** What a sender does who trusts in the homeserver's memory alone. */
async function putAgain(synapse: Synapse, desk: Desk, txnId: string): Promise<void> {
  await synapse.request(`/_matrix/client/v3/rooms/${encodeURIComponent(desk.room)}/send/m.room.message/${txnId}`, {
    method: "PUT",
    user: desk.sender,
    body: { msgtype: "m.text", body: "again" },
  });
}
