/** The doctor against a real homeserver: what is well is told as well, and a test message arrives. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { bodyOf, Desk } from "./desk.ts";
import { type CliResult, synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

function findingsOf({ stdout }: CliResult): { check: string; state: string; message: string }[] {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

synapseTest("doctor finds all well but what is true, and sends a test message", async (synapse) => {
  await using desk = await Desk.open(synapse, { name: "doctor" });
  const result = await desk.run(["doctor", "--send", "--json", "--state-dir", `${desk.stateDir}/own`]);
  assertEquals(result.stderr, "");
  const findings = findingsOf(result);
  const channel = findings.filter(({ check }) => check.startsWith("matrix/"));
  assertEquals(
    channel.map(({ check, state }) => `${state} ${check.replace("matrix/", "")}`),
    [
      "ok login",
      "ok connection",
      "ok clock",
      "ok versions",
      "ok account",
      "ok device",
      "ok renewal",
      // Nobody serves the test's domain.
      "warning well-known",
      "ok room",
      "ok power",
      "ok encryption",
      "ok replacement",
      "ok once",
      "ok rate limit",
      "ok test message",
    ],
  );
  assertEquals(findings.filter(({ state }) => state === "failure"), []);
  assertEquals(result.code, 1);
  assertStringIncludes(bodyOf((await desk.read())[0]), "Test message");
});

synapseTest("doctor names what is wrong with a room", async (synapse) => {
  await using desk = await Desk.open(synapse, { name: "doctor-room" });
  const owner = await synapse.registerUser("doctor-owner");
  const foreign = await synapse.createRoom(owner, {});
  const ask = async (room: string, owner: Parameters<typeof synapse.createRoom>[0], path: string, body: unknown) =>
    await synapse.request(`/_matrix/client/v3/rooms/${encodeURIComponent(room)}/${path}`, { user: owner, body });
  const look = async () => {
    const run = await desk.run(["doctor", "--json", "--state-dir", `${desk.stateDir}/own`], undefined, {
      MATRIX_ROOM: foreign,
    });
    return findingsOf(run).filter(({ check, state }) => /^matrix\/[repo]\w+$/.test(check) && state !== "ok").map((
      one,
    ) => `${one.state} ${one.check}: ${one.message.replace(foreign, "ROOM").replaceAll(desk.sender.userId, "BOT")}`)
      .filter((line) => !line.startsWith("skipped"));
  };
  assertEquals(await look(), ["failure matrix/room: BOT is not in ROOM"]);
  await ask(foreign, owner, "invite", { user_id: desk.sender.userId });
  assertEquals(await look(), [
    "warning matrix/room: BOT is invited to ROOM, and not in it yet: the first message enters",
  ]);
  await synapse.joinRoom(desk.sender, foreign);
  assertEquals(await look(), []);
  await ask(foreign, owner, "kick", { user_id: desk.sender.userId });
  assertEquals(await look(), ["failure matrix/room: BOT has left, or was removed from, ROOM"]);
  // Synapse does not tell who is banned what they are.
  await ask(foreign, owner, "ban", { user_id: desk.sender.userId });
  assertEquals(await look(), ["failure matrix/room: BOT is not in ROOM"]);
});
