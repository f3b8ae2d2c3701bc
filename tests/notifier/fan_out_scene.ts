/** Six channels of six kinds, with servers as strict as the real ones, and the program as a real process. */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import {
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../src/testing/mod.ts";
import { SmtpServer } from "../fakes/smtp_server.ts";
import { readMail } from "../fakes/read_mail.ts";
import { StateFolder } from "../synapse/cli.ts";

/** The channels. */
export const NAMES = ["matrix", "phone", "gotify", "telegram", "email", "hook"] as const;

/** Who logs in to the mail server. */
export const LOGIN = { user: "bot", password: "correct-horse" };

/** Where and how a process runs. */
export interface StartOptions {
  /** The name of its state directory. @default {"own"} */
  readonly place?: string;
  /** What stands before the program, and runs it. */
  readonly through?: readonly string[];
}

/** What became of a process. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** What became of the envelopes, by channel. */
  readonly states: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly stderr: string;
}

/** The scene. */
export interface FanOut {
  readonly homeserver: LoopbackHomeserver;
  readonly telegram: LoopbackTelegram;
  readonly email: SmtpServer;
  /** How many messages with a subject each channel's readers have, in the order of {@linkcode NAMES}. */
  counts(subject?: string): Promise<number[]>;
  /** Runs the program to its end, and prints its outcomes as JSON. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** Starts the program. */
  start(args: readonly string[], options?: StartOptions): Deno.ChildProcess;
  /** The state directory of a place. */
  stateDir(place?: string): string;
  /** Resolves when the journal holds so many acknowledgements. */
  acknowledged(count: number): Promise<void>;
}

/** Sets the scene for a test. */
export async function fanOutTest(body: (t: FanOut) => Promise<void>): Promise<void> {
  await using homeserver = await LoopbackHomeserver.start();
  await using ntfy = await LoopbackNtfy.start();
  await using gotify = await LoopbackGotify.start();
  await using telegram = await LoopbackTelegram.start({ perMinute: 1000 });
  await using webhook = await LoopbackWebhook.start();
  await using email = await SmtpServer.start({ login: LOGIN });
  // It ends the deliverers that are left behind before the folder goes.
  await using state = await StateFolder.create();
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
  const stateDir = (place = "own") => `${state.path}/${place}`;
  const program = [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    ...inheritedConfig(),
    `${import.meta.dirname}/../../mod.ts`,
  ];
  function start(args: readonly string[], { place, through = [] }: StartOptions = {}): Deno.ChildProcess {
    const [path, ...rest] = [...through, ...program, ...args, "--config", configFile, "--state-dir", stateDir(place)];
    return new Deno.Command(path, { args: rest, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  }
  await body({
    ...{ homeserver, telegram, email, start, stateDir },
    async counts(subject = "") {
      // The mail server has taken what was acknowledged, and tells of it by a pipe.
      const mails = await Promise.all(email.mails.map(({ data }) => readMail(data)));
      const subjects = [
        homeserver.events(room).map(({ content }) => String(content.body).split("\n")[0]),
        ntfy.messages("alerts").map(({ title = "" }) => title),
        gotify.messages.map(({ title }) => title),
        telegram.messages("1001").map(({ text }) => text.split("\n")[0]),
        mails.map(({ headers }) => headers.subject),
        webhook.deliveries.map(({ body }) => `[jump] ${(body as Record<string, unknown>).subject}`),
      ];
      return subjects.map((some) => some.filter((one) => subject === "" || one === `[jump] ${subject}`).length);
    },
    async run(args, options) {
      const { code, signal, stdout, stderr } = await start([...args, "--json"], options).output();
      const text = new TextDecoder().decode(stdout);
      const lines = text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
      const states = Object.fromEntries(lines.map(({ channel, state }) => [channel, state]));
      return { code, signal, states, stdout: text, stderr: new TextDecoder().decode(stderr) };
    },
    async acknowledged(count) {
      const folder = `${stateDir()}/queue`;
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
