/** Tests the exports of the library, their behaviour and their errors. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import * as library from "../../mod.ts";
import * as testing from "../../src/testing/mod.ts";
import { type Scene, setScene } from "../fakes/scene.ts";
import { StateFolder } from "../synapse/cli.ts";

Deno.test("mod.ts exports what importers use, and nothing else", () => {
  assertEquals(Object.keys(library).toSorted(), [
    "ConfigError",
    "HintedError",
    "InvalidNotificationError",
    "Notifier",
    "PermissionError",
    "StorageError",
    "notify",
    "sendMatrix",
    "sendNotification",
  ]);
});

Deno.test("testing exports its servers, and nothing else", () => {
  assertEquals(Object.keys(testing).toSorted(), [
    "LoopbackAuthorizationServer",
    "LoopbackGotify",
    "LoopbackHomeserver",
    "LoopbackNtfy",
    "LoopbackServer",
    "LoopbackTelegram",
    "LoopbackWebhook",
  ]);
});

Deno.test("Notifier has the methods that importers use, and no others", () => {
  assertEquals(Object.getOwnPropertyNames(library.Notifier.prototype).toSorted(), [
    "constructor",
    "drop",
    "entries",
    "flush",
    "notify",
    "retry",
    "status",
  ]);
});

Deno.test("a program that uses the library ends after its last call", async () => {
  await using scene = await setScene();
  const script = `
    import { Notifier } from "${import.meta.resolve("../../mod.ts")}";
    const { homeserver, room, accessToken, stateDir } = JSON.parse(Deno.args[0]);
    await using notifier = await Notifier.open({ stateDir, channels: { matrix: { homeserver, room, accessToken } } });
    const [{ state }] = await notifier.notify({ subject: "Last" });
    console.log(state);`;
  const { homeserver: { url: homeserver }, room, accessToken, stateDir } = scene;
  const path = `${stateDir}.ts`;
  Deno.writeTextFileSync(path, script);
  try {
    const args = ["run", "-A", "-q", ...inheritedConfig(), path];
    const input = JSON.stringify({ homeserver, room, accessToken, stateDir: `${stateDir}-own` });
    // A timer that is left behind would keep the process alive for minutes.
    const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [...args, input],
      signal: AbortSignal.timeout(60_000),
    }).output();
    assertEquals([signal, new TextDecoder().decode(stdout)], [null, "delivered\n"]);
  } finally {
    Deno.removeSync(path);
    Deno.removeSync(`${stateDir}-own`, { recursive: true });
  }
});

Deno.test("Notifier queues, counts, lists, retries, flushes and drops", async () => {
  await using scene = await setScene();
  await using notifier = await library.Notifier.open({
    stateDir: scene.stateDir,
    identity: "jump",
    channels: { matrix: { homeserver: scene.homeserver.url, accessToken: scene.accessToken, room: scene.room } },
  });
  for (const subject of ["1", "2", "3"]) await notifier.notify({ subject }, { waitMs: 0 });
  const [one, two] = notifier.entries();
  assertEquals([notifier.status().queued, one.state, two.state], [3, "queued", "queued"]);
  await notifier.drop([two.id]);
  assertEquals((await notifier.retry([one.id])).map(({ state }) => state), ["delivered"]);
  await notifier.flush();
  assertEquals([notifier.entries(), scene.subjects()], [[], ["1", "3"]]);
});

Deno.test("notify() sends to the channels that its options choose, with the configuration that they name", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken, room, ntfy, stateDir } = scene;
  const configFile = `${stateDir}/config.json`;
  const channels = {
    matrix: { homeserver: homeserver.url, accessToken, room },
    ntfy: { server: ntfy.url, topic: "alerts" },
  };
  await Deno.writeTextFile(configFile, JSON.stringify({ identity: "jump", channels }), { mode: 0o600 });
  const common = { configFile, stateDir, background: false };
  const [outcome, ...others] = await library.notify("One", { message: "Body", severity: "error", ...common });
  assertEquals([outcome.channel, outcome.state, others.length], ["matrix", "delivered", 1]);
  await library.notify("Two", { channels: ["ntfy"], ...common });
  assertEquals(scene.subjects(), ["❌ One"]);
  assertEquals(ntfy.messages("alerts").length, 2);
});

Deno.test("notify() repeats failed attempts with untilDelivered", async () => {
  await using scene = await setScene();
  const { homeserver, accessToken, room, stateDir } = scene;
  const configFile = `${stateDir}/config.json`;
  const channels = { matrix: { homeserver: homeserver.url, accessToken, room } };
  await Deno.writeTextFile(configFile, JSON.stringify({ channels }), { mode: 0o600 });
  homeserver.fault("429-retry-after-ms", { times: 2, retryAfterMs: 1 });
  const options = { configFile, stateDir, background: false, untilDelivered: true, waitMs: 60_000 };
  assertEquals((await library.notify("Up", options)).map(({ state }) => state), ["delivered"]);
});

/** Opens a notifier with the Matrix channel of a scene. */
function openNotifier({ stateDir, homeserver, accessToken, room }: Scene): Promise<library.Notifier> {
  return library.Notifier.open({ stateDir, channels: { matrix: { homeserver: homeserver.url, accessToken, room } } });
}

