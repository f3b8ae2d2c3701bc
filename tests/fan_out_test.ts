/** One notification for six channels, two of which are down: as real processes, with servers as strict as the real ones. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inheritedConfig } from "../scripts/std/argv.ts";
import {
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../src/testing/mod.ts";
import { Notifier } from "../src/notifier.ts";
import { SmtpPeer, smtpSuite } from "./smtp/harness.ts";
import { StateFolder } from "./synapse/cli.ts";

const smtpTest = await smtpSuite();

const NAMES = ["matrix", "phone", "gotify", "telegram", "email", "hook"] as const;

const LOGIN = { user: "bot", password: "correct-horse" };

interface FanOut {
  readonly homeserver: LoopbackHomeserver;
  readonly telegram: LoopbackTelegram;
  readonly email: SmtpPeer;
  /** How many messages each channel's readers have, in the order of {@linkcode NAMES}. */
  counts(): Promise<number[]>;
  /** Runs the program to its end. */
  run(...args: string[]): Promise<{ code: number; states: Record<string, string>; stderr: string }>;
  /** Starts the program. */
  start(...args: string[]): Deno.ChildProcess;
  /** Everything that the program has written down. */
  written(): string;
  /** Resolves when the journal holds so many acknowledgements. */
  acknowledged(count: number): Promise<void>;
}

async function fanOutTest(body: (t: FanOut) => Promise<void>) {
  await using homeserver = await LoopbackHomeserver.start();
  await using ntfy = await LoopbackNtfy.start();
  await using gotify = await LoopbackGotify.start();
  await using telegram = await LoopbackTelegram.start();
  await using webhook = await LoopbackWebhook.start();
  await using email = await SmtpPeer.start({ login: LOGIN });
  // It ends the deliverers that are left behind before the folder goes.
  await using state = await StateFolder.make();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const mail = { server: "127.0.0.1", port: email.port, caFile: email.caFile, ...LOGIN };
  const channels = {
    matrix: { homeserver: homeserver.url, accessToken, room },
    phone: { kind: "ntfy", server: ntfy.url, topic: "alerts" },
    gotify: { server: gotify.url, token: gotify.token },
    telegram: { server: telegram.url, token: telegram.token, chat: 1001 },
    email: { ...mail, from: "jump@example.org", to: "root@example.org" },
    hook: { kind: "webhook", url: `${webhook.url}/hook` },
  };
  const configFile = `${state.path}/config.json`;
  await Deno.writeTextFile(configFile, JSON.stringify({ identity: "jump", channels }), { mode: 0o600 });
  const places = ["--config", configFile, "--state-dir", `${state.path}/own`];
  const start = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", ...inheritedConfig(), `${import.meta.dirname}/../mod.ts`, ...args, ...places],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  await body({
    homeserver,
    telegram,
    email,
    start,
    // The mail server has taken what was acknowledged, and tells of it by a pipe.
    counts: async () => [
      homeserver.events(room).length,
      ntfy.messages("alerts").length,
      gotify.messages.length,
      telegram.messages("1001").length,
      await email.taken(1).then(() => email.mails.length),
      webhook.deliveries.length,
    ],
    async run(...args) {
      const { code, stdout, stderr } = await start(...args, "--json").output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n").filter((line) => line !== "");
      const states = Object.fromEntries(
        lines.map((line) => JSON.parse(line)).map(({ channel, state }) => [channel, state]),
      );
      return { code, states, stderr: new TextDecoder().decode(stderr) };
    },
    written: () => readAll(`${state.path}/own`),
    async acknowledged(count) {
      const folder = `${state.path}/own/queue`;
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      using watcher = Deno.watchFs(folder);
      const acks = async () => {
        const journal = await Deno.readTextFile(`${folder}/queue.jsonl`).catch(() => "");
        return journal.split("\n").filter((line) => line.includes('"t":"ack"')).length;
      };
      if (await acks() >= count) return;
      for await (const _ of watcher) if (await acks() >= count) return;
    },
  });
}

