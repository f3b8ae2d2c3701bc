/** The oracle must report each kind of problem, and nothing else. */

import { assertEquals } from "@std/assert";
import { expandBatchBody } from "./batch_body.ts";
import { formatVerdict, judge, type ReceivedMessage, type SentMessage } from "./oracle.ts";
import { World } from "./world.ts";

const sent = (subject: string, at: number, answer: SentMessage["answer"] = "acknowledged"): SentMessage => ({
  lane: "!room",
  subject,
  message: `Body of ${subject}`,
  answer,
  began: at,
  ended: at + 1,
});
const received = (
  subject: string,
  { message = `Body of ${subject}`, lane = "!room", note = "" } = {},
): ReceivedMessage => ({
  lane,
  body: `[jump] ${subject}\n\n${message}${note}`,
});
const A = sent("A", 1), B = sent("B", 3), C = sent("C", 5);

/** A batch with these blocks, split into members. */
const batch = (...blocks: readonly string[]): ReceivedMessage[] => {
  const title = `[jump] ${blocks.length} notifications since 2026-11-22 20:15 (UTC)`;
  return expandBatchBody({ lane: "!room", body: [title, ...blocks].join("\n\n") });
};

const CASES: readonly [
  what: string,
  sent: readonly SentMessage[],
  received: readonly ReceivedMessage[],
  expected: readonly string[],
][] = [
  ["all in order", [A, B], [received("A"), received("B")], []],
  ["one that came late and says so", [A], [received("A", { note: "\n\n⏰ Queued since 2026-11-22 20:15:07 UTC" })], []],
  ["one from a wrong clock", [A], [received("A", { note: "\n\n⏰ Late: the clock of the host was wrong" })], []],
  ["a lost one", [A, B], [received("A")], ["lost: B"]],
  ["a doubled one", [A, B], [received("A"), received("B"), received("A")], ["duplicate: A"]],
  ["a tripled one", [A], [received("A"), received("A"), received("A")], ["duplicate: A", "duplicate: A"]],
  ["a wrong payload", [A], [received("A", { message: "Body of B" })], ["changed: A"]],
  ["a payload that was cut", [A], [received("A", { message: "Body of" })], ["changed: A"]],
  ["a wrong order", [A, B, C], [received("A"), received("C"), received("B")], ["out of order: B after C"]],
  ["an unknown one", [A], [received("A"), received("X")], ["never sent: X"]],
  ["one in another room", [A], [received("A", { lane: "!other" })], ["never sent: A", "lost: A"]],
  ["one that was refused", [sent("A", 1, "rejected")], [received("A")], ["rejected, but delivered: A"]],
  ["one that was refused and is not there", [sent("A", 1, "rejected")], [], []],
  ["one that was killed, there", [sent("A", 1, "unknown")], [received("A")], []],
  ["one that was killed, not there", [sent("A", 1, "unknown")], [], []],
  ["one that was killed, there twice", [sent("A", 1, "unknown")], [received("A"), received("A")], ["duplicate: A"]],
  ["a batch", [A, B], batch("20:15:03 A\nBody of A", "20:15:04 ⚠️ B\nBody of B"), []],
  [
    "a batch of several days",
    [A, B],
    batch("2026-11-22 20:15:03 A\nBody of A", "2026-11-23 20:15:04 B\nBody of B"),
    [],
  ],
  ["a batch in a wrong order", [A, B], batch("20:15:03 B\nBody of B", "20:15:04 A\nBody of A"), [
    "out of order: A after B",
  ]],
  ["a batch that lacks one", [A, B], batch("20:15:03 A\nBody of A"), ["lost: B"]],
  ["a batch that lacks a message", [A, B], batch("20:15:03 A\nBody of A", "20:15:04 B"), ["changed: B"]],
  ["a batch with a part of a message", [A], batch("20:15:03 A\nBody of"), ["changed: A"]],
  ["a batch with a wrong message", [A], batch("20:15:03 A\nBody of B"), ["changed: A"]],
  ["one that came by itself, and in a batch", [A, B], [
    received("A"),
    ...batch("20:15:03 A\nBody of A", "20:15:04 B\nBody of B"),
  ], ["duplicate: A"]],
  ["one that a batch counts twice", [A], batch("20:15:03 A (×2: 20:15:03, 20:15:04)\nBody of A"), [
    "duplicate: A",
  ]],
  ["two at the same time, in either order", [A, { ...B, began: 1 }], [received("B"), received("A")], []],
];

for (const [what, spoken, arrived, expected] of CASES) {
  Deno.test(`judge() on ${what}`, () => assertEquals(formatVerdict(judge(spoken, arrived)), expected));
}

Deno.test("World.recover() notices what goes wrong in a real room", async () => {
  const put = async (world: World, body: string) => {
    const path = `_matrix/client/v3/rooms/${encodeURIComponent(world.rooms[0])}/send/m.room.message`;
    const answer = await fetch(`${world.homeserver.url}/${path}/${crypto.randomUUID()}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${world.accessToken}` },
      body: JSON.stringify({ msgtype: "m.text", body }),
    });
    await answer.body?.cancel();
  };
  await using world = await World.open();
  await world.notify("first");
  await world.notify("second");
  assertEquals((await world.recover()).problems, []);
  await put(world, world.received()[0].body);
  const { duplicates, losses, problems, evidence } = await world.recover();
  assertEquals([duplicates, losses], [1, 0]);
  assertEquals(problems, ["duplicate: first"]);
  assertEquals(evidence, [world.directory]);
  await world.notify("third", { waitMs: 0 });
  Deno.removeSync(`${world.stateDir}/queue/queue.jsonl`);
  assertEquals((await world.recover()).losses, 1);
  world.keepsEvidence = false;
});
