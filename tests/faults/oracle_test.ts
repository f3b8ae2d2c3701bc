/** The oracle can fail: whatever it should notice, it notices, and nothing else. */

import { assertEquals } from "@std/assert";
import { toldBy } from "./digest_lines.ts";
import { type Heard, judge, type Said, sentences } from "./oracle.ts";
import { World } from "./world.ts";

const said = (subject: string, at: number, answer: Said["answer"] = "acknowledged"): Said => ({
  lane: "!room",
  subject,
  message: `Body of ${subject}`,
  answer,
  began: at,
  ended: at + 1,
});
const heard = (subject: string, { message = `Body of ${subject}`, lane = "!room", note = "" } = {}): Heard => ({
  lane,
  body: `[jump] ${subject}\n\n${message}${note}`,
});
const A = said("A", 1), B = said("B", 3), C = said("C", 5);

/** A digest of these lines, taken apart. */
const digest = (...lines: readonly string[]): Heard[] => {
  const text = lines.map((line) => `- ${line}`).join("\n");
  return toldBy({ lane: "!room", body: `[jump] ${lines.length} notifications\n\n${text}` });
};

const CASES: readonly [what: string, said: readonly Said[], heard: readonly Heard[], expected: readonly string[]][] = [
  ["everything in order", [A, B], [heard("A"), heard("B")], []],
  ["one that came late and says so", [A], [heard("A", { note: "\n\n⏰ Queued since 2026-11-22 20:15 (UTC)" })], []],
  ["a lost one", [A, B], [heard("A")], ["lost: B"]],
  ["a doubled one", [A, B], [heard("A"), heard("B"), heard("A")], ["once more: A"]],
  ["a tripled one", [A], [heard("A"), heard("A"), heard("A")], ["once more: A", "once more: A"]],
  ["a wrong payload", [A], [heard("A", { message: "Body of B" })], ["not what was said: A"]],
  ["a payload that was cut", [A], [heard("A", { message: "Body of" })], ["not what was said: A"]],
  ["a wrong order", [A, B, C], [heard("A"), heard("C"), heard("B")], ["out of order: B behind C"]],
  ["an unknown one", [A], [heard("A"), heard("X")], ["nobody said: X"]],
  ["one in another room", [A], [heard("A", { lane: "!other" })], ["nobody said: A", "lost: A"]],
  ["one that was refused", [said("A", 1, "refused")], [heard("A")], ["refused, and delivered: A"]],
  ["one that was refused and is not there", [said("A", 1, "refused")], [], []],
  ["one that was killed, there", [said("A", 1, "unknown")], [heard("A")], []],
  ["one that was killed, not there", [said("A", 1, "unknown")], [], []],
  ["one that was killed, there twice", [said("A", 1, "unknown")], [heard("A"), heard("A")], ["once more: A"]],
  ["a digest", [A, B], digest("20:15:03 ℹ A: Body of A", "20:15:04 ⚠ B: Body…"), []],
  ["a digest in a wrong order", [A, B], digest("20:15:03 ℹ B: Body of B", "20:15:04 ℹ A"), [
    "out of order: A behind B",
  ]],
  ["a digest that lacks one", [A, B], digest("20:15:03 ℹ A: Body of A"), ["lost: B"]],
  ["a digest that only counts one", [A, B], [
    ...digest("20:15:03 ℹ A: Body of A"),
    { lane: "!room", body: "… and 1 more" },
  ], ["nobody said: … and 1 more", "lost: B"]],
  ["a digest with a wrong line", [A], digest("20:15:03 ℹ A: Body of B"), ["not what was said: A"]],
  ["one that came by itself, and in a digest", [A, B], [
    heard("A"),
    ...digest("20:15:03 ℹ A: Body of A", "20:15:04 ℹ B"),
  ], ["once more: A"]],
  ["one that a digest counts twice", [A], digest("20:15:03 ℹ A: Body of A (×2, first 20:15:03, last 20:15:04)"), [
    "once more: A",
  ]],
  ["two at the same time, in either order", [A, { ...B, began: 1 }], [heard("B"), heard("A")], []],
];

for (const [what, spoken, arrived, expected] of CASES) {
  Deno.test(`judge() on ${what}`, () => assertEquals(sentences(judge(spoken, arrived)), expected));
}

Deno.test("World.aftermath() notices what goes wrong in a real room", async () => {
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
  await world.say("first");
  await world.say("second");
  assertEquals((await world.aftermath()).problems, []);
  await put(world, world.heard()[0].body);
  const { duplicates, losses, problems, evidence } = await world.aftermath();
  assertEquals([duplicates, losses], [1, 0]);
  assertEquals(problems, ["once more: first"]);
  assertEquals(evidence, [world.directory]);
  await world.say("third", { waitMs: 0 });
  Deno.removeSync(`${world.stateDir}/queue/queue.jsonl`);
  assertEquals((await world.aftermath()).losses, 1);
  world.keepsEvidence = false;
});
