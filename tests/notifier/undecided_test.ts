import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fieldsOf } from "../fakes/outcomes.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** A configuration file with a Matrix channel that can have a mistake. */
class Scene implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync();
  readonly warnings: string[] = [];
  readonly runtime = fakeRuntime({ realIds: true });
  readonly homeserver: LoopbackHomeserver;
  readonly rooms: readonly string[];
  readonly #accessToken: string;

  constructor(homeserver: LoopbackHomeserver) {
    this.homeserver = homeserver;
    const { userId, accessToken } = homeserver.addUser("bot");
    this.#accessToken = accessToken;
    this.rooms = [1, 2].map(() => homeserver.createRoom({ members: [userId] }));
  }

  static async open(): Promise<Scene> {
    return new Scene(await LoopbackHomeserver.start());
  }

  /** Writes the configuration file. */
  configure(mistake: Readonly<Record<string, unknown>> = {}, routes: readonly unknown[] = []): void {
    const matrix = { homeserver: this.homeserver.url, accessToken: this.#accessToken, room: this.rooms[0], ...mistake };
    const text = JSON.stringify({ identity: "jump", channels: { matrix }, routes });
    Deno.writeTextFileSync(`${this.folder}/config.json`, text, { mode: 0o600 });
  }

  notifier(): Promise<NotifierCore> {
    return NotifierCore.open({
      runtime: this.runtime,
      configFile: `${this.folder}/config.json`,
      stateDir: `${this.folder}/state`,
      onWarning: (text) => this.warnings.push(text),
    });
  }

  /** Returns the bodies of the messages in a room. */
  bodies(room = this.rooms[0]): readonly unknown[] {
    return this.homeserver.events(room).map(({ content }) => content.body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime[Symbol.dispose]();
    await this.homeserver[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

Deno.test("NotifierCore.notify() holds the notification of a channel with a mistake, and reports the mistake", async () => {
  await using scene = await Scene.open();
  scene.configure({ rooom: "!x" });
  await using notifier = await scene.notifier();
  const [outcome] = await notifier.notify({ subject: "Held" });
  const message = `Cannot use channels.matrix.rooom: there is no such key (${scene.folder}/config.json:1)`;
  assertEquals([outcome.state, outcome.destination, fieldsOf(outcome).reason], ["held", "?", message]);
  assertEquals(notifier.problems.map(({ message }) => message), [message]);
  assertEquals(scene.warnings, [`${message} (did you mean "room"?)`]);
  assertEquals([notifier.status().held, notifier.status().waitingFor], [1, message]);
  assertEquals(await notifier.deliverUntilEmpty(AbortSignal.timeout(5000)), "empty");
});

Deno.test("NotifierCore.flush() applies the rules and sends the attachments of a held notification after the repair", async () => {
  await using scene = await Scene.open();
  scene.configure({ rooom: "!x" });
  {
    await using notifier = await scene.notifier();
    const path = `${scene.folder}/report.txt`;
    Deno.writeTextFileSync(path, "all lines");
    await notifier.notify({ subject: "Report", severity: "error", attachments: [{ path }] });
    Deno.removeSync(path);
  }
  scene.configure({}, [{ when: { severity: "error" }, set: { matrix: { room: scene.rooms[1] } } }]);
  await using notifier = await scene.notifier();
  assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered", "delivered"]);
  assertEquals(scene.bodies(), []);
  assertEquals(scene.bodies(scene.rooms[1]), ["[jump] ❌ Report", "report.txt"]);
  assertEquals(notifier.entries(), []);
});

Deno.test("NotifierCore.retry() sends a held notification to the room that the caller chose", async () => {
  await using scene = await Scene.open();
  scene.configure({ rooom: "!x" });
  const room = scene.rooms[1];
  await using broken = await scene.notifier();
  const [held] = await broken.notify({ subject: "There" }, { room });
  assertEquals((await broken.retry([held.id])).map(({ state }) => state), ["held"]);
  scene.configure();
  await using notifier = await scene.notifier();
  assertEquals((await notifier.retry([held.id])).map(({ state }) => state), ["delivered"]);
  assertEquals([scene.bodies(), scene.bodies(room)], [[], ["[jump] There"]]);
});

Deno.test("NotifierCore.flush() sends a held notification once if an earlier process was killed while it decided", async () => {
  await using scene = await Scene.open();
  scene.configure({ rooom: "!x" });
  {
    await using notifier = await scene.notifier();
    await notifier.notify({ subject: "Once" });
  }
  scene.configure();
  await scene.homeserver.stop();
  {
    await using notifier = await scene.notifier();
    assertEquals((await notifier.flush({ waitMs: 0 })).map(({ state }) => state), ["queued"]);
  }
  const journal = `${scene.folder}/state/queue/queue.jsonl`;
  const lines = Deno.readTextFileSync(journal).split("\n").filter((line) => !line.includes('"t":"drop"'));
  Deno.writeTextFileSync(journal, lines.join("\n"));
  await scene.homeserver.restart();
  await using notifier = await scene.notifier();
  await notifier.flush();
  assertEquals([scene.bodies().length, notifier.entries().length], [1, 0]);
});

Deno.test("NotifierCore.flush() makes a held notification a dead letter if its destination is not valid", async () => {
  await using scene = await Scene.open();
  scene.configure({ rooom: "!x" });
  {
    await using notifier = await scene.notifier();
    await notifier.notify({ subject: "Nowhere" }, { room: "nowhere" });
  }
  scene.configure();
  await using notifier = await scene.notifier();
  await notifier.flush();
  const [entry] = notifier.entries();
  assertEquals([entry.state, entry.reason?.includes("nowhere")], ["dead", true]);
});

Deno.test("NotifierCore.open() rejects mistakes in the channels of the options", async () => {
  await using scene = await Scene.open();
  const stateDir = `${scene.folder}/state`;
  const channels = { matrix: { homeserver: scene.homeserver.url, accessToken: "x", room: "!a", rooom: "!x" } };
  const { message } = await assertRejects(() => NotifierCore.open({ stateDir, channels }), ConfigError);
  assertEquals(message, "Cannot use channels.matrix.rooom: there is no such key");
});
