/**
 * The HTTP receiver. It finds the sender, reads the body, lets the protocol of the path read the
 * notifications, and answers when all of them are on disk.
 *
 * ```text
 * sender (network, token) -> rate -> size -> protocol.read() -> context.accept() -> answer
 * ```
 *
 * @module
 */

import { ConfigError, formatError, StorageError } from "../base/errors.ts";
import { DEFAULT_RATE_LIMIT, type HttpSettings, readServerCertificate } from "../config/serve.ts";
import { isMatrixPath } from "../ingest/http/matrix/questions.ts";
import { webhookToken } from "../ingest/http/matrix/webhook.ts";
import { chooseProtocol, createHooks, plainPath, PROBES } from "../ingest/http/protocols.ts";
import {
  type Answer,
  MAX_REQUEST_BYTES,
  type Protocol,
  type Refusal,
  REFUSALS,
  type RequestContext,
  textAnswer,
} from "../ingest/http/request.ts";
import type { Outcome } from "../notifier/outcomes.ts";
import type { Overview } from "../notifier/overview.ts";
import { RateLimiter, RefusalLog } from "./guards.ts";
import type { MatrixFacade } from "./matrix_facade.ts";
import { formatMetrics, HttpCounters } from "./metrics.ts";
import type { Peer, Receiver, ReceiverContext } from "./receiver.ts";
import { limitOf, logName, type Sender, Senders, usableChannels } from "./senders.ts";
import { Uploads } from "./uploads.ts";

/**
 * Creates the receiver.
 *
 * @throws {ConfigError} if the certificate or the key cannot be read
 */
export function createHttpReceiver(settings: HttpSettings): Receiver {
  const { host, port } = settings;
  let server: HttpServer | undefined;
  return {
    name: "http",
    address: { transport: "tcp", hostname: host, port, ...readServerCertificate(settings) },
    async handle(request, peer, context) {
      server ??= new HttpServer(settings, context);
      return toResponse(await server.answer(request, peer));
    },
  };
}

/** The answer for a request that no protocol reads. */
const NO_PATH = "there is no such path, or it takes another method";

const SIGN_IN = "sign in with any name, and the token of a sender as the password";

/** The texts for a browser that may not read the status page. */
const PAGE_REFUSALS: Partial<Record<Refusal, string>> = {
  "unauthorized": SIGN_IN,
  "no-token": SIGN_IN,
  "forbidden": "the status page needs the token of a sender: see senders and statusPage in serve.http",
};

/**
 * How long a summary of the queue is reused, in milliseconds. To summarize 10,000 entries takes
 * 30 ms.
 */
const SUMMARY_MS = 1_000;

/** Answers the requests of one listener. */
class HttpServer {
  readonly #context: ReceiverContext;
  readonly #senders: Senders;
  readonly #hooks: ReadonlyMap<string, Protocol>;
  readonly #limiter: RateLimiter;
  readonly #maxAgeMs: number;
  readonly #counters = new HttpCounters();
  readonly #refusals: RefusalLog;
  #facade: MatrixFacade | undefined;
  #healthCheck: { readonly time: number; readonly oldestSeconds: number } | undefined;
  #summary: { readonly time: number; readonly overview: Promise<Overview> } | undefined;

  constructor({ senders, hooks, rateLimit, maxAge }: HttpSettings, context: ReceiverContext) {
    this.#context = context;
    this.#senders = new Senders(senders);
    this.#hooks = createHooks(hooks);
    this.#limiter = new RateLimiter(rateLimit || DEFAULT_RATE_LIMIT, context.runtime.now);
    this.#maxAgeMs = maxAge;
    this.#refusals = new RefusalLog(context);
  }

