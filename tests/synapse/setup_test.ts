/**
 * `setup` with an empty home directory and a real homeserver: at a terminal, and as one command.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { walk } from "@std/fs";
import { readAllFiles } from "../fakes/read_all_files.ts";
import { playAtTerminal, type Step } from "../fakes/terminal.ts";
import { type CliResult, runCli, StateFolder, type Synapse, type SynapseNeeds, synapseSuite } from "./harness.ts";

/** The domain in the user ids. It has a well-known document, and is no homeserver itself. */
class Domain implements SynapseNeeds {
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const isWellKnown = new URL(url).pathname === "/.well-known/matrix/client";
    return isWellKnown
      ? Response.json({ "m.homeserver": { base_url: this.#baseUrl } })
      : new Response("", { status: 404 });
  });
  #baseUrl = "";

  get name(): string {
    return `localhost:${this.#server.addr.port}`;
  }

  async install() {}

  open() {
    return Promise.resolve({ serverName: this.name });
  }

  started(synapse: Synapse) {
    this.#baseUrl = synapse.url;
    return Promise.resolve();
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

const domain = new Domain();
const synapseTest = await synapseSuite(domain);
Deno.test.afterAll(() => domain[Symbol.asyncDispose]());

/** Creates an empty home directory. */
async function createHome(state: StateFolder): Promise<string> {
  const home = `${state.path}/home`;
  await Deno.mkdir(home);
  return home;
}

synapseTest("setup at a terminal delivers a test message, as docs/setup.md shows it", async (synapse) => {
  await using state = await StateFolder.create();
  const home = await createHome(state);
  const bot = await synapse.registerUser("notifier"), alice = await synapse.registerUser("alice");
  const steps: Step[] = [
    [/account that sends: $/, `${bot.userId}\n`],
    [/Number \[1\]: $/, "\n"],
    [/Password of \S+: $/, `${bot.password}\r`],
    [/Where .*Number \[1\]: $/, "2\n"],
    [/Room name \[Notifications\]: $/, "Alerts\n"],
    [/including yours: $/, `${alice.userId}\n`],
  ];
  const { code, screen, processes } = await playAtTerminal(["setup"], { env: { HOME: home, TZ: "UTC" }, steps });
  assertEquals(code, 0, screen);
  const roomId = /^Created Alerts \((!\S+)\) and invited/m.exec(screen)?.[1] ?? "";
  const eventId = /^Test message: delivered (\$\S+) to /m.exec(screen)?.[1];
  await synapse.joinRoom(alice, roomId);
  const events = await synapse.messages(alice, roomId);
  assertEquals(events.map(({ event_id }) => event_id), [eventId]);
  assertStringIncludes(String(events[0].content.body), "Test message\n\nmatrix-notify is set up on ");

  const page = await Deno.readTextFile(new URL("../../docs/setup.md", import.meta.url));
  const shown = /^\$ matrix-notify setup\n([^`]+?)```$/m.exec(page)?.[1];
  // The page shows the next steps of an installed program on a host with systemd.
  const [before, nextSteps] = toPage(screen, { home, synapse, roomId, eventId }).split("Next steps:\n");
  assertEquals(before, shown?.split("Next steps:\n")[0]);
  for (const label of ["script", "crontab", "router", "check", "monitoring"]) {
    assertMatch(nextSteps, new RegExp(`^  ${label} +\\S.*(?:mod|src/main)\\.ts .*$`, "m"), label);
  }

  assertEquals(await findOpenFiles(home), []);
  const stateDir = `${home}/.local/state/matrix-notify`;
  const { accessToken, refreshToken } = await takeAccount(stateDir, bot.userId);
  assertStringIncludes(processes, "mod.ts setup");
  for (const place of [screen, processes, readAllFiles(home)]) {
    for (const secret of [bot.password, accessToken, refreshToken]) assertEquals(place.includes(secret), false);
  }
});

synapseTest("setup as one command delivers a test message each time", async (synapse) => {
  await using state = await StateFolder.create();
  const bot = await synapse.registerUser("unattended"), bob = await synapse.registerUser("bob");
  const roomId = await synapse.createRoom(bob, { invite: [bot], name: "Ops" });
  const before = await listDevices(synapse, bot);
  await Deno.writeTextFile(`${state.path}/password`, `${bot.password}\n`, { mode: 0o600 });
  const run = (): Promise<CliResult> =>
    runCli(["setup", "--user", bot.userId, "--password-file", "password", "--room", roomId, "--yes"], {
      stateDir: state.path,
    });
  for (const count of [1, 2]) {
    const { code, stdout, stderr } = await run();
    assertEquals([code, stdout], [0, `set up matrix: ${bot.userId} sends to Ops (${roomId})\n`], stderr);
    assertMatch(stderr, /^Test message: delivered \$/m);
    assertEquals((await synapse.messages(bob, roomId)).length, count);
  }
  assertEquals((await listDevices(synapse, bot)).length, before.length + 1);
});

synapseTest("setup waits for the invite, and exits with 75 if it does not arrive", async (synapse) => {
  await using state = await StateFolder.create();
  const bot = await synapse.registerUser("waiting"), carol = await synapse.registerUser("carol");
  const roomId = await synapse.createRoom(carol, { name: "Late" });
  await Deno.writeTextFile(`${state.path}/password`, bot.password, { mode: 0o600 });
  const args = ["setup", "--user", bot.userId, "--password-file", "password", "--room", roomId, "--yes"];
  const never = await runCli([...args, "--wait", "1s"], { stateDir: state.path });
  assertEquals(never.code, 75);
  assertStringIncludes(never.stderr, `cannot join ${roomId}: no invite for ${bot.userId} arrived within 1 s`);
  const asked = Promise.withResolvers<void>();
  const watch = (stderr: string) => {
    if (stderr.includes(`Invite ${bot.userId} to ${roomId} now`)) asked.resolve();
  };
  const running = runCli([...args, "--wait", "30s"], { stateDir: state.path, watch });
  await asked.promise;
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/invite`;
  await synapse.request(path, { user: carol, body: { user_id: bot.userId } });
  const { code, stderr } = await running;
  assertEquals(code, 0, stderr);
  assertEquals((await synapse.messages(carol, roomId)).length, 1);
});

/** Replaces the names of this test by those of docs/setup.md. */
function toPage(
  screen: string,
  { home, synapse, roomId, eventId = "" }: {
    readonly home: string;
    readonly synapse: Synapse;
    readonly roomId: string;
    readonly eventId?: string;
  },
): string {
  return screen
    .replaceAll(home, "/home/alice")
    .replaceAll(synapse.url, "https://matrix.example.org")
    .replaceAll(`http://${domain.name}`, "https://example.org")
    .replaceAll(domain.name, "example.org")
    .replaceAll(roomId, "!mZ7w…")
    .replaceAll(eventId, "$4kXq…")
    .replaceAll(/device [0-9A-F]{16}/g, "device 6C1F9A3E52D04B87");
}

async function listDevices(synapse: Synapse, user: { readonly accessToken: string }): Promise<readonly unknown[]> {
  const { devices } = await synapse.request<{ devices: unknown[] }>("/_matrix/client/v3/devices", { user });
  return devices;
}

/** Reads the account and removes its file: no other file may have a token. */
async function takeAccount(stateDir: string, userId: string) {
  const path = `${stateDir}/accounts/${encodeURIComponent(userId)}.json`;
  const account: { readonly accessToken: string; readonly refreshToken: string } = JSON.parse(
    await Deno.readTextFile(path),
  );
  await Deno.remove(path);
  return account;
}

/** Finds files and folders that other users can read. */
async function findOpenFiles(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(walk(folder));
  return entries.map(({ path }) => path).filter((path) =>
    path !== folder && ((Deno.statSync(path).mode ?? 0) & 0o077) !== 0
  );
}
