import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StateFolder, type Synapse, synapseSuite, type SynapseUser, until } from "./harness.ts";
import { Synapse as SynapseServer, SynapseStartError } from "../../scripts/synapse.ts";

const synapseTest = await synapseSuite();

interface Room {
  readonly sender: SynapseUser;
  readonly reader: SynapseUser;
  readonly id: string;
}

/** Creates two users and their private room, for one test. */
async function createTestRoom(synapse: Synapse, prefix: string): Promise<Room> {
  const sender = await synapse.registerUser(`${prefix}-sender`);
  const reader = await synapse.registerUser(`${prefix}-reader`);
  const id = await synapse.createRoom(sender, { invite: [reader] });
  await synapse.joinRoom(reader, id);
  return { sender, reader, id };
}

function put(synapse: Synapse, room: Room, txnId: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${synapse.url}/_matrix/client/v3/rooms/${encodeURIComponent(room.id)}/send/m.room.message/${txnId}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${room.sender.accessToken}`, connection: "close" },
    body: JSON.stringify({ msgtype: "m.text", body: txnId }),
    ...init,
  });
}

async function readBodies(synapse: Synapse, room: Room): Promise<unknown[]> {
  return (await synapse.messages(room.reader, room.id)).map(({ content }) => content.body);
}

synapseTest("messages() returns the events that another user sent, in order, over several pages", async (synapse) => {
  const room = await createTestRoom(synapse, "pages");
  const sent: string[] = [];
  for (let i = 0; i < 110; i++) {
    const response = await put(synapse, room, `t${i}`);
    assertEquals(response.status, 200, await response.text());
    sent.push(`t${i}`);
  }
  assertEquals(await readBodies(synapse, room), sent);
});

synapseTest("registerUser() returns a token of the device that it names", async (synapse) => {
  const user = await synapse.registerUser("whoami");
  const answer = await synapse.request("/_matrix/client/v3/account/whoami", { user });
  assertEquals(answer, { user_id: `@whoami:${synapse.serverName}`, device_id: user.deviceId, is_guest: false });
  const body = { type: "m.login.password", identifier: { type: "m.id.user", user: "whoami" }, password: user.password };
  const login = await synapse.request<{ user_id: string }>("/_matrix/client/v3/login", { body });
  assertEquals(login.user_id, user.userId);
});

synapseTest("createRoom() creates a room that users can join by its alias", async (synapse) => {
  const [owner, guest] = [await synapse.registerUser("owner"), await synapse.registerUser("guest")];
  const id = await synapse.createRoom(owner, { alias: "lobby", name: "Lobby", preset: "public_chat" });
  await synapse.joinRoom(guest, `#lobby:${synapse.serverName}`);
  const joined = await synapse.request("/_matrix/client/v3/joined_rooms", { user: guest });
  assertEquals(joined, { joined_rooms: [id] });
});

synapseTest("request() throws with the status and the answer if it is refused", async (synapse) => {
  const error = await assertRejects(() => synapse.request("/_matrix/client/v3/account/whoami"), Error);
  assertStringIncludes(error.message, "401");
  assertStringIncludes(error.message, "M_MISSING_TOKEN");
});

synapseTest("startAgain() keeps address, users and events after a stop", async (synapse) => {
  const room = await createTestRoom(synapse, "stop");
  await (await put(synapse, room, "before")).body?.cancel();
  await synapse.stop();
  assertEquals(synapse.running, false);
  await assertRejects(() => put(synapse, room, "meanwhile"), TypeError);
  await synapse.startAgain();
  await (await put(synapse, room, "after")).body?.cancel();
  assertEquals(await readBodies(synapse, room), ["before", "after"]);
});

synapseTest("startAgain() keeps events that were acknowledged before a kill", async (synapse) => {
  const room = await createTestRoom(synapse, "kill");
  await (await put(synapse, room, "before")).body?.cancel();
  await synapse.kill();
  assertEquals(synapse.running, false);
  await synapse.startAgain();
  assertEquals(await readBodies(synapse, room), ["before"]);
  await assertRejects(() => synapse.startAgain(), SynapseStartError, "it is running");
});

synapseTest("suspendProcess() leaves a request without an answer until resumeProcess()", async (synapse) => {
  const room = await createTestRoom(synapse, "suspend");
  synapse.suspendProcess();
  const error = await assertRejects(() => put(synapse, room, "frozen", { signal: AbortSignal.timeout(300) }));
  assert(error instanceof DOMException && error.name === "TimeoutError");
  synapse.resumeProcess();
  await (await put(synapse, room, "frozen")).body?.cancel();
  assertEquals(await readBodies(synapse, room), ["frozen"]);
});

synapseTest("stop() resumes a suspended process, so that it shuts down cleanly", async (synapse) => {
  synapse.suspendProcess();
  await synapse.stop();
  assertEquals(synapse.running, false);
  assertStringIncludes(await synapse.log(10), "Received SIGTERM, shutting down");
});

synapseTest("synapseSuite() restarts a Synapse that a test has stopped", async (synapse) => {
  assertEquals(synapse.running, true);
  await synapse.registerUser("next");
});

