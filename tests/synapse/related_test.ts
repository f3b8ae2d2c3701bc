/** Fire and resolve by key against a real homeserver, read as another user. */

import { assertEquals, assertMatch } from "@std/assert";
import { bodyOf, Desk } from "./desk.ts";
import { Gate } from "./gate.ts";
import { synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

const FIRE = ["send", "Disk full", "--key", "disk", "--severity", "error"];
const RESOLVED = /\[.*\] ✅ Resolved after \d+ (ms|s): Disk has room\n\n9 GB are free/;
const RESOLVE = ["send", "Disk has room", "9 GB are free", "--key", "disk", "--resolve"];

/** How the events of a room relate: `0` is the first of them. */
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
    `a resolve relates to what fired, and tells how long it lasted, read as another user: ${related}`,
    async (synapse) => {
      await using desk = await Desk.open(synapse, { name: `related-${related}` });
      const send = withPolicy(desk, related);
      for (const command of [FIRE, FIRE, RESOLVE]) assertEquals(await send(command), "delivered");
      const events = await desk.read();
      assertEquals(relations(events), [null, again, resolved]);
      assertMatch(bodyOf(events[1]), /^\[.*\] Disk full\n\n↻ 2 times since \d{4}-\d\d-\d\d \d\d:\d\d \(.*\)$/);
      assertMatch(bodyOf(events[2]), RESOLVED);
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

synapseTest("an edit whose answer was lost is one edit", async (synapse) => {
  await using gate = Gate.before(synapse.url);
  await using desk = await Desk.open(synapse, { name: "related-once", url: gate.url });
  const send = withPolicy(desk, "edit");
  await send(FIRE);
  gate.fault("drop-after-persisting", { times: 1 });
  assertEquals(await send(RESOLVE), "queued");
  await desk.flush();
  const events = await desk.read();
  assertEquals(relations(events), [null, { rel_type: "m.replace", event_id: 0 }]);
  assertEquals((await desk.acks()).map(({ receipt }) => receipt), events.map(({ event_id }) => event_id));
});

synapseTest("a resolve answers what was taken back, and does not edit it", async (synapse) => {
  await using desk = await Desk.open(synapse, { name: "related-redacted" });
  const send = withPolicy(desk, "edit");
  await send(FIRE);
  const [{ event_id }] = await desk.read();
  const path = ["rooms", desk.room, "redact", event_id, "1"].map(encodeURIComponent).join("/");
  await synapse.request(`/_matrix/client/v3/${path}`, { method: "PUT", user: desk.sender, body: {} });
  await send(RESOLVE);
  assertEquals(relations(await desk.read()), [null, reply(0)]);
});

for (const related of ["edit", "thread"] as const) {
  synapseTest(
    `a resolve of what is in another room is an ordinary message with the duration: ${related}`,
    async (synapse) => {
      await using desk = await Desk.open(synapse, { name: `related-moved-${related}` });
      const next = await synapse.createRoom(desk.sender);
      const alias = `#related-${related}:${desk.sender.userId.split(":")[1]}`;
      const path = `/_matrix/client/v3/directory/room/${encodeURIComponent(alias)}`;
      const lead = (room: string) =>
        synapse.request(path, { method: "PUT", user: desk.sender, body: { room_id: room } });
      const send = withPolicy(desk, related, { MATRIX_ROOM: alias });
      await lead(desk.room);
      await send(FIRE);
      await synapse.request(path, { method: "DELETE", user: desk.sender });
      await lead(next);
      // Nobody remembers where the alias led before.
      await Deno.remove(`${desk.stateDir}/rooms.json`);
      assertEquals(await send(RESOLVE), "delivered");
      const events = await synapse.messages(desk.sender, next);
      assertEquals(relations(events), [null]);
      assertMatch(bodyOf(events[0]), RESOLVED);
    },
  );
}

/** Sends with a policy for what is related; tells what became of it. */
function withPolicy(desk: Desk, related: string, env: Readonly<Record<string, string>> = {}) {
  const file = `${desk.stateDir}/related.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ flood: { digest: false }, channels: { matrix: { related } } }));
  return async (command: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await desk.run([...command, "--config", file], undefined, env);
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