Deno.test("Notifier.open() refuses a setting that it would ignore, because channels is not set", async () => {
  const settings: library.NotifierOptions[] = [
    ...[{ batch: false as const }, { rateLimit: { count: 1, per: "1s" } }, { quiet: false as const }, { routes: [] }],
    ...[{ identity: "jump" }, { title: "{subject}" }, { symbols: false }],
  ];
  for (const setting of settings) {
    const [name] = Object.keys(setting);
    const message = `Cannot use the option ${name}: the option channels is not set`;
    await assertRejects(() => library.Notifier.open(setting), library.ConfigError, message);
  }
});

Deno.test("Notifier[Symbol.asyncDispose]() waits for the current attempt", async () => {
  await using scene = await setScene();
  const answer = Promise.withResolvers<void>();
  scene.homeserver.fault("slow", { until: answer.promise });
  const notifier = await openNotifier(scene);
  const call = notifier.notify({ subject: "Last" });
  await scene.homeserver.received(({ route }) => route === "send");
  const disposed = notifier[Symbol.asyncDispose]();
  answer.resolve();
  await disposed;
  await using next = await openNotifier(scene);
  assertEquals([next.entries(), (await call).map(({ state }) => state)], [[], ["delivered"]]);
});

Deno.test("Notifier[Symbol.asyncDispose]() ends a flush that waits, and later calls only queue", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("429-retry-after-ms", { retryAfterMs: 3_600_000 });
  const notifier = await openNotifier(scene);
  await notifier.notify({ subject: "One" });
  const flush = notifier.flush({ waitMs: Infinity });
  await notifier[Symbol.asyncDispose]();
  assertEquals((await flush).map(({ state }) => state), ["queued"]);
  const requests = scene.puts();
  await notifier.notify({ subject: "Two" });
  assertEquals([notifier.status().queued, scene.puts()], [1, requests]);
});

/** Runs a script that sends one notification with these permissions, and returns what it prints. */
async function runScript(permissions: readonly string[], options: Readonly<Record<string, unknown>> = {}) {
  await using state = await StateFolder.create();
  const script = `${state.path}/script.ts`;
  await Deno.writeTextFile(
    script,
    `import { notify } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
     try {
       const [outcome] = await notify("Up", ${JSON.stringify({ background: false, ...options })});
       console.log(JSON.stringify([outcome.state, outcome.reason]));
     } catch (error) {
       console.log(JSON.stringify([error.name, error.message, error.hint]));
     }`,
  );
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", ...permissions, script],
    env: {
      HOME: state.path,
      MATRIX_HOMESERVER: "http://127.0.0.1:2222",
      MATRIX_ACCESS_TOKEN: "syt_test",
      MATRIX_ROOM: "!room:example.org",
    },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const config = `${state.path}/.config/matrix-notify/config.json`;
  return JSON.parse(text).map((part: unknown) => String(part).replaceAll(config, "$CONFIG"));
}

Deno.test("notify() throws a PermissionError that names the flag when Deno denies the environment", async () => {
  assertEquals(await runScript(["--allow-read", "--allow-write", "--allow-net"]), [
    "PermissionError",
    "Cannot find the configuration: Deno requires env access",
    "run the program with --allow-env",
  ]);
});

Deno.test("notify() throws a PermissionError that names the flag when Deno denies the configuration", async () => {
  assertEquals(await runScript(["--allow-env", "--allow-write", "--allow-net"]), [
    "PermissionError",
    'Cannot read configuration $CONFIG: Deno requires read access to "$CONFIG"',
    "run the program with --allow-read=$CONFIG",
  ]);
});

Deno.test("notify() throws a StorageError that names the flag when Deno denies queue and network", async () => {
  const [name, message, hint] = await runScript(["--allow-env", "--allow-read"]);
  assertEquals([name, hint.split("=")[0]], ["StorageError", "run the program with --allow-write"]);
  assert(/^Cannot create the queue directory \S+: Deno requires write access to /.test(message), message);
  assert(
    message.endsWith(
      'Cannot connect to 127.0.0.1:2222: Deno requires net access to "127.0.0.1:2222" (run the program with --allow-net=127.0.0.1:2222)',
    ),
    message,
  );
});

Deno.test("notify() keeps a notification in the queue, and names the flag, when Deno denies the network", async () => {
  assertEquals(await runScript(["--allow-env", "--allow-read", "--allow-write"]), [
    "queued",
    'Cannot connect to 127.0.0.1:2222: Deno requires net access to "127.0.0.1:2222" (run the program with --allow-net=127.0.0.1:2222)',
  ]);
});
