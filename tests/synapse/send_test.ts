/** `send` against a real homeserver that is up, down, or killed. */

import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { readBody, RoomScene } from "./room_scene.ts";
import { synapseSuite, until } from "./harness.ts";

const synapseTest = await synapseSuite();

synapseTest("send delivers to the room and prints the event_id", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "direct" });
  const { code, stdout, stderr } = await scene.run(["send", "--state-dir", `${scene.stateDir}/own`, "Subject", "Böđy"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const [event, ...more] = await scene.read();
  assertEquals(more, []);
  assertEquals(stdout, `delivered ${event.event_id} to ${scene.room}\n`);
  assertMatch(readBody(event), /Subject\n\nBöđy$/);
  assertEquals((await Deno.stat(`${scene.stateDir}/own/queue/queue.jsonl`)).isFile, true);
});

synapseTest("send reads the body from standard input", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "stdin" });
  const { code } = await scene.run(["send", "Subject"], "from a pipe\n");
  assertEquals(code, 0);
  assertMatch(readBody((await scene.read())[0]), /Subject\n\nfrom a pipe/);
});

synapseTest(
  "send queues while the homeserver is down, and the background deliverer delivers once when it is back",
  async (synapse) => {
    await using scene = await RoomScene.open(synapse, { name: "down" });
    await synapse.stop();
    const { code, stdout } = await scene.run(["send", "--wait", "1s", "Late", "Body"]);
    assertEquals(code, 0);
    assertMatch(stdout, /^queued /);
    await synapse.startAgain();
    await until(async () => (await scene.read()).length > 0 || undefined, { what: "the message in the room" });
    await scene.idle();
    const bodies = (await scene.read()).map(readBody);
    assertEquals(bodies.length, 1);
    assertStringIncludes(bodies[0], "Late\n\nBody");
    assertStringIncludes(bodies[0], "⏰ Queued since");
  },
);

synapseTest("flush delivers in order after the homeserver and the deliverer were killed", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "killed" });
  await synapse.kill();
  for (const subject of ["First", "Second"]) {
    assertMatch((await scene.run(["send", "--wait", "1s", subject, "Body"])).stdout, /^queued /);
  }
  const deliverers = await scene.deliverers();
  assertNotEquals(deliverers, []);
  for (const pid of deliverers) Deno.kill(pid, "SIGKILL");
  await scene.idle();
  await synapse.startAgain();
  assertEquals(await scene.read(), []);
  const { code } = await scene.run(["flush"]);
  assertEquals(code, 0);
  assertEquals((await scene.read()).map((event) => readBody(event).match(/First|Second/)?.[0]), ["First", "Second"]);
});
