/**
 * A gate before a real homeserver: it passes on what comes, and loses the answers that a test tells it to lose.
 *
 * @module
 */

import type { Answer } from "../../src/testing/answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan } from "../../src/testing/faults.ts";
import { type Call, LoopbackServer } from "../../src/testing/server.ts";

/** `drop-at-once`: the request is passed on, and its client is cut off without waiting for what the homeserver says. */
export type GateFaultName = CommonFaultName | "drop-at-once";

/** Faults apply to `send`, the PUT of a message, unless they say otherwise. */
export type GateRouteName = "send" | "other";

const FAULTS: Readonly<Record<GateFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "drop-at-once": { acts: true, outcome: "cut" },
};

/** What a homeserver reads of a request's headers, and we of an answer's. */
const HEADERS = ["authorization", "content-type", "user-agent", "retry-after"];

/** A gate on a free port. Where the homeserver breaks off, or is not there, the gate breaks off too. */
export class Gate extends LoopbackServer<GateFaultName, GateRouteName> {
  readonly #passage: Passage;

  private constructor(passage: Passage) {
    super({ faults: FAULTS, defaultRoute: "send", route, handle: (call) => passage.handle(call) }, {});
    this.#passage = passage;
  }

  /** Opens a gate before the homeserver at this address. */
  static before(url: string): Gate {
    return new Gate(new Passage(url));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#passage.close();
    await super[Symbol.asyncDispose]();
  }
}

function route(method: string, path: string): GateRouteName {
  return method === "PUT" && path.includes("/send/m.room.message/") ? "send" : "other";
}

/** The way from the gate to the homeserver. */
class Passage {
  readonly #url: string;
  /** On a connection that was used before, `fetch` would send a request twice by itself. */
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(url: string) {
    this.#url = url;
  }

  async handle(call: Call): Promise<Answer | "cut"> {
    const answer = this.#forward(call);
    this.#underWay.add(answer);
    answer.finally(() => this.#underWay.delete(answer));
    return call.fault === "drop-at-once" ? "cut" : await answer;
  }

  /** Gives up what has no answer yet. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#underWay);
    this.#client.close();
  }

  async #forward({ method, path, query, headers, body }: Call): Promise<Answer | "cut"> {
    try {
      const response = await fetch(`${this.#url}${path}${query && `?${query}`}`, {
        method,
        headers: some(headers),
        body: method === "GET" ? null : body,
        client: this.#client,
        signal: this.#closing.signal,
      });
      return { status: response.status, headers: some(response.headers), body: await response.text() };
    } catch {
      return "cut";
    }
  }
}

function some(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => HEADERS.includes(name)));
}