  async answer(request: Request, peer: Peer): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === "GET" || request.method === "HEAD") {
      const answer = await this.#answerQuestion(pathname, request.headers, searchParams, peer);
      if (answer !== undefined) return answer;
    }
    const protocol = chooseProtocol(request.method, pathname, this.#hooks);
    const sender = await this.#senders.find(request.headers, searchParams, peer, webhookToken(plainPath(pathname)));
    if (protocol === undefined && isMatrixPath(pathname)) {
      const answer = await (await this.#openFacade()).answer(request, sender, peer);
      this.#counters.countRequest("matrix", answer.status);
      const isWrongLogin = answer.status === 403 && pathname.endsWith("/login");
      this.#logRefusal("matrix", isWrongLogin ? 401 : answer.status, sender, peer);
      return withRetryAfter(answer, 5000);
    }
    if (protocol === undefined) {
      if (request.method !== "GET" && request.method !== "HEAD") this.#logRefusal("unknown path", 404, sender, peer);
      return textAnswer(404, NO_PATH);
    }
    const answer = await this.#receive(request, { protocol, pathname, searchParams, sender, peer });
    this.#counters.countRequest(protocol.name, answer.status);
    this.#logRefusal(protocol.name, answer.status, sender, peer);
    return answer;
  }

  /**
   * Logs why a sender is refused. The path of the request is left out, because it can contain a
   * token.
   */
  #logRefusal(request: string, status: number, sender: Sender | Refusal, { ip }: Peer): void {
    const reason = status === 404 ? NO_PATH : Object.values(REFUSALS).find((known) => known.status === status)?.text;
    // The façade for Matrix clients also uses 403 for functions that it does not support. Some
    // answers with 404 are normal for Matrix clients.
    if (reason === undefined || status >= 500 || request === "matrix" && (status === 403 || status === 404)) return;
    const name = typeof sender === "string" ? "http" : logName(sender);
    this.#refusals.add(`${name} ${ip} ${status}`, `${name}: refused ${ip} (${request}): ${reason}`);
  }

  /** Returns the façade for Matrix clients. Its module is loaded when the first client needs it. */
  async #openFacade(): Promise<MatrixFacade> {
    const { MatrixFacade } = await import("./matrix_facade.ts");
    const [context, senders, limiter] = [this.#context, this.#senders, this.#limiter];
    return this.#facade ??= new MatrixFacade({ context, senders, limiter });
  }

  /**
   * Answers requests for the health check, the metrics and the status page. Also answers requests
   * with which clients of Gotify and ntfy check the server. Returns undefined for any other path.
   */
  async #answerQuestion(
    path: string,
    headers: Headers,
    query: URLSearchParams,
    peer: Peer,
  ): Promise<Answer | undefined> {
    if (Object.hasOwn(PROBES, path)) return PROBES[path];
    if (path === "/healthz") return this.#health();
    if (path === "/metrics") {
      const refusal = this.#refuse(await this.#senders.find(headers, query, peer), peer);
      return refusal ?? {
        status: 200,
        headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
        body: formatMetrics(this.#context.status(), this.#context.deliveries, this.#counters),
      };
    }
    if (path !== "/") return undefined;
    const refusal = this.#refuse(await this.#senders.findReader(headers, peer), peer, PAGE_REFUSALS);
    return refusal ?? await this.#page(query);
  }

  /**
   * Refuses a reader who has no permission, or who reads too often. A reader has one limit for
   * reading, and a separate limit for notifications. Requests with a wrong token have one limit for
   * both purposes.
   *
   * @returns undefined if the reader may read
   */
  #refuse(
    reader: Sender | Refusal,
    { ip }: Peer,
    texts: Partial<Record<Refusal, string>> = {},
  ): Answer | undefined {
    const waitMs = this.#limiter.take(typeof reader === "string" ? `refused ${ip}` : `reading ${reader.name} ${ip}`);
    const refusal = waitMs > 0 ? "too-many" : typeof reader === "string" ? reader : undefined;
    if (refusal === undefined) return undefined;
    const { status, text } = REFUSALS[refusal];
    return withRetryAfter(textAnswer(status, texts[refusal] ?? text), waitMs);
  }

  async #page(query: URLSearchParams): Promise<Answer> {
    const [{ renderPage, REFRESH_QUERY }, overview] = await Promise.all([import("./page/page.ts"), this.#summarize()]);
    const { deliveries } = this.#context;
    return { status: 200, ...await renderPage({ overview, deliveries, refreshes: query.has(REFRESH_QUERY) }) };
  }

  /** Summarizes the queue. Readers who come at nearly the same time get the same summary. */
  #summarize(): Promise<Overview> {
    const time = this.#context.runtime.now();
    if (this.#summary === undefined || Math.abs(time - this.#summary.time) >= SUMMARY_MS) {
      this.#summary = { time, overview: this.#context.overview() };
    }
    return this.#summary.overview;
  }

  /**
   * Answers the health check. A client needs no token, so the answer names no channel. The age of
   * the oldest entry is reused for {@linkcode SUMMARY_MS}.
   */
  #health(): Answer {
    const time = this.#context.runtime.now();
    if (this.#healthCheck === undefined || Math.abs(time - this.#healthCheck.time) >= SUMMARY_MS) {
      this.#healthCheck = { time, oldestSeconds: this.#context.status().oldestSeconds };
    }
    const { oldestSeconds } = this.#healthCheck;
    return oldestSeconds * 1000 > this.#maxAgeMs
      ? textAnswer(503, `the oldest entry has waited for ${oldestSeconds} s`)
      : textAnswer(200, "ok");
  }

  /** Returns the channels, the device and the uploaded files that a request of a sender can use. */
  #placesFor(sender: Sender): Omit<RequestContext, "now"> {
    const { channels, stateDir } = this.#context;
    return {
      channels: usableChannels(sender, channels()),
      isLimited: limitOf(sender) !== undefined,
      device: sender.device,
      uploads: new Uploads(stateDir()),
    };
  }

  async #receive(
    request: Request,
    { protocol, pathname, searchParams, sender, peer }: {
      readonly protocol: Protocol;
      readonly pathname: string;
      readonly searchParams: URLSearchParams;
      readonly sender: Sender | Refusal;
      readonly peer: Peer;
    },
  ): Promise<Answer> {
    const { now } = this.#context.runtime;
    // Requests with a wrong token do not use up the limit of the sender.
    const waitMs = this.#limiter.take(typeof sender === "string" ? `refused ${peer.ip}` : `${sender.name} ${peer.ip}`);
    if (waitMs > 0) return withRetryAfter(protocol.refuse("too-many", waitMs), waitMs);
    if (typeof sender === "string") return protocol.refuse(sender);
    using body = await this.#context.bodies.read(request, MAX_REQUEST_BYTES);
    if (typeof body.bytes === "string") return withRetryAfter(protocol.refuse(body.bytes), 5000);
    const { notifications, answer } = protocol.read({
      method: request.method,
      path: plainPath(pathname),
      query: searchParams,
      headers: request.headers,
      body: body.bytes,
    }, { now: now(), ...this.#placesFor(sender) });
    const limit = limitOf(sender);
    try {
      const accepted = await Promise.all(
        notifications.map(async ({ input: given, complete, id, channels = limit, room }) => {
          const input = complete === undefined ? given : await complete();
          return await this.#context.accept({ ...input, origin: sender.origin ?? input.origin }, {
            ...channels === undefined ? {} : { channels },
            ...room === undefined ? {} : { room },
            id,
            sender: logName(sender),
          });
        }),
      );
      const outcomes = accepted.flatMap(({ outcomes }) => outcomes);
      if (outcomes.some(({ state }) => state === "refused")) {
        return withRetryAfter(protocol.refuse("unavailable"), 60_000);
      }
      this.#counters.countNotifications(protocol.name, notifications.length);
      return answer(outcomes.flatMap(idOf));
    } catch (error) {
      this.#context.log(`${logName(sender)}: ${formatError(error)}`);
      const isTemporary = error instanceof StorageError || error instanceof ConfigError;
      return withRetryAfter(protocol.refuse(isTemporary ? "unavailable" : "failed"), 60_000);
    }
  }
}

function idOf(outcome: Outcome): readonly string[] {
  return "id" in outcome && typeof outcome.id === "string" ? [outcome.id] : [];
}

function withRetryAfter(answer: Answer, waitMs: number): Answer {
  if (answer.status !== 429 && answer.status !== 503) return answer;
  return { ...answer, headers: { "Retry-After": String(Math.ceil(waitMs / 1000)), ...answer.headers } };
}

function toResponse({ status, headers, body }: Answer): Response {
  const auth: Readonly<Record<string, string>> = status === 401
    ? { "WWW-Authenticate": 'Basic realm="matrix-notify"' }
    : {};
  return new Response(`${body}\n`, { status, headers: { ...headers, ...auth } });
}
