/** The command line against a real homeserver: what `send` promises when all is well, and when the homeserver goes away. */

import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { type CliResult, type RoomEvent, runCli, StateFolder, type Synapse, synapseSuite, until } from "./harness.ts";

const synapseTest = await synapseSuite();

/** A room, the sender's command line and the reader's eyes; all of it belongs to one test. */
class Desk implements AsyncDisposable {
  readonly stateDir: string;
  readonly run: (args: readonly string[], stdin?: string) => Promise<CliResult>;
  readonly read: () => Promise<RoomEvent[]>;
  readonly #state: StateFolder;

  private constructor(state: StateFolder, run: Desk["run"], read: Desk["read"]) {
    this.#state = state;
    this.stateDir = state.path;
    this.run = run;
    this.read = read;
  }

  static async open(synapse: Synapse, name: string): Promise<Desk> {
    const sender = await synapse.registerUser(`${name}-sender`);
    const reader = await synapse.registerUser(`${name}-reader`);
    const room = await synapse.createRoom(sender, { invite: [reader] });
    await synapse.joinRoom(reader, room);
    const state = await StateFolder.make();
    const env = { MATRIX_HOMESERVER: synapse.url, MATRIX_ACCESS_TOKEN: sender.accessToken, MATRIX_ROOM: room };
    return new Desk(
      state,
      (args, stdin) => runCli(args, { stateDir: state.path, env, stdin }),
      () => synapse.messages(reader, room),
    );
  }

  /** The ids of the deliverers in the background. */
  deliverers(): Promise<number[]> {
    return this.#state.processes();
  }

  /** Resolves when nobody delivers in the background any more, so that nothing can come twice later. */
  async idle(): Promise<void> {
    await until(async () => (await this.deliverers()).length === 0 || undefined, { what: "the deliverer to end" });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#state[Symbol.asyncDispose]();
  }
}

function bodyOf(event: RoomEvent): string {
  return String(event.content.body);
}

synapseTest("send delivers to the room and prints the event's id", async (synapse) => {
  await using desk = await Desk.open(synapse, "direct");
  const { code, stdout, stderr } = await desk.run(["send", "--state-dir", `${desk.stateDir}/own`, "Subject", "Böđy"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const [event, ...more] = await desk.read();
  assertEquals(more, []);
  assertEquals(stdout, `delivered ${event.event_id}\n`);
  assertMatch(bodyOf(event), /Subject\n\nBöđy$/);
  assertEquals((await Deno.stat(`${desk.stateDir}/own/queue/queue.jsonl`)).isFile, true);
});

synapseTest("send takes the body from standard input", async (synapse) => {
  await using desk = await Desk.open(synapse, "stdin");
  const { code } = await desk.run(["send", "Subject"], "from a pipe\n");
  assertEquals(code, 0);
  assertMatch(bodyOf((await desk.read())[0]), /Subject\n\nfrom a pipe/);
});

synapseTest(
  "send queues while the homeserver is down, and the background delivers once when it is back",
  async (synapse) => {
    await using desk = await Desk.open(synapse, "down");
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
  await using desk = await Desk.open(synapse, "killed");
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
