/**
 * Rooms and direct chats on a real homeserver: create, join, find again, replace; each message
 * once.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type CliResult, runCli, StateFolder, type Synapse, synapseSuite, type SynapseUser } from "./harness.ts";

const synapseTest = await synapseSuite();

/** A bot with its command line, and a person. */
class Pair implements AsyncDisposable {
  readonly bot: SynapseUser;
  readonly person: SynapseUser;
  readonly synapse: Synapse;
  readonly #state: StateFolder;
  #syncs = 0;

  private constructor(synapse: Synapse, state: StateFolder, bot: SynapseUser, person: SynapseUser) {
    this.synapse = synapse;
    this.#state = state;
    this.bot = bot;
    this.person = person;
  }

  static async open(synapse: Synapse, name: string): Promise<Pair> {
    const [bot, person] = [await synapse.registerUser(`${name}-bot`), await synapse.registerUser(`${name}-person`)];
    return new Pair(synapse, await StateFolder.create(), bot, person);
  }

  run(args: readonly string[], room?: string, stateDir: string = this.#state.path): Promise<CliResult> {
    const env = {
      MATRIX_NOTIFY_CONFIG: this.#state.configWithoutBatches(),
      MATRIX_HOMESERVER: this.synapse.url,
      MATRIX_ACCESS_TOKEN: this.bot.accessToken,
      ...(room === undefined ? {} : { MATRIX_ROOM: room }),
    };
    return runCli([...args, ...(stateDir === this.#state.path ? [] : ["--state-dir", stateDir])], {
      stateDir: this.#state.path,
      env,
    });
  }

  /** A folder for a second state directory. */
  folder(name: string): string {
    return `${this.#state.path}/${name}`;
  }

  /** Sends, and asserts that it is delivered at once. */
  async send(subject: string, room: string, stateDir?: string): Promise<void> {
    const { stdout, stderr } = await this.run(["send", subject, ""], room, stateDir);
    assertEquals([stdout.startsWith("delivered $"), stdout.includes(room), stderr], [true, true, ""]);
  }

  /** Lists the subjects that the person sees in a room. */
  async subjects(roomId: string): Promise<string[]> {
    const events = await this.synapse.messages(this.person, roomId);
    return events.map(({ content }) => String(content.body).replace(/^\[\S+\] /, "").trim());
  }

  ask<T = unknown>(user: SynapseUser, path: string, body?: unknown): Promise<T> {
    return this.synapse.request<T>(`/_matrix/client/v3${path}`, { user, body });
  }

  /** Lists the rooms that the person is invited to. */
  async invites(): Promise<string[]> {
    // An initial sync is answered at once with each timeout. The timeout differs because Synapse
    // caches the answer for two minutes.
    const path = `/sync?timeout=${++this.#syncs}`;
    const { rooms } = await this.ask<{ rooms?: { invite?: Record<string, unknown> } }>(this.person, path);
    return Object.keys(rooms?.invite ?? {});
  }

  async upgrade(user: SynapseUser, roomId: string): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/upgrade`;
    return (await this.ask<{ replacement_room: string }>(user, path, { new_version: "12" })).replacement_room;
  }

  invite(user: SynapseUser, roomId: string, guest: SynapseUser): Promise<unknown> {
    return this.ask(user, `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: guest.userId });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#state[Symbol.asyncDispose]();
  }
}

synapseTest("room create creates a room with an alias, and send reaches its member by the alias", async (synapse) => {
  await using pair = await Pair.open(synapse, "create");
  const args = ["room", "create", "Alerts", "--alias", "create-alerts", "--invite", pair.person.userId, "--json"];
  const { stdout, stderr } = await pair.run(args);
  assertEquals(stderr, "");
  const { roomId } = JSON.parse(stdout);
  assertEquals(await pair.invites(), [roomId]);
  await synapse.joinRoom(pair.person, roomId);
  await pair.send("One", `#create-alerts:${synapse.serverName}`);
  assertEquals(await pair.subjects(roomId), ["One"]);
  const list = await pair.run(["room", "list", "--json"]);
  assertEquals(JSON.parse(list.stdout), {
    roomId,
    name: "Alerts",
    alias: `#create-alerts:${synapse.serverName}`,
    version: "12",
    isEncrypted: false,
    membership: "join",
  });
  const again = await pair.run(["room", "create", "Alerts", "--alias", "create-alerts"]);
  assertEquals(again.code, 65);
  assertStringIncludes(again.stderr, "400 M_ROOM_IN_USE");
});

