/**
 * A network whose servers lie: it passes requests on to honest servers, and changes their answers.
 *
 * @module
 */

import type { Runtime } from "../../src/runtime/runtime.ts";
import { type Dice, garbage } from "../faults/crash_dice.ts";
import type { FuzzHost } from "./fuzzer.ts";
import { changeBytes, changeJson, hostileText, pick } from "./hostile.ts";

/** What an honest server would answer, and what it was asked. */
interface Exchange {
  readonly host: FuzzHost;
  readonly url: string;
  readonly init: RequestInit;
  /** Asks the honest server. */
  readonly ask: () => Promise<Response>;
}

/** A way to lie. */
type Lie = (exchange: Exchange, dice: Dice) => Promise<Response>;

/** Statuses that a response of `fetch` can have. */
const STATUSES = [200, 200, 201, 202, 206, 300, 301, 302, 307, 400, 401, 401, 403, 404, 405, 407, 408, 409, 413, 418]
  .concat([429, 429, 451, 500, 501, 502, 503, 504, 511, 599]);
/** Statuses of responses without a body. */
const EMPTY_STATUSES = [204, 205, 304];

const HEADERS = [
  ...["Retry-After", "Retry-After", "Location", "Content-Type", "Content-Length", "Content-Encoding", "Server"],
  ...["X-RateLimit-Reset", "Set-Cookie", "WWW-Authenticate", "Link", "Date", "X-Matrix-Error"],
];

/** The largest answer that a server sends, in bytes. A client must stop long before its end. */
const ENDLESS_BYTES = 256 * 2 ** 20;

const LIES: Readonly<Record<string, Lie>> = {
  "another status": async ({ ask }, dice) => {
    const { headers, body } = await ask();
    return new Response(body, { status: pick(dice, STATUSES), headers });
  },
  "another status without an action": async (exchange, dice) => {
    const status = pick(dice, [...STATUSES, ...EMPTY_STATUSES].filter((status) => status < 200 || status > 299));
    const body = EMPTY_STATUSES.includes(status) ? null : changeJson(errorOf(exchange, dice), dice);
    return await Promise.resolve(new Response(body, { status, headers: lyingHeaders(dice) }));
  },
  "an empty status": async ({ ask }, dice) => {
    await (await ask()).body?.cancel();
    return new Response(null, { status: pick(dice, EMPTY_STATUSES) });
  },
  "headers": async ({ ask }, dice) => {
    const { status, headers, body } = await ask();
    const all = new Headers(headers);
    for (const [name, value] of lyingHeaders(dice)) all.set(name, value);
    return new Response(body, { status, headers: all });
  },
  "changed JSON": changeAnswer,
  "changed JSON and headers": async (exchange, dice) => {
    const { status, body } = await changeAnswer(exchange, dice);
    return new Response(body, { status, headers: lyingHeaders(dice) });
  },
  "changed bytes": async ({ ask }, dice) => {
    const answer = await ask();
    const bytes = changeBytes(await answer.bytes(), dice);
    return new Response(bytes as BodyInit, { status: answer.status, headers: answer.headers });
  },
  "an echo of the request": async ({ ask, url, init }, dice) => {
    const answer = await ask();
    const known = JSON.stringify(Object.fromEntries(new Headers(init.headers)));
    const said = pick(dice, [url, decodeURIComponent(new URL(url).pathname), known, encodeURIComponent(url)]);
    const fields = {
      error: said,
      errcode: said,
      message: said,
      description: said,
      detail: said,
      event_id: said,
      id: said,
    };
    await answer.body?.cancel();
    return Response.json(fields, { status: pick(dice, STATUSES) });
  },
  "a page": async ({ ask }, dice) => {
    await (await ask()).body?.cancel();
    const title = pick(dice, ["Log in", "502 Bad Gateway", hostileText(dice)]);
    return new Response(`<!DOCTYPE html><title>${title}</title>`, { status: pick(dice, STATUSES) });
  },
  "garbage": async ({ ask }, dice) => {
    const { status, body } = await ask();
    await body?.cancel();
    return new Response(garbage(dice(2000), dice) as BodyInit, { status });
  },
  "an endless answer": async ({ ask }, dice) => {
    const { status, body } = await ask();
    await body?.cancel();
    const chunk = new TextEncoder().encode(pick(dice, ["[", " ", '{"a":', "x", '"']).repeat(100_000));
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent > ENDLESS_BYTES) throw new Error("The client reads an endless answer");
        sent += chunk.length;
        controller.enqueue(chunk);
      },
    });
    return new Response(stream, { status });
  },
  "an early end": async ({ ask }, dice) => {
    const { status, headers, ...answer } = await ask().then(async (answer) => ({
      status: answer.status,
      headers: answer.headers,
      bytes: await answer.bytes(),
    }));
    const part = answer.bytes.subarray(0, dice(answer.bytes.length + 1));
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(part),
      pull: (controller) => controller.error(new TypeError("error reading a body from connection")),
    });
    return new Response(stream, { status, headers });
  },
  "refused": () =>
    Promise.reject(fetchError("client error (Connect): tcp connect error: Connection refused (os error 111)")),
  "reset": async ({ ask }) => {
    await (await ask()).body?.cancel();
    throw fetchError("client error (SendRequest): connection closed before message completed");
  },
  "silence": async ({ ask, host, init }, dice) => {
    if (dice(2) === 0) await (await ask()).body?.cancel();
    await host.pass(init);
    throw new Error("The request has no time limit");
  },
  "silence in the body": async ({ ask, host, init }) => {
    const { status, body } = await ask();
    await body?.cancel();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await host.pass(init).catch((error) => controller.error(error));
      },
    });
    return new Response(EMPTY_STATUSES.includes(status) ? null : stream, { status });
  },
};

