/**
 * Fuzzes the HTTP listener of a whole `serve` through raw connections: random requests of all
 * protocols, broken HTTP, slow and silent clients. {@linkcode REQUESTS} requests are one case.
 *
 * ```text
 * a request that is valid HTTP   has one answer, and its status is not 500
 * broken HTTP                    is refused, or its connection is closed
 * a client after each case       gets its 202, while the others do anything
 * ```
 *
 * Some clients stay connected and send nothing more. The oldest one leaves when there are too many.
 *
 * @module
 */

import type { IncomingRequest } from "../../src/ingest/http/request.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { serve } from "../../src/server/serve.ts";
import { type Dice, garbage, seededDice } from "../faults/crash_dice.ts";
import { type Fuzzer, type FuzzPlayer, withinRealTime } from "./fuzzer.ts";
import { changeBytes, concat, pick } from "./hostile.ts";
import { randomRequest } from "./requests.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** The number of requests of a case. */
const REQUESTS = 50;

/** The largest number of clients that stay connected. */
const MAX_SILENT = 200;

const TOKEN = "tk-0123456789abcdef";

/**
 * Paths beside those of {@linkcode randomRequest}: questions, the Matrix façade, and unknown ones.
 */
const PATHS = [
  ...["/", "/healthz", "/metrics", "/version", "/v1/health", "/health", "/favicon.ico", "/status", "*", "//", "/a/b/c"],
  ...["/_matrix/client/versions", "/_matrix/client/v3/login", "/_matrix/client/v3/account/whoami"],
  ...["/_matrix/client/v3/join/%21a%3Ab", "/_matrix/client/v3/directory/room/%23a%3Ab", "/_matrix/client/v3/sync"],
  ...["/_matrix/client/v3/rooms/%21a%3Ab/send/m.room.message/1", "/_matrix/client/r0/rooms/!a:b/send/m.room.message/2"],
  ...["/_matrix/media/v3/upload?filename=a", "/notify%00", "/%zz", "/%ff%fe", "/../../etc/passwd", "/notify?%=%zz&&="],
];

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "G\x00T"];

/**
 * Heads that are not valid HTTP/1.1, that try to hide a second request, or that ask for other
 * protocols.
 */