function readAll(folder: string): string {
  return [...Deno.readDirSync(folder)].map(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? readAll(path) : Deno.readTextFileSync(path);
  }).join("\n");
}

smtpTest(
  "send delivers by the four channels that are up at once, and by the two that are down later, each once",
  async () => {
    await fanOutTest(async ({ homeserver, telegram, counts, run }) => {
      await homeserver.stop();
      await telegram.stop();
      const sent = await run("send", "Link down", "ether1", "--no-background");
      assertEquals([sent.code, sent.stderr], [0, ""]);
      assertEquals(sent.states, {
        matrix: "queued",
        phone: "delivered",
        gotify: "delivered",
        telegram: "queued",
        email: "delivered",
        hook: "delivered",
      });
      assertEquals(await counts(), [0, 1, 1, 0, 1, 1]);
      // Nobody who has it gets it again while the others are still down.
      const early = await run("flush", "--no-background", "--wait", "0");
      assertEquals([early.code, await counts()], [75, [0, 1, 1, 0, 1, 1]]);
      await homeserver.restart();
      await telegram.restart();
      const flushed = await run("flush", "--no-background");
      assertEquals([flushed.code, flushed.states], [0, { matrix: "delivered", telegram: "delivered" }]);
      assertEquals(await counts(), NAMES.map(() => 1));
    });
  },
);

smtpTest("one that hangs and one that is down delay nobody, and a kill in between repeats nothing", async () => {
  await fanOutTest(async ({ homeserver, telegram, counts, run, start, acknowledged }) => {
    // It takes the message, and nobody hears of it.
    homeserver.fault("hang-after-persisting");
    telegram.fault("refuse");
    const sender = start("send", "Link down", "ether1", "--no-background");
    await acknowledged(4);
    await homeserver.received(({ fault, handled }) => fault === "hang-after-persisting" && handled);
    sender.kill("SIGKILL");
    await sender.output();
    assertEquals(await counts(), [1, 1, 1, 0, 1, 1]);
    await homeserver.clearFaults();
    await telegram.clearFaults();
    const flushed = await run("flush", "--no-background");
    assertEquals([flushed.code, flushed.states], [0, { matrix: "delivered", telegram: "delivered" }]);
    assertEquals(await counts(), NAMES.map(() => 1));
  });
});

smtpTest("a deliverer in the background sends by every channel what its parent could not", async () => {
  await fanOutTest(async ({ email, telegram, counts, run, acknowledged, written }) => {
    await email.end();
    telegram.fault("refuse");
    const sent = await run("send", "Link down", "ether1", "--wait", "5s");
    assertEquals([sent.code, sent.states.email, sent.states.telegram], [0, "queued", "queued"]);
    await telegram.clearFaults();
    await email.begin();
    await acknowledged(NAMES.length);
    assertEquals(await counts(), NAMES.map(() => 1));
    const text = written();
    assertStringIncludes(text, "delivered");
    for (const secret of [telegram.token, LOGIN.password]) assert(!text.includes(secret), "no secret is written down");
  });
});

Deno.test("channels of one kind are told apart by their names", async () => {
  await using one = await LoopbackWebhook.start();
  await using two = await LoopbackWebhook.start();
  const stateDir = await Deno.makeTempDir();
  const hook = (url: string) => ({ kind: "webhook", url, body: { subject: "{{subject}}" } } as const);
  const channels = { one: hook(one.url), two: hook(two.url), webhook: hook(`${two.url}/third`) };
  await using notifier = await Notifier.open({ stateDir, channels });
  const outcomes = await notifier.notify({ subject: "Up" });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [
    ["one", "delivered"],
    ["two", "delivered"],
    ["webhook", "delivered"],
  ]);
  assertEquals([one.deliveries.length, two.deliveries.map(({ path }) => path)], [1, ["/", "/third"]]);
  await Deno.remove(stateDir, { recursive: true });
});
