/** The doctor against a real homeserver: healthy checks pass, and a test message arrives. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { readBody, RoomScene } from "./room_scene.ts";
import { type CliResult, synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

function parseFindings({ stdout }: CliResult): { check: string; state: string; message: string }[] {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

synapseTest("doctor passes all checks but the well-known document, and sends a test message", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "doctor" });
  const result = await scene.run(["doctor", "--send", "--json", "--state-dir", `${scene.stateDir}/own`]);
  assertEquals(result.stderr, "");
  const findings = parseFindings(result);
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
      // The test's domain has no web server.
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
  assertStringIncludes(readBody((await scene.read())[0]), "Test message");
});

synapseTest("doctor names the problem of a room", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "doctor-room" });
  const owner = await synapse.registerUser("doctor-owner");
  const foreign = await synapse.createRoom(owner, {});
  const act = async (room: string, owner: Parameters<typeof synapse.createRoom>[0], path: string, body: unknown) =>
    await synapse.request(`/_matrix/client/v3/rooms/${encodeURIComponent(room)}/${path}`, { user: owner, body });
  const examine = async () => {
    const run = await scene.run(["doctor", "--json", "--state-dir", `${scene.stateDir}/own`], undefined, {
      MATRIX_ROOM: foreign,
    });
    return parseFindings(run).filter(({ check, state }) => /^matrix\/[repo]\w+$/.test(check) && state !== "ok").map((
      one,
    ) => `${one.state} ${one.check}: ${one.message.replace(foreign, "ROOM").replaceAll(scene.sender.userId, "BOT")}`)
      .filter((line) => !line.startsWith("skipped"));
  };
  assertEquals(await examine(), ["failure matrix/room: BOT is not in ROOM"]);
  await act(foreign, owner, "invite", { user_id: scene.sender.userId });
  assertEquals(await examine(), [
    "warning matrix/room: BOT is invited to ROOM, but has not joined yet: the account joins when the first message is sent",
  ]);
  await synapse.joinRoom(scene.sender, foreign);
  assertEquals(await examine(), []);
  await act(foreign, owner, "kick", { user_id: scene.sender.userId });
  assertEquals(await examine(), ["failure matrix/room: BOT has left or was removed from ROOM"]);
  // Synapse does not tell banned users that they are banned.
  await act(foreign, owner, "ban", { user_id: scene.sender.userId });
  assertEquals(await examine(), ["failure matrix/room: BOT is not in ROOM"]);
});