const BROKEN: readonly ((dice: Dice) => string)[] = [
  () =>
    "POST /notify HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nabc",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\na",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nabcde\n0\n\n",
  (dice) =>
    `POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;${
      "a".repeat(dice(100_000))
    }\r\nabcde\r\n0\r\n\r\n`,
  (dice) =>
    `POST /notify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"A: b\r\n".repeat(dice(5000))}\r\n`,
  (dice) => `POST /notify HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(dice(20_000))}\r\n`,
  (dice) => `POST /notify HTTP/1.1\r\nHost: a\r\nA: ${"b".repeat(dice(1_000_000))}\r\n\r\n`,
  (dice) => `POST /${"a".repeat(dice(1_000_000))} HTTP/1.1\r\nHost: a\r\n\r\n`,
  () => "POST /notify HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
  () => "POST /notify HTTP/1.1\nHost: a\nContent-Length: 1\n\na",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nA\x00b: c\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
  () => "POST /notify HTTP/1.0\r\n\r\n",
  () => "POST /notify HTTP/2.0\r\nHost: a\r\n\r\n",
  () => "POST /notify HTTP/9.9\r\nHost: a\r\n\r\n",
  () => "GET /\r\n",
  () => "\r\n\r\n\r\n\r\n",
  () => "GET http://other.example/notify HTTP/1.1\r\nHost: a\r\n\r\n",
  () => "GET http://[::1 HTTP/1.1\r\nHost: [[\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a b/c?d#e\r\nContent-Length: 1\r\n\r\na",
  () => "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n",
  () => "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
  () => "POST /notify HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\nabcde",
  () =>
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  () =>
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n",
  (dice) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${decoder.decode(garbage(dice(500), dice))}`,
  () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x82",
  () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  () => "HELO mail.example\r\nMAIL FROM:<a@b>\r\n",
  () => "SSH-2.0-OpenSSH_9.9\r\n",
];

/** Writes a request as HTTP/1.1, with a length or in chunks. */
function toBytes({ method, path, query, headers, body }: IncomingRequest, dice: Dice, isLast: boolean): Uint8Array {
  const isChunked = dice(4) === 0;
  const search = query.size === 0 ? "" : `?${query}`;
  const lines = [`${method} ${path}${search} HTTP/1.1`, "Host: 127.0.0.1", `Authorization: Bearer ${TOKEN}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (dice(8) === 0) lines.push("Expect: 100-continue");
  lines.push(isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`);
  if (isLast) lines.push("Connection: close");
  const head = Uint8Array.from(`${lines.join("\r\n")}\r\n\r\n`, (character) => character.charCodeAt(0));
  return concat(head, isChunked ? toChunks(body, dice) : body);
}

function toChunks(body: Uint8Array, dice: Dice): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length;) {
    // After 200 chunks, one chunk has the rest.
    const size = parts.length > 600 ? body.length : 1 + dice(pick(dice, [3, 500, 50_000]));
    const part = body.subarray(at, at + size);
    parts.push(encoder.encode(`${part.length.toString(16)}\r\n`), part, encoder.encode("\r\n"));
    at += part.length;
  }
  return concat(...parts, encoder.encode("0\r\n\r\n"));
}

/** Builds a request that is valid HTTP. Its path and its method can be unknown. */
function validRequest(dice: Dice): IncomingRequest {
  const { request } = randomRequest(dice);
  if (dice(5) > 0) return request;
  return {
    ...request,
    method: pick(dice, METHODS.slice(0, 8)),
    path: pick(dice, PATHS.filter((path) => path !== "*")),
  };
}

/** Returns the status codes of the answers on a connection, without interim ones. */
function statuses(answers: Uint8Array): number[] {
  return [...decoder.decode(answers).matchAll(/(?<=^|\n)HTTP\/1\.[01] (\d{3}) /g)]
    .map(([, status]) => Number(status)).filter((status) => status >= 200);
}

/** `serve` with a queue whose notifications are delivered at once, and the clients. */
class Listener implements FuzzPlayer {
  readonly #directory = Deno.makeTempDirSync({ prefix: "matrix-notify-fuzz-" });
  readonly #real = denoRuntime();
  readonly #stop = new AbortController();
  readonly #silent: Deno.Conn[] = [];
  readonly #log: string[] = [];
  #served: Promise<void> = Promise.resolve();
  #port = 0;
  #witnessed = 0;

  async open(): Promise<this> {
    const configFile = `${this.#directory}/config.json`;
    const senders = { fuzzer: { token: TOKEN }, host: { networks: ["127.0.0.0/8"] } };
    const hooks = { pve: { preset: "proxmox" }, nas: { preset: "truenas" }, any: { subject: "{{a.b}}", key: "{{k}}" } };
    const http = { port: 0, senders, hooks, rateLimit: { count: 1_000_000, per: "1s" } };
    const channels = { hook: { kind: "webhook", url: "http://127.0.0.1:9/" } };
    await Deno.writeTextFile(configFile, JSON.stringify({ channels, serve: { http } }), { mode: 0o600 });
    const runtime = { ...this.#real, fetch: () => Promise.resolve(new Response("ok")) };
    const listening = Promise.withResolvers<void>();
    this.#served = serve({
      runtime,
      open: () => NotifierCore.open({ runtime, configFile, stateDir: `${this.#directory}/state`, role: "deliverer" }),
      log: (text) => void this.#log.push(text),
      stop: this.#stop.signal,
      stopMs: 1000,
      onReload() {},
      onReady: (addresses) => {
        this.#port = Number(/:(\d+)$/.exec(addresses.join(""))?.[1]);
        listening.resolve();
      },
    });
    await Promise.race([listening.promise, this.#served]);
    return this;
  }

  async play(seed: number): Promise<string> {
    const dice = seededDice(seed);
    const kind = pick(dice, ["valid", "valid", "valid", "damaged", "broken", "silent"] as const);
    const before = this.#log.length;
    const connecting: Promise<void>[] = [];
    for (let left = REQUESTS; left > 0;) {
      const count = Math.min(left, 1 + dice(6));
      connecting.push(this.#connect(kind, count, dice));
      left -= count;
    }
    await withinRealTime(Promise.all(connecting), `${connecting.length} connections (${kind})`);
    await withinRealTime(this.#witness(), "the request of another client");
    const problem = this.#log.slice(before).find((line) => !/not (?:known|delivered)|: refused /.test(line));
    if (problem !== undefined) throw new Error(`serve logged: ${problem}`);
    return `${REQUESTS} ${kind} requests`;
  }

  async #connect(kind: "valid" | "damaged" | "broken" | "silent", count: number, dice: Dice): Promise<void> {
    const requests = Array.from({ length: count }, (_, at) => toBytes(validRequest(dice), dice, at === count - 1));
    if (kind === "valid") return await this.#check(concat(...requests), count, dice);
    if (kind === "damaged") return await this.#send(changeBytes(concat(...requests), dice), dice);
    if (kind === "broken") {
      const broken = Uint8Array.from(pick(dice, BROKEN)(dice), (character) => character.charCodeAt(0) & 0xff);
      return await this.#send(dice(3) === 0 ? concat(broken, ...requests) : broken, dice);
    }
    // Half of a request, or nothing.
    const all = concat(...requests);
    const connection = await this.#write(all.subarray(0, dice(2) * dice(all.length)), dice);
    this.#silent.push(connection);
    if (this.#silent.length > MAX_SILENT) this.#silent.shift()?.close();
  }

  /** Sends valid requests. Each must have an answer that is no failure. */
  async #check(bytes: Uint8Array, count: number, dice: Dice): Promise<void> {
    const connection = await this.#write(bytes, dice);
    const answers = await readAll(connection);
    const codes = statuses(answers);
    // An answer to TRACE or an early refusal can close the connection.
    if (codes.length === 0 || codes.length > count) throw new Error(`${count} requests have the answers ${codes}`);
    this.#refuseFailures(codes, answers);
  }

  /** Sends bytes that may be no HTTP, and closes its side of the connection. */
  async #send(bytes: Uint8Array, dice: Dice): Promise<void> {
    const connection = await this.#write(bytes, dice);
    await connection.closeWrite().catch(() => {});
    const answers = await readAll(connection);
    this.#refuseFailures(statuses(answers), answers);
  }

  #refuseFailures(codes: readonly number[], answers: Uint8Array): void {
    const failure = codes.find((status) => status >= 500);
    if (failure !== undefined) {
      throw new Error(`The answer is ${failure}: ${decoder.decode(answers.subarray(-500))} ${this.#log.slice(-3)}`);
    }
  }

  /** Connects and writes bytes, in one piece or in several. The server may close the connection. */
  async #write(bytes: Uint8Array, dice: Dice): Promise<Deno.Conn> {
    const connection = await Deno.connect({ port: this.#port });
    const pieceSize = dice(3) === 0 ? 1 + dice(Math.max(1, Math.floor(bytes.length / 3))) : bytes.length;
    void (async () => {
      for (let at = 0; at < bytes.length; at += pieceSize) {
        const piece = bytes.subarray(at, at + pieceSize);
        for (let done = 0; done < piece.length;) done += await connection.write(piece.subarray(done));
      }
    })().catch(() => {});
    return connection;
  }

  /** A client of its own sends a notification. */
  async #witness(): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/notify`, {
      method: "POST",
      headers: { "Idempotency-Key": `witness ${++this.#witnessed}` },
      body: "another client",
    });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`Another client gets ${response.status} ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#silent) connection.close();
    this.#stop.abort();
    await this.#served;
    this.#real[Symbol.dispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Reads until the server closes the connection. */
async function readAll(connection: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of connection.readable) chunks.push(chunk);
  } catch {
    // The connection was reset. The stream has closed it.
  }
  return concat(...chunks);
}

export const connections: Fuzzer = {
  name: "connections",
  open: () => new Listener().open(),
};