synapseTest("join accepts an invite that room list shows, and prints why it cannot join", async (synapse) => {
  await using pair = await Pair.open(synapse, "join");
  const { bot, person } = pair;
  const roomId = await synapse.createRoom(person, { name: "Ops", alias: "join-ops" });
  const refused = await pair.run(["join", roomId]);
  assertEquals(refused.code, 77);
  assertStringIncludes(refused.stderr, "403 M_FORBIDDEN: You are not invited to this room.");
  await pair.invite(person, roomId, bot);
  assertMatch(
    (await pair.run(["room", "list"])).stdout,
    /^!\S+ {2}Ops {2}#join-ops:\S+, version 12, invite from @join-person:/,
  );
  const alias = `#join-ops:${synapse.serverName}`;
  assertEquals((await pair.run(["join", alias])).stdout, `joined Ops (${roomId})\n`);
  assertEquals((await pair.run(["join", roomId, "--via", "dead.example"])).code, 0);
  const unknown = await pair.run(["join", `#nothing:${synapse.serverName}`]);
  assertEquals([unknown.code, unknown.stderr.includes("404 M_NOT_FOUND")], [65, true]);
  const dead = await pair.run(["join", "#ops:dead.example"]);
  assertEquals([dead.code, dead.stderr.includes("hint: the homeserver cannot reach other servers")], [75, true]);
  await pair.ask(person, `/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: bot.userId });
  const banned = await pair.run(["join", roomId]);
  assertEquals([banned.code, banned.stderr.includes("remove the ban")], [77, true]);
});

synapseTest(
  "send to a person creates one direct chat, also from two state directories at the same time",
  async (synapse) => {
    await using pair = await Pair.open(synapse, "direct");
    const { person } = pair;
    await pair.send("One", person.userId);
    const [roomId, ...more] = await pair.invites();
    assertEquals(more, []);
    await synapse.joinRoom(person, roomId);
    const other = pair.folder("other");
    await Promise.all([pair.send("Two", person.userId), pair.send("Three", person.userId, other)]);
    await pair.send("Four", person.userId, other);
    const subjects = await pair.subjects(roomId);
    assertEquals([subjects.toSorted(), subjects.at(-1)], [["Four", "One", "Three", "Two"], "Four"]);
    assertEquals(await pair.invites(), []);
    // A person who left is invited again, because the account data have the direct chat.
    await pair.ask(person, `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    await pair.send("Five", person.userId, pair.folder("third"));
    assertEquals(await pair.invites(), [roomId]);
  },
);

synapseTest(
  "send to a person creates one direct chat for eight senders at once, and delivers each message once",
  async (synapse) => {
    await using pair = await Pair.open(synapse, "eight");
    const names = Array.from({ length: 8 }, (_, index) => `Message ${index}`);
    const results = await Promise.all(names.map((name) => pair.run(["send", name, ""], pair.person.userId)));
    assertEquals(results.map(({ code }) => code), names.map(() => 0));
    assertEquals((await pair.run(["flush"], pair.person.userId)).code, 0);
    const [roomId, ...more] = await pair.invites();
    assertEquals(more, []);
    await synapse.joinRoom(pair.person, roomId);
    assertEquals((await pair.subjects(roomId)).map((text) => text.split("\n")[0]).toSorted(), names);
  },
);

for (const destination of ["id", "alias"] as const) {
  synapseTest(`send follows a replaced room by its ${destination}`, async (synapse) => {
    await using pair = await Pair.open(synapse, `upgrade-${destination}`);
    const { bot, person } = pair;
    const alias = `upgrade-${destination}`;
    const roomId = await synapse.createRoom(person, { invite: [bot], alias });
    const to = destination === "id" ? roomId : `#${alias}:${synapse.serverName}`;
    await pair.send("One", to);
    const next = await pair.upgrade(person, roomId);
    const waiting = await pair.run(["send", "Two", "", "--no-background"], to);
    assertMatch(waiting.stdout, /^queued /);
    assertStringIncludes(waiting.stdout, `the next room is ${next}, which the account cannot join`);
    await pair.invite(person, next, bot);
    assertEquals((await pair.run(["flush"], to)).code, 0);
    await pair.send("Three", to);
    const subjects = async (room: string) => (await pair.subjects(room)).map((text) => text.split("\n")[0]);
    assertEquals([await subjects(roomId), await subjects(next)], [["One"], ["Two", "Three"]]);
  });
}

synapseTest(
  "flush finds an attempt that arrived before the room was replaced, and does not send it again",
  async (synapse) => {
    await using pair = await Pair.open(synapse, "doubt");
    const { bot, person } = pair;
    const roomId = await synapse.createRoom(person, { invite: [bot] });
    await pair.send("One", roomId);
    synapse.suspendProcess();
    const hung = await pair.run(["send", "Two", "", "--no-background", "--wait", "2s"], roomId);
    synapse.resumeProcess();
    assertMatch(hung.stdout, /^queued /);
    const next = await pair.upgrade(person, roomId);
    await pair.invite(person, next, bot);
    await pair.run(["flush", "--wait", "60s"], roomId);
    const all = [...await pair.subjects(roomId), ...await pair.subjects(next)].map((text) => text.split("\n")[0]);
    assertEquals(all, ["One", "Two"]);
  },
);
