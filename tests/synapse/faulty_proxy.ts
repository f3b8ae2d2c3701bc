/**
 * A proxy in front of a real homeserver: forwards requests, and loses the answers that a test
 * chooses.
 *
 * @module
 */

import type { Answer } from "../../src/testing/answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan } from "../../src/testing/faults.ts";
import { type Call, LoopbackServer } from "../../src/testing/server.ts";

/** `drop-at-once`: forwards the request, and cuts the client off without waiting for the answer. */
export type ProxyFaultName = CommonFaultName | "drop-at-once";

/** By default, faults apply to `send`, the PUT of a message. */
export type ProxyRouteName = "send" | "other";

const FAULTS: Readonly<Record<ProxyFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "drop-at-once": { acts: true, outcome: "cut" },
};

/** The headers that are forwarded, in both directions. */
const HEADERS = ["authorization", "content-type", "user-agent", "retry-after"];

/**
 * A proxy on a free port. If the homeserver breaks the connection or is down, the proxy breaks it
 * too.
 */
export class FaultyProxy extends LoopbackServer<ProxyFaultName, ProxyRouteName> {
  readonly #forwarder: Forwarder;

  private constructor(forwarder: Forwarder) {
    super({ faults: FAULTS, defaultRoute: "send", route, handle: (call) => forwarder.handle(call) }, {});
    this.#forwarder = forwarder;
  }

  /** Starts a proxy to the homeserver at this address. */
  static to(url: string): FaultyProxy {
    return new FaultyProxy(new Forwarder(url));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#forwarder.close();
    await super[Symbol.asyncDispose]();
  }
}

function route(method: string, path: string): ProxyRouteName {
  return method === "PUT" && path.includes("/send/m.room.message/") ? "send" : "other";
}

/** Forwards requests to the homeserver. */
class Forwarder {
  readonly #url: string;
  /** On a reused connection, `fetch` may silently send a request twice. */
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #closing = new AbortController();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(url: string) {
    this.#url = url;
  }

  async handle(call: Call): Promise<Answer | "cut"> {
    const answer = this.#forward(call);
    this.#pending.add(answer);
    answer.finally(() => this.#pending.delete(answer));
    return call.fault === "drop-at-once" ? "cut" : await answer;
  }

  /** Cancels requests without an answer. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#pending);
    this.#client.close();
  }

  async #forward({ method, path, query, headers, body }: Call): Promise<Answer | "cut"> {
    try {
      const response = await fetch(`${this.#url}${path}${query && `?${query}`}`, {
        method,
        headers: pickHeaders(headers),
        body: method === "GET" ? null : body,
        client: this.#client,
        signal: this.#closing.signal,
      });
      return { status: response.status, headers: pickHeaders(response.headers), body: await response.text() };
    } catch {
      return "cut";
    }
  }
}

function pickHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => HEADERS.includes(name)));
}
