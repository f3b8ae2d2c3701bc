/**
 * Fuzzes the program as a process: arguments that are not UTF-8, hostile input, HTTP that is broken
 * on the wire, and SMTP servers that lie.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { denoCache } from "../fakes/deno_cache.ts";
import { type Dice, garbage, seededDice } from "../faults/crash_dice.ts";
import { checkResult, type Fuzzer, FuzzHost, withinRealTime } from "./fuzzer.ts";
import { changeBytes, concat, hostileText, pick } from "./hostile.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const ENTRY = new URL("../../src/main.ts", import.meta.url).pathname;

/** The heap of the program, in MiB. */
const HEAP_MIB = 192;

/** The longest argument; Linux accepts 128 KiB. */
const MAX_ARGUMENT_BYTES = 100_000;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program with arguments that are any bytes except 0. */
async function run(host: FuzzHost, argv: readonly Uint8Array[], stdin?: Uint8Array): Promise<Ended> {
  const words = host.write("words", concat(...argv.flatMap((word) => [word, Uint8Array.of(0)])));
  const input = stdin === undefined ? "/dev/null" : host.write("stdin", stdin);
  const deno = [Deno.execPath(), "run", "-A", "-q", "--no-prompt", `--v8-flags=--max-old-space-size=${HEAP_MIB}`];
  const child = new Deno.Command("sh", {
    // `xargs` turns the exit codes 1 to 125 into 123, so a shell writes the code to a file.
    args: [
      // Without `-s`, `xargs` runs the program twice if all words are longer than 128 KiB.
      ...["-c", 'words=$1; shift; exec xargs -0 -x -s 1000000 -a "$words" "$@"', "sh", words],
      ...[
        "sh",
        "-c",
        'input=$1 code=$2; shift 2; "$@" < "$input"; echo $? > "$code"',
        "sh",
        input,
        `${host.directory}/code`,
      ],
      ...[...deno, ...inheritedConfig(), ENTRY],
    ],
    clearEnv: true,
    env: { ...host.env, DENO_DIR: denoCache(), PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", NO_COLOR: "1" },
    cwd: host.directory,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const shown = argv.map((word) => decoder.decode(word).slice(0, 200));
  const { stdout, stderr } = await withinRealTime(child.output(), shown.join(" "));
  const code = Number(Deno.readTextFileSync(`${host.directory}/code`));
  const ended = { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  checkResult({ argv: shown, ...ended });
  return ended;
}

const words = (...argv: readonly string[]) => argv.map((word) => encoder.encode(word));

/** A word of any bytes except 0. It is not an option. */
function anyWord(dice: Dice): Uint8Array {
  const bytes = pick(dice, [
    () => garbage(1 + dice(30), dice),
    () => changeBytes(encoder.encode(hostileText(dice)), dice),
    () => new Uint8Array(dice(MAX_ARGUMENT_BYTES)).fill(1 + dice(255)),
    () => encoder.encode(hostileText(dice)),
  ])().filter((byte) => byte !== 0);
  return bytes[0] === 0x2d ? bytes.subarray(1) : bytes.slice(0, MAX_ARGUMENT_BYTES);
}

const FLAGS = ["--no-background", "--wait"];

/** Sends words of any bytes. An alert is never refused because of its form. */
async function playWords(dice: Dice): Promise<string> {
  using host = openHost({ kind: "ntfy", server: "http://127.0.0.1:1", topic: "a" });
  const options = pick(dice, [[], ["--key", "x"], ["--origin"], ["--link"], ["--id"], ["--format", "html"]]);
  const last = options.length === 1 ? [anyWord(dice)] : [];
  const argv = [...words("send", ...FLAGS, "0s", ...options), ...last, anyWord(dice), anyWord(dice)];
  const { code, err } = await run(host, argv, dice(2) === 0 ? garbage(dice(5000), dice) : undefined);
  if (code !== 0) throw new Error(`An alert of strange bytes is refused: ${code}: ${err}`);
  await run(host, words("queue", "list"));
  return "arguments";
}

/** Sends hostile text through standard input. */
async function playInput(dice: Dice): Promise<string> {
  using host = openHost({ kind: "ntfy", server: "http://127.0.0.1:1", topic: "a" });
  const piece = pick(dice, [
    encoder.encode(hostileText(dice)),
    garbage(1 + dice(9), dice),
    encoder.encode("a\x1b[1K\r"),
  ]);
  const times = Math.floor(2 ** (10 + dice(12)) / Math.max(1, piece.length));
  const stdin = new Uint8Array(times * piece.length);
  for (let at = 0; at < stdin.length; at += piece.length) stdin.set(piece, at);
  const command = pick(dice, [
    words("send", ...FLAGS, "0s", "Subject"),
    words("send", ...FLAGS, "0s", "--format", "markdown", "Subject"),
    words("send", ...FLAGS, "0s", "--format", "html", ""),
    words("sendmail", ...FLAGS, "0s", "-i"),
  ]);
  const { code, err } = await run(host, command, stdin);
  if (code !== 0) throw new Error(`An alert is refused: ${code}: ${err}`);
  return "standard input";
}

function openHost(channel: Readonly<Record<string, unknown>>): FuzzHost {
  const host = new FuzzHost();
  const config = { background: false, channels: { it: channel } };
  host.env.MATRIX_NOTIFY_CONFIG = host.write("config.json", JSON.stringify(config));
  return host;
}

/** A server that answers each connection with some bytes. */
class RawServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;

  constructor(answer: (connection: Deno.Conn) => Promise<void>) {
    this.#serving = this.#serve(answer);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(answer: (connection: Deno.Conn) => Promise<void>): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      // The client may have ended the connection.
      answer(connection).catch(() => {}).finally(() => this.#close(connection));
    }
  }

  #close(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    for (const connection of this.#connections) this.#close(connection);
  }
}

/** Writes all bytes, in a few parts. */
async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at, at + 65_536));
}

