/**
 * A scene with six channels of six kinds, strict loopback servers, and the program as a real
 * process.
 */

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

/** The names of the channels. */
export const NAMES = ["matrix", "phone", "gotify", "telegram", "email", "hook"] as const;

/** The credentials of the mail server. */
export const LOGIN = { user: "bot", password: "correct-horse" };

/** Options for starting a process. */
export interface StartOptions {
  /** The name of the state directory. @default {"own"} */
  readonly stateName?: string;
  /** A command that starts the program, such as `strace`. */
  readonly wrapper?: readonly string[];
}

/** The result of a process. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** The states of the outcomes, by channel. */
  readonly states: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly stderr: string;
}

/** The servers, the program and the state directories of a test. */
export interface FanOut {
  readonly homeserver: LoopbackHomeserver;
  readonly telegram: LoopbackTelegram;
  readonly email: SmtpServer;
  /** Counts the messages with a subject at each channel, in the order of {@linkcode NAMES}. */
  counts(subject?: string): Promise<number[]>;
  /** Runs the program with `--json` until it ends. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** Starts the program. */
  start(args: readonly string[], options?: StartOptions): Deno.ChildProcess;
  /** Returns the path of a state directory. */
  stateDir(name?: string): string;
  /** Waits until the journal has this many `ack` records. */
  acknowledged(count: number): Promise<void>;
}

/** Runs a test with its servers. */
export async function fanOutTest(body: (t: FanOut) => Promise<void>): Promise<void> {
  await using homeserver = await LoopbackHomeserver.start();
  await using ntfy = await LoopbackNtfy.start();
  await using gotify = await LoopbackGotify.start();
  await using telegram = await LoopbackTelegram.start({ perMinute: 1000 });
  await using webhook = await LoopbackWebhook.start();
  await using email = await SmtpServer.start({ login: LOGIN });
  // This ends background deliverers before the directory is removed.
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
  const stateDir = (name = "own") => `${state.path}/${name}`;
  const program = [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    ...inheritedConfig(),
    `${import.meta.dirname}/../../mod.ts`,
  ];
  function start(args: readonly string[], { stateName, wrapper = [] }: StartOptions = {}): Deno.ChildProcess {
    const [path, ...rest] = [
      ...wrapper,
      ...program,
      ...args,
      "--config",
      configFile,
      "--state-dir",
      stateDir(stateName),
    ];
    return new Deno.Command(path, { args: rest, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  }
  await body({
    ...{ homeserver, telegram, email, start, stateDir },
    async counts(subject = "") {
      // The mail server reports the mails that it accepted through a pipe.
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
