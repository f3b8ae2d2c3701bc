/**
 * Fuzzes the answers of HTTP services to every client: the channels, login, discovery, OAuth and
 * setup. The commands run in this process.
 *
 * @module
 */

import {
  LoopbackAuthorizationServer,
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../src/testing/mod.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { LoopbackSlack } from "../fakes/slack_server.ts";
import { type Fuzzer, FuzzHost, listQueue } from "./fuzzer.ts";
import { LyingNetwork } from "./lying_network.ts";
import { pick } from "./hostile.ts";

/** The honest servers. */
interface Servers extends AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  readonly delegating: LoopbackHomeserver;
  readonly authorization: LoopbackAuthorizationServer;
  readonly ntfy: LoopbackNtfy;
  readonly gotify: LoopbackGotify;
  readonly telegram: LoopbackTelegram;
  readonly webhook: LoopbackWebhook;
  readonly slack: LoopbackSlack;
}

async function startServers(): Promise<Servers> {
  const authorization = await LoopbackAuthorizationServer.start();
  const servers = {
    authorization,
    homeserver: await LoopbackHomeserver.start(),
    delegating: await LoopbackHomeserver.start({ authorizationServer: authorization }),
    ntfy: await LoopbackNtfy.start({ token: "tk_secretntfytoken" }),
    gotify: await LoopbackGotify.start(),
    telegram: await LoopbackTelegram.start({ perMinute: 1e9 }),
    webhook: await LoopbackWebhook.start(),
    slack: new LoopbackSlack(),
  };
  return {
    ...servers,
    async [Symbol.asyncDispose]() {
      for (const server of Object.values(servers)) await server[Symbol.asyncDispose]();
    },
  };
}

/** A way to use a service. */
interface Service {
  /** Returns the configuration of the channel. */
  config(servers: Servers): { readonly kind: string } & Readonly<Record<string, unknown>>;
  /** Returns the values that must not be shown. */
  secrets(servers: Servers): readonly string[];
  /** Returns true if the service has a message. */
  has(servers: Servers, subject: string): boolean;
}

const USER = "@bot:loopback.test";
const HOOK_SECRET = "S3cretHookPath";

const SERVICES: Readonly<Record<string, Service>> = {
  matrix: {
    config: ({ homeserver }) => ({
      kind: "matrix",
      homeserver: homeserver.url,
      accessToken: homeserver.addToken(USER),
      room: homeserver.roomIds()[0],
    }),
    secrets: () => [],
    has: ({ homeserver }, subject) =>
      homeserver.roomIds().some((room) =>
        homeserver.events(room).some(({ content }) => String(content.body).includes(subject))
      ),
  },
  ntfy: {
    config: ({ ntfy }) => ({ kind: "ntfy", server: ntfy.url, topic: "alerts", token: "tk_secretntfytoken" }),
    secrets: () => ["tk_secretntfytoken"],
    has: ({ ntfy }, subject) => ntfy.messages("alerts").some(({ title }) => title?.includes(subject) ?? false),
  },
  gotify: {
    config: ({ gotify }) => ({ kind: "gotify", server: gotify.url, token: gotify.token }),
    secrets: ({ gotify }) => [gotify.token],
    has: ({ gotify }, subject) => gotify.messages.some(({ title }) => title?.includes(subject) ?? false),
  },
  telegram: {
    config: ({ telegram }) => ({ kind: "telegram", server: telegram.url, token: telegram.token, chat: 1001 }),
    secrets: ({ telegram }) => [telegram.token],
    has: ({ telegram }, subject) =>
      telegram.messages("1001").some((message) => JSON.stringify(message).includes(subject)),
  },
  webhook: {
    config: ({ webhook }) => ({
      kind: "webhook",
      url: `${webhook.url}/${HOOK_SECRET}?key=${HOOK_SECRET}`,
      headers: { "X-Key": HOOK_SECRET },
    }),
    secrets: () => [HOOK_SECRET],
    has: ({ webhook }, subject) => webhook.deliveries.some((delivery) => JSON.stringify(delivery).includes(subject)),
  },
  slack: {
    config: ({ slack }) => ({ kind: "slack", url: slack.url }),
    secrets: () => ["s3cr3t"],
    has: ({ slack }, subject) => slack.texts.some((text) => text.includes(subject)),
  },
};

/** The addresses under which a homeserver is found by discovery. */
function originsOf(servers: Servers): Readonly<Record<string, string>> {
  const { homeserver, delegating, authorization, ntfy, gotify, telegram, webhook, slack } = servers;
  const own = [homeserver, delegating, authorization, ntfy, gotify, telegram, webhook, slack]
    .map(({ url }) => new URL(url).origin);
  return {
    ...Object.fromEntries(own.map((origin) => [origin, origin])),
    "https://loopback.test": homeserver.url,
    "https://matrix.loopback.test": homeserver.url,
  };
}

/** How much longer than `--wait` a send may take by its clock. */
const MAX_EXTRA_MS = 3000;

/** Reads all files of the state directory. */
function readState(directory: string): string {
  return [...Deno.readDirSync(directory)].map(({ name, isDirectory }) => {
    const path = `${directory}/${name}`;
    if (isDirectory) return name === "accounts" ? "" : readState(path);
    return new TextDecoder().decode(Deno.readFileSync(path));
  }).join("\n");
}