function fetchError(cause: string): TypeError {
  return new TypeError("error sending request", { cause: new Error(cause) });
}

async function changeAnswer({ ask }: Pick<Exchange, "ask">, dice: Dice): Promise<Response> {
  const { status, headers, ...rest } = await ask().then(async (answer) => ({
    status: answer.status,
    headers: answer.headers,
    text: await answer.text(),
  }));
  return new Response(changeJson(parse(rest.text), dice), { status, headers });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns an error in the form that one of the services uses. */
function errorOf(_: Exchange, dice: Dice): unknown {
  return pick<unknown>(dice, [
    {
      errcode: pick(dice, ["M_UNKNOWN_TOKEN", "M_FORBIDDEN", "M_LIMIT_EXCEEDED", "M_NOT_FOUND", "constructor"]),
      error: "x",
    },
    { errcode: "M_UNKNOWN_TOKEN", soft_logout: true, error: "x" },
    { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: pick(dice, [1e306, -1, 0, 1e-9, 86_400_000]), error: "x" },
    { code: pick(dice, [40013, 42901, 50701]), http: 429, error: "x", link: "https://ntfy.sh" },
    {
      ok: false,
      error_code: 429,
      description: "x",
      parameters: { retry_after: pick(dice, [1e15, -1, 5]), migrate_to_chat_id: -7 },
    },
    {
      error: pick(dice, ["invalid_token", "authorization_pending", "slow_down", "expired_token", "access_denied"]),
      errorCode: 401,
      errorDescription: "x",
    },
  ]);
}

function lyingHeaders(dice: Dice): Headers {
  const headers = new Headers();
  for (let times = dice(4); times > 0; times--) {
    // `fetch` does not pass on other characters.
    const value = hostileText(dice).replace(/[^\x20-\x7e\x80-\xff]/g, "").slice(0, 2000);
    headers.set(pick(dice, HEADERS), value);
  }
  return headers;
}

/** The network of one case. */
export class LyingNetwork {
  readonly #host: FuzzHost;
  readonly #dice: Dice;
  readonly #origins: Readonly<Record<string, string>>;
  readonly #real: Runtime["fetch"];
  /** The kinds of lies so far. */
  readonly lies = new Set<string>();
  /** Every how many requests is answered with a lie; 0 for an honest network. */
  every: number;

  /** @param origins the addresses of honest servers, by the origin that clients see */
  constructor(host: FuzzHost, dice: Dice, origins: Readonly<Record<string, string>>) {
    this.#host = host;
    this.#dice = dice;
    this.#origins = origins;
    this.#real = (url, init) => fetch(url, init);
    this.every = 1 + dice(4);
  }

  /** Answers a request, like `fetch`. */
  async fetch(url: string, init: RequestInit): Promise<Response> {
    const { origin } = new URL(url);
    const known = Object.hasOwn(this.#origins, origin) ? this.#origins[origin] : undefined;
    const ask = async () => {
      if (known === undefined) {
        throw fetchError("client error (Connect): dns error: failed to lookup address information");
      }
      const answer = await this.#real(known + url.slice(origin.length), init);
      const bytes = await answer.bytes();
      const { status, headers } = answer;
      return new Response(EMPTY_STATUSES.includes(status) ? null : bytes, { status, headers });
    };
    if (this.every === 0 || this.#dice(this.every) > 0) return await ask();
    const [name, lie] = pick(this.#dice, Object.entries(LIES));
    this.lies.add(name);
    return await lie({ host: this.#host, url, init, ask }, this.#dice);
  }
}