synapseTest("sql() reads the database of a running Synapse", async (synapse) => {
  const user = await synapse.registerUser("rows");
  assertEquals(await synapse.sql("SELECT name, admin FROM users WHERE name = ?", [user.userId]), [[user.userId, 0]]);
  await assertRejects(() => synapse.sql("SELECT * FROM nowhere"), Error, "no such table");
});

synapseTest("log() returns the last lines", async (synapse) => {
  await synapse.registerUser("logged");
  assertStringIncludes(await synapse.log(), "@logged:");
  assertEquals((await synapse.log(3)).split("\n").length, 3);
});

synapseTest("start() applies its options: name, token lifetime, Synapse's own rate limits", async () => {
  const options = { serverName: "limited.test", refreshableAccessTokenLifetime: "5s", rateLimits: "default" } as const;
  await using limited = await SynapseServer.start(options);
  const room = await createTestRoom(limited, "limited");
  assertEquals(room.sender.userId, "@limited-sender:limited.test");
  const { userId, password } = room.sender;
  const body = {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: userId },
    password,
    refresh_token: true,
  };
  const login = await limited.request<{ expires_in_ms: number }>("/_matrix/client/v3/login", { body });
  assert(login.expires_in_ms <= 5000, `the token lives ${login.expires_in_ms} ms`);
  const statuses = await Promise.all(Array.from({ length: 12 }, async (_, i) => {
    const response = await put(limited, room, `t${i}`);
    await response.body?.cancel();
    return response.status;
  }));
  assert(statuses.includes(429), `no 429 among ${statuses}`);
});

synapseTest("start() throws with the end of the log if Synapse does not start", async () => {
  const extraConfig = { database: { name: "paper" } };
  const error = await assertRejects(() => SynapseServer.start({ extraConfig }), SynapseStartError);
  assertStringIncludes(error.message, "it ended by itself");
  assertStringIncludes(error.message, "Unsupported database type");
});

synapseTest("start() leaves no process and no data if its own process is killed", async () => {
  await using state = await StateFolder.create();
  const script = `import { Synapse } from ${JSON.stringify(new URL("../../scripts/synapse.ts", import.meta.url).href)};
    const synapse = await Synapse.start();
    console.log(synapse.url);`;
  const starter = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    env: { TMPDIR: state.path },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = starter.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: url = "" } = await reader.read();
  assertStringIncludes(url, "http://127.0.0.1:");
  assertEquals((await Array.fromAsync(Deno.readDir(state.path))).length, 1);
  starter.kill("SIGKILL");
  await starter.status;
  await reader.cancel();
  const isGone = async () => (await Array.fromAsync(Deno.readDir(state.path))).length === 0 || undefined;
  await until(isGone, { what: "Synapse to remove its data" });
  await until(async () => (await state.processes()).length === 0 || undefined, { what: "Synapse to end" });
});

/** Runs a file with one test of a suite in another environment. */
async function testElsewhere(env: Readonly<Record<string, string>>): Promise<{ code: number; text: string }> {
  await using state = await StateFolder.create();
  const harness = JSON.stringify(new URL("./harness.ts", import.meta.url).href);
  const file = `${state.path}/elsewhere_test.ts`;
  await Deno.writeTextFile(
    file,
    `import { synapseSuite } from ${harness};
    const synapseTest = await synapseSuite();
    synapseTest("probe", () => Promise.resolve());`,
  );
  const args = ["test", "--no-check", "-A", file];
  const output = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1", CI: "", ...env } }).output();
  const decoder = new TextDecoder();
  return { code: output.code, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}

Deno.test("synapseSuite() ignores its tests and prints why if there is no Python", async () => {
  const { code, text } = await testElsewhere({ SYNAPSE_PYTHON: "/nowhere/python3" });
  assertEquals(code, 0, text);
  assertStringIncludes(text, "SKIPPED: the tests with a real homeserver");
  assertStringIncludes(text, "Cannot find Python 3.10 or newer with venv and pip");
  assertStringIncludes(text, "probe ... ignored");
});

Deno.test("synapseSuite() fails its tests if there is no Python and CI is set", async () => {
  const { code, text } = await testElsewhere({ SYNAPSE_PYTHON: "/nowhere/python3", CI: "true" });
  assertEquals(code, 1, text);
  assertStringIncludes(text, "Cannot test with a real homeserver: Cannot find Python 3.10");
});

Deno.test({
  name: "StateFolder kills the processes that use it when it is disposed of",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const state = await StateFolder.create();
    const left = new Deno.Command("sleep", { args: ["600"], env: { SOME_FOLDER: `${state.path}/queue` } }).spawn();
    assertEquals(await state.processes(), [left.pid]);
    await state[Symbol.asyncDispose]();
    assertEquals((await left.status).signal, "SIGKILL");
    await assertRejects(() => Deno.stat(state.path), Deno.errors.NotFound);
  },
});

Deno.test("until() returns the value of the probe, and throws with its name when the limit has passed", async () => {
  let probes = 0;
  assertEquals(await until(() => ++probes === 3 ? "found" : undefined, { what: "a find", everyMs: 1 }), "found");
  const fruitless = until(() => undefined, { what: "a miracle", limitMs: 5, everyMs: 1 });
  await assertRejects(() => fruitless, Error, "Cannot wait any longer for a miracle: 0.005 s have passed");
});