/** Sends notifications through a service that lies, then through the honest service. */
async function playChannel(servers: Servers, dice: Dice, number: number): Promise<string> {
  using host = new FuzzHost();
  const [name, service] = pick(dice, Object.entries(SERVICES));
  const config = service.config(servers);
  host.env.MATRIX_NOTIFY_CONFIG = host.write(
    "config.json",
    JSON.stringify({ background: false, channels: { it: config } }),
  );
  const network = new LyingNetwork(host, dice, originsOf(servers));
  host.fetch = (url, init) => network.fetch(url, init);
  const secrets = [
    ...service.secrets(servers),
    ...config.accessToken === undefined ? [] : [String(config.accessToken)],
  ];
  const results = [];
  const subjects = Array.from({ length: 1 + dice(3) }, (_, at) => `Case${number}n${at}x`);
  const file = host.write("a.txt", "content");
  for (const [at, subject] of subjects.entries()) {
    const more = pick(dice, [[], [], ["--attach", file], ["--key", `disk ${at}`], ["--severity", "critical"], [
      "--link",
      "https://e.org",
    ]]);
    const waitMs = pick(dice, [1000, 10_000, 600_000]);
    const argv = ["send", subject, "Some text", "--wait", `${waitMs}ms`, "--no-background", ...more];
    const { requests } = host;
    const result = await host.run(argv);
    results.push(result);
    if (host.requests - requests > 2000) throw new Error(`One send made ${host.requests - requests} requests`);
    if (result.elapsedMs > waitMs + MAX_EXTRA_MS) throw new Error(`A send of ${waitMs} ms took ${result.elapsedMs} ms`);
  }
  for (
    const argv of [["flush", "--wait", "1m", "--no-background"], ["status", "--check"], ["queue", "list"], ["whoami"]]
  ) {
    if (dice(2) === 0) results.push(await host.run(argv));
  }
  if (dice(3) === 0) results.push(await host.run(["doctor"]));
  await checkAccepted(servers, service, host, subjects);
  network.every = 0;
  results.push(await host.run(["queue", "retry", "--all", "--wait", "10m", "--no-background"]));
  results.push(await host.run(["queue", "list", "--json"]));
  await checkAccepted(servers, service, host, subjects);
  const shown = [...results.map(({ out, err }) => out + err), readState(host.stateDir)].join("\n");
  for (const secret of secrets) checkSecret(shown, secret);
  return name;
}

/** Checks that each notification is delivered or in the queue. */
async function checkAccepted(servers: Servers, service: Service, host: FuzzHost, subjects: readonly string[]) {
  const entries = await listQueue(host);
  for (const subject of subjects) {
    if (service.has(servers, subject) || entries.some(({ text }) => text.includes(subject))) continue;
    throw new Error(
      `"${subject}" is neither delivered nor in the queue: ${entries.map(({ text }) => text).join("\n")}`,
    );
  }
}

function checkSecret(text: string, secret: string): void {
  const bytes = new TextEncoder().encode(secret);
  for (const form of [secret, encodeURIComponent(secret), bytes.toBase64(), bytes.toHex()]) {
    const at = text.indexOf(form);
    if (at >= 0) throw new Error(`The secret "${secret}" is shown: ${text.slice(Math.max(0, at - 300), at + 300)}`);
  }
}

/** Uses accounts and rooms of a homeserver that lies. */
async function playAccount(servers: Servers, dice: Dice): Promise<string> {
  using host = new FuzzHost();
  const network = new LyingNetwork(host, dice, originsOf(servers));
  network.every = pick(dice, [1, 3, 6, 12]);
  let approved = 0;
  host.fetch = async (url, init) => {
    const answer = await network.fetch(url, init);
    // The person confirms each code at once.
    const { userCodes } = servers.authorization;
    for (; approved < userCodes.length; approved++) {
      try {
        servers.authorization.approve(userCodes[approved], "bot");
      } catch {
        // An earlier case confirmed it, or it has expired.
      }
    }
    return answer;
  };
  const { homeserver, delegating } = servers;
  const password = host.write("password", `password-of-bot`);
  const where = pick(dice, [["--homeserver", homeserver.url], ["--homeserver", delegating.url], []]);
  const room = homeserver.roomIds()[0];
  const commands = [
    ["login", USER, "--password-file", password, ...where],
    ["login", USER, "--device-code", ...where],
    ["login", USER, "--token-file", host.write("token", homeserver.addToken(USER)), ...where],
    ["setup", "--user", USER, "--password-file", password, "--yes", "--room", room, ...where],
    ["setup", "--user", USER, "--password-file", password, "--yes", "--direct", "@alice:loopback.test", ...where],
    ["setup", "--user", USER, "--password-file", password, "--yes", "--create-room", "Alerts", "--json", ...where],
  ];
  const started = pick(dice, commands);
  await host.run([...started, ...started[0] === "setup" ? ["--no-background"] : []]);
  const later = [["whoami"], ["whoami", "--json"], ["room", "list"], ["room", "create", "A"], ["join", room], [
    "doctor",
  ]]
    .concat([["send", "A", "--wait", "5s", "--no-background"], ["logout"], ["join", "#alerts:loopback.test"]]);
  for (let times = 1 + dice(4); times > 0; times--) await host.run(pick(dice, later));
  return started.slice(0, 4).filter((word) => word.startsWith("--") || word === started[0]).join(" ");
}

export const answers: Fuzzer = {
  name: "answers",
  async open() {
    let servers = await restart();
    let played = 0;
    return {
      async play(seed) {
        const dice = seededDice(seed);
        // The servers remember each message and each request.
        if (++played % 500 === 0) {
          await servers[Symbol.asyncDispose]();
          servers = await restart();
        }
        return dice(3) === 0 ? await playAccount(servers, dice) : await playChannel(servers, dice, seed);
      },
      [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
    };
  },
};

async function restart(): Promise<Servers> {
  const servers = await startServers();
  for (const homeserver of [servers.homeserver, servers.delegating]) {
    const { userId } = homeserver.addUser("bot");
    homeserver.addUser("alice");
    homeserver.createRoom({ members: [userId], alias: "#alerts:loopback.test" });
  }
  return servers;
}
