/** Incidents by key against a real homeserver, read as another user. */

import { assertEquals, assertMatch } from "@std/assert";
import { readBody, RoomScene } from "./room_scene.ts";
import { FaultyProxy } from "./faulty_proxy.ts";
import { synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

const FIRE = ["send", "Disk full", "--key", "disk", "--severity", "error"];
const RESOLVED = /\[.*\] ✅ Resolved after \d+ (ms|s): Disk has room\n\n9 GB are free/;
const RESOLVE = ["send", "Disk has room", "9 GB are free", "--key", "disk", "--resolve"];

/** Returns how the events of a room relate to each other: `0` is the first one. */
function relations(events: readonly { event_id: string; content: Readonly<Record<string, unknown>> }[]): unknown[] {
  const place = (_: string, value: unknown) => {
    const at = events.findIndex(({ event_id }) => event_id === value);
    return at < 0 ? value : at;
  };
  return events.map(({ content }) => JSON.parse(JSON.stringify(content["m.relates_to"] ?? null), place));
}

for (
  const [related, again, resolved] of [
    ["reply", reply(0), reply(0)],
    ["edit", reply(0), { rel_type: "m.replace", event_id: 0 }],
    ["thread", thread(0), thread(0)],
  ] as const
) {
  synapseTest(
    `send --resolve relates to the incident, and says how long it lasted: ${related}`,
    async (synapse) => {
      await using scene = await RoomScene.open(synapse, { name: `related-${related}` });
      const send = withPolicy(scene, related);
      for (const command of [FIRE, FIRE, RESOLVE]) assertEquals(await send(command), "delivered");
      const events = await scene.read();
      assertEquals(relations(events), [null, again, resolved]);
      assertMatch(
        readBody(events[1]),
        /^\[.*\] ❌ Disk full\n\n↻ 2 times since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\S*$/,
      );
      assertMatch(readBody(events[2]), RESOLVED);
      const known = events[0].unsigned?.["m.relations"] ?? {};
      assertEquals([known["m.replace"]?.event_id, known["m.thread"]?.count], [
        related === "edit" ? events[2].event_id : undefined,
        related === "thread" ? 2 : undefined,
      ]);
      if (related !== "edit") return;
      const { body } = events[2].content["m.new_content"] as Record<string, unknown>;
      assertMatch(String(body), RESOLVED);
      assertMatch(String(body), /\n\n↩ Before: Disk full, since \d{4}-/);
    },
  );
}

synapseTest("send --resolve edits once if its answer was lost", async (synapse) => {
  await using proxy = FaultyProxy.to(synapse.url);
  await using scene = await RoomScene.open(synapse, { name: "related-once", url: proxy.url });
  const send = withPolicy(scene, "edit");
  await send(FIRE);
  proxy.fault("drop-after-persisting", { times: 1 });
  assertEquals(await send(RESOLVE), "queued");
  await scene.flush();
  const events = await scene.read();
  assertEquals(relations(events), [null, { rel_type: "m.replace", event_id: 0 }]);
  assertEquals((await scene.acks()).map(({ receipt }) => receipt), events.map(({ event_id }) => event_id));
});

synapseTest("send --resolve replies to a redacted event, and does not edit it", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "related-redacted" });
  const send = withPolicy(scene, "edit");
  await send(FIRE);
  const [{ event_id }] = await scene.read();
  const path = ["rooms", scene.room, "redact", event_id, "1"].map(encodeURIComponent).join("/");
  await synapse.request(`/_matrix/client/v3/${path}`, { method: "PUT", user: scene.sender, body: {} });
  await send(RESOLVE);
  assertEquals(relations(await scene.read()), [null, reply(0)]);
});

for (const related of ["edit", "thread"] as const) {
  synapseTest(
    `send --resolve in another room is an ordinary message with the duration: ${related}`,
    async (synapse) => {
      await using scene = await RoomScene.open(synapse, { name: `related-moved-${related}` });
      const next = await synapse.createRoom(scene.sender);
      const alias = `#related-${related}:${scene.sender.userId.split(":")[1]}`;
      const path = `/_matrix/client/v3/directory/room/${encodeURIComponent(alias)}`;
      const pointAlias = (room: string) =>
        synapse.request(path, { method: "PUT", user: scene.sender, body: { room_id: room } });
      const send = withPolicy(scene, related, { MATRIX_ROOM: alias });
      await pointAlias(scene.room);
      await send(FIRE);
      await synapse.request(path, { method: "DELETE", user: scene.sender });
      await pointAlias(next);
      // The cache would know the former room of the alias.
      await Deno.remove(`${scene.stateDir}/rooms.json`);
      assertEquals(await send(RESOLVE), "delivered");
      const events = await synapse.messages(scene.sender, next);
      assertEquals(relations(events), [null]);
      assertMatch(readBody(events[0]), RESOLVED);
    },
  );
}

/**
 * Returns a function that sends with a policy for relations, and returns the state of the outcome.
 */
function withPolicy(scene: RoomScene, related: string, env: Readonly<Record<string, string>> = {}) {
  const file = `${scene.stateDir}/related.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ batch: false, channels: { matrix: { related } } }));
  return async (command: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await scene.run([...command, "--config", file], undefined, env);
    assertEquals(code, 0, stderr);
    return stdout.split(" ")[0];
  };
}

function reply(event_id: number) {
  return { "m.in_reply_to": { event_id } };
}

function thread(event_id: number) {
  return { rel_type: "m.thread", event_id, is_falling_back: true, ...reply(event_id) };
}