/** Waits until the client ends the connection. */
async function waitForEnd(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  while (await connection.read(buffer) !== null);
}

const GOOD_BODY = '{"id":"abc","event_id":"$abc","time":1,"event":"message","topic":"a"}';

/** Creates the bytes of a broken answer. */
function brokenHttp(dice: Dice): Uint8Array {
  const body = pick(dice, [GOOD_BODY, "", "{", "x".repeat(dice(100_000)), hostileText(dice)]);
  const gzip = Uint8Array.fromHex("1f8b0800000000000003");
  const head = (lines: string) =>
    encoder.encode(`HTTP/1.1 ${pick(dice, [200, 200, 429, 500, 401])} OK\r\n${lines}\r\n`);
  return pick(dice, [
    () => concat(head(`Content-Length: ${body.length + 1 + dice(1e6)}\r\n`), encoder.encode(body)),
    () =>
      concat(
        head(`Content-Length: ${pick(dice, ["-1", "1e9", "99999999999999999999", "0x10", "5, 6"])}\r\n`),
        encoder.encode(body),
      ),
    () =>
      concat(
        head("Transfer-Encoding: chunked\r\n"),
        encoder.encode(`${pick(dice, ["zz", "-1", "ffffffffffffffff", "3"])}\r\n${body}`),
      ),
    () => concat(head("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), encoder.encode(`5\r\n${body}`)),
    () => concat(head("Content-Encoding: gzip\r\n"), gzip, garbage(200, dice)),
    () => concat(head(`Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n`), encoder.encode(body)),
    () => concat(head(`Content-Encoding: ${pick(dice, ["br", "zstd", "x", "gzip, gzip"])}\r\n`), encoder.encode(body)),
    () => concat(head(`X-A: ${"a".repeat(dice(2_000_000))}\r\n`), encoder.encode(body)),
    () => head(`X-A: b\r\n`.repeat(dice(5000))),
    () => encoder.encode(`HTTP/${pick(dice, ["9.9", "0.9", "1.1"])} ${pick(dice, ["", "9999", "abc", "20"])}\r\n\r\n`),
    () => changeBytes(concat(head(`Content-Length: ${body.length}\r\n`), encoder.encode(body)), dice),
    () => encoder.encode("HTTP/1.1 100 Continue\r\n\r\n".repeat(dice(10_000))),
    () => garbage(dice(5000), dice),
    () => new Uint8Array(),
  ])();
}

async function playHttp(dice: Dice): Promise<string> {
  const bytes = brokenHttp(dice), stays = dice(3) === 0, waitsFirst = dice(3) > 0;
  await using server = new RawServer(async (connection) => {
    if (waitsFirst) await connection.read(new Uint8Array(65_536));
    await write(connection, bytes);
    if (stays) await waitForEnd(connection);
  });
  const url = `http://127.0.0.1:${server.port}`;
  const channel = pick<Readonly<Record<string, unknown>>>(dice, [
    { kind: "ntfy", server: url, topic: "a" },
    { kind: "gotify", server: url, token: "A-token" },
    { kind: "webhook", url: `${url}/hook` },
    { kind: "slack", url: `${url}/hook` },
    { kind: "matrix", homeserver: url, accessToken: "token", room: "!a:b" },
  ]);
  await playSend(channel, dice);
  return "broken HTTP";
}

const SMTP_LINES = [
  ...["220 ok", "250 ok", "250-mail.test\r\n250-SIZE 1\r\n250 AUTH PLAIN LOGIN", "250-STARTTLS\r\n250 PIPELINING"],
  ...[
    "354 go on",
    "421 busy",
    "450 later",
    "452 full",
    "530 login",
    "550 5.1.1 no such user",
    "552 too large",
    "554 no",
  ],
  ...[
    "999 what",
    "2",
    "250",
    "250-",
    "-1 x",
    "\x1b[31m250 ok",
    "250 \x1b]0;x\x07",
    "HTTP/1.1 200 OK",
    "334 VXNlcm5hbWU6",
  ],
];

async function playSmtp(dice: Dice): Promise<string> {
  const honest = ["220 ok", "250-mail.test\r\n250 SIZE 1000000", "250 ok", "250 ok", "354 go on", "250 ok", "221 bye"];
  const lies = honest.map((line) => pick(dice, [line, line, line, pick(dice, SMTP_LINES), `250 ${hostileText(dice)}`]));
  const stays = dice(4) === 0, bytes = dice(8) === 0 ? garbage(dice(3000), dice) : undefined;
  await using server = new RawServer(async (connection) => {
    const buffer = new Uint8Array(65_536);
    if (bytes !== undefined) await write(connection, bytes);
    for (const line of lies) {
      await write(connection, encoder.encode(`${line}\r\n`));
      if (await connection.read(buffer) === null) return;
    }
    if (stays) await waitForEnd(connection);
  });
  const addresses = { server: "127.0.0.1", port: server.port, from: "a@b.test", to: "c@d.test" };
  await playSend({ kind: "email", security: pick(dice, ["none", "none", "starttls"]), ...addresses }, dice);
  return "a lying SMTP server";
}

/** Sends a notification, which must be delivered, or be in the queue with a reason. */
async function playSend(channel: Readonly<Record<string, unknown>>, dice: Dice): Promise<void> {
  using host = openHost(channel);
  const { code, err } = await run(
    host,
    words("send", "--no-background", "--wait", pick(dice, ["1s", "3s"]), "Disk full", "text"),
  );
  const { out } = await run(host, words("queue", "list", "--json"));
  const entries = out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  if (code === 75) throw new Error(`The notification is not accepted: ${err}`);
  if (entries.some(({ state, reason }) => state !== "queued" && !reason)) {
    throw new Error(`An entry has no reason: ${out}`);
  }
  if (code !== 0 && entries.length === 0) throw new Error(`The notification is lost: ${code}: ${err}`);
  if (dice(4) === 0) await run(host, words("doctor"));
}

export const programs: Fuzzer = {
  name: "programs",
  runsPrograms: true,
  open: () =>
    Promise.resolve({
      async play(seed) {
        const dice = seededDice(seed);
        return await pick(dice, [playWords, playInput, playHttp, playHttp, playSmtp])(dice);
      },
      async [Symbol.asyncDispose]() {},
    }),
};
