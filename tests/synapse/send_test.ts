/** The command line against a real homeserver: what `send` promises when all is well, and when the homeserver goes away. */

import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { bodyOf, Desk } from "./desk.ts";
import { synapseSuite, until } from "./harness.ts";

const synapseTest = await synapseSuite();

synapseTest("send delivers to the room and prints the event's id", async (synapse) => {
  await using desk = await Desk.open(synapse, { name: "direct" });
  const { code, stdout, stderr } = await desk.run(["send", "--state-dir", `${desk.stateDir}/own`, "Subject", "Böđy"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const [event, ...more] = await desk.read();
  assertEquals(more, []);
  assertEquals(stdout, `delivered ${event.event_id}\n`);
  assertMatch(bodyOf(event), /Subject\n\nBöđy$/);
  assertEquals((await Deno.stat(`${desk.stateDir}/own/queue/queue.jsonl`)).isFile, true);
});

synapseTest("send takes the body from standard input", async (synapse) => {
  await using desk = await Desk.open(synapse, { name: "stdin" });
  const { code } = await desk.run(["send", "Subject"], "from a pipe\n");
  assertEquals(code, 0);
  assertMatch(bodyOf((await desk.read())[0]), /Subject\n\nfrom a pipe/);
});

synapseTest(
  "send queues while the homeserver is down, and the background delivers once when it is back",
  async (synapse) => {
    await using desk = await Desk.open(synapse, { name: "down" });
    await synapse.stop();
    const { code, stdout } = await desk.run(["send", "--wait", "1s", "Late", "Body"]);
    assertEquals(code, 0);
    assertMatch(stdout, /^queued /);
    await synapse.startAgain();
    await until(async () => (await desk.read()).length > 0 || undefined, { what: "the message in the room" });
    await desk.idle();
    const bodies = (await desk.read()).map(bodyOf);
    assertEquals(bodies.length, 1);
    assertStringIncludes(bodies[0], "Late\n\nBody");
    assertStringIncludes(bodies[0], "⏰ Queued since");
  },
);

synapseTest("flush delivers in order what outlived a killed homeserver and a killed deliverer", async (synapse) => {
  await using desk = await Desk.open(synapse, { name: "killed" });
  await synapse.kill();
  for (const subject of ["First", "Second"]) {
    assertMatch((await desk.run(["send", "--wait", "1s", subject, "Body"])).stdout, /^queued /);
  }
  const deliverers = await desk.deliverers();
  assertNotEquals(deliverers, []);
  for (const pid of deliverers) Deno.kill(pid, "SIGKILL");
  await desk.idle();
  await synapse.startAgain();
  assertEquals(await desk.read(), []);
  const { code } = await desk.run(["flush"]);
  assertEquals(code, 0);
  assertEquals((await desk.read()).map((event) => bodyOf(event).match(/First|Second/)?.[0]), ["First", "Second"]);
});
