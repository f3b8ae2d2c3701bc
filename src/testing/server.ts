/** What all loopback servers have in common: a port, a log of requests, faults, and a life that can be ended and begun again. */

import { type Answer, pageAnswer } from "./answer.ts";
import { type Fault, FaultBook, type FaultOptions, type FaultPlan, type FaultRule } from "./faults.ts";
import { Front } from "./front.ts";
import { type OpenRequest, type ReceivedRequest, RequestLog } from "./request_log.ts";

/** The settings that every loopback server has. */
export interface LoopbackOptions {
  /** The TCP port on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /** The server's clock, in milliseconds since 1970; `Date.now` by default. A test with a clock of its own passes it here too. */
  readonly now?: () => number;
  /** Waits this many milliseconds for the slow faults, or until the signal aborts; a real timer by default. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** A request on its way through a server. */
export interface Call<RouteName extends string = string> extends ReceivedRequest<RouteName> {
  /** The body as it came over the wire. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Resolves when the server gets round to the request: at once, unless the fault `slow` is in force. */
  readonly ready: () => Promise<void>;
  /** Waits so many milliseconds, or until something happens earlier, or nobody waits for the answer any more. */
  readonly pause: (ms: number, earlier: Promise<unknown>) => Promise<void>;
}

/** What makes a loopback server a server of its kind. */
export interface LoopbackService<FaultName extends string, RouteName extends string> {
  /** What each fault does. */
  readonly faults: Readonly<Record<FaultName, FaultPlan>>;
  /** The endpoint that has the fault when the test names none. */
  readonly defaultRoute: RouteName;
  /** The endpoint of a request; undefined when there is none. */
  readonly route: (method: string, path: string) => RouteName | undefined;
  /** Does what the request asks for, or cuts the connection. It awaits `call.ready()` before anything that the slow server does late. */
  readonly handle: (call: Call<RouteName>) => Promise<Answer | "cut">;
}

/** The server went down while the request was under way: there is no answer. */
class StoppedError extends Error {
  override name = "StoppedError" as const;
}

/** One life of the server, from start to stop. */
interface Life {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  /** Aborted when the server stops. */
  readonly end: AbortController;
}

/**
 * A server on 127.0.0.1 inside the test's own process. It logs what reaches it, shows faults on demand, and can be stopped and
 * started on the same port. {@linkcode LoopbackHomeserver} is one of them.
 */
export class LoopbackServer<FaultName extends string, RouteName extends string> implements AsyncDisposable {
  readonly #service: LoopbackService<FaultName, RouteName>;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly #log = new RequestLog<RouteName>();
  readonly #faults: FaultBook<FaultName, RouteName>;
  readonly #front: Front;
  readonly #port: number;
  #life: Life | undefined;
  #refusing = false;

  /** Opens the port at once. Use the `start` function of a server of a kind. */
  protected constructor(service: LoopbackService<FaultName, RouteName>, options: LoopbackOptions) {
    this.#service = service;
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ?? timer;
    this.#faults = new FaultBook(service.defaultRoute);
    this.#front = new Front(() => this.#life?.server.addr.port ?? 0);
    this.#port = this.#front.open(options.port ?? 0);
    this.#life = this.#begin();
  }

  /** The address of the server, without a slash at its end. It stays the same over a restart. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The TCP port of the server. It stays the same over a restart. */
  get port(): number {
    return this.#port;
  }

  /** Whether the server is up; one that refuses connections by a fault is. */
  get running(): boolean {
    return this.#life !== undefined;
  }

  /** Every request that reached the server so far, in the order of arrival, over all restarts. */
  get requests(): readonly ReceivedRequest<RouteName>[] {
    return this.#log.entries;
  }

  /**
   * Waits for a request without sleeping. The predicate sees each request when it arrives, when it was handled, and when it was
   * answered or cut.
   *
   * @param predicate which request is meant; one that is in the log already counts
   * @param count resolves with the first matching request by default, with the second for 2, and so on
   * @returns the request; rejects when the server is disposed of before
   */
  received(
    predicate: (request: ReceivedRequest<RouteName>) => boolean,
    count = 1,
  ): Promise<ReceivedRequest<RouteName>> {
    return this.#log.wait(predicate, count);
  }

  /**
   * Puts a fault in force until it has been met `times` times or until {@linkcode clearFaults}. When several are in force, a request
   * meets the first that is due. The fault `refuse` closes the port at once and takes no options.
   *
   * @returns the fault, with the number of requests that met it
   * @throws {RangeError} when `times` or `every` is not a whole number from 1
   */
  fault(name: FaultName, options: FaultOptions<RouteName> = {}): Fault<FaultName> {
    if (this.#service.faults[name].outcome === "refuse") {
      this.#refusing = true;
      this.#front.close();
    }
    return this.#faults.add(name, options);
  }

  /** Ends all faults. Requests that hang are cut, and a port that refused is open again when this resolves. */
  async clearFaults(): Promise<void> {
    this.#faults.clear();
    this.#refusing = false;
    if (this.#life !== undefined) await this.#front.reopen(this.#port);
  }

  /** Stops like a killed process: the port is closed, every connection is cut, and what was not done yet is never done. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    life.end.abort();
    await this.#front.shutdown();
    await life.server.shutdown();
  }

  /** Stops if need be and starts on the same port. Faults stay in force. */
  async restart(): Promise<void> {
    await this.stop();
    this.#life = this.#begin();
    if (!this.#refusing) await this.#front.reopen(this.#port);
  }

  /** Stops for good. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#log.close();
  }

  #begin(): Life {
    const end = new AbortController();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request, { remoteAddr }) => {
      const ends = { stopping: end.signal, gone: this.#front.over(remoteAddr.port) };
      const answer = await this.#serve(request, ends);
      if (answer === "cut") this.#front.cut(remoteAddr.port);
      // Nobody reads the answer to a connection that is cut.
      const { body, ...init } = answer === "cut" ? pageAnswer(500, "Cut") : answer;
      return new Response(body, init);
    });
    return { server, end };
  }

  async #serve(request: Request, ends: Ends): Promise<Answer | "cut"> {
    const entry = this.#enter(request);
    let answer: Answer | "cut" = "cut";
    const bytes = await request.bytes().catch(() => undefined);
    if (bytes !== undefined) entry.body = new TextDecoder().decode(bytes);
    const rule = bytes === undefined ? undefined : this.#faults.next(entry);
    entry.fault = rule?.name;
    this.#log.add(entry);
    aborted(ends.gone).then(() => this.#end(entry, "cut"));
    const handle = async (ready: Call["ready"]) => {
      const pause: Call["pause"] = (ms, earlier) => this.#pause(ms, earlier, ends);
      const answer = await this.#service.handle({ ...entry, bytes: bytes ?? new Uint8Array(), ready, pause });
      this.#log.update(entry, { handled: true });
      return answer;
    };
    try {
      if (rule !== undefined) answer = await this.#fail(rule, handle, ends);
      else if (bytes !== undefined) answer = await handle(() => Promise.resolve());
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
    }
    this.#end(entry, answer === "cut" ? "cut" : answer.status);
    return answer;
  }

  #enter({ method, url, headers }: Request): OpenRequest<RouteName> {
    const [, path = "/", query = ""] = /^[a-z]+:\/\/[^/?]*([^?]*)\??(.*)$/s.exec(url) ?? [];
    const route = this.#service.route(method, path);
    return { method, path, query, headers, body: "", route, fault: undefined, handled: false, status: "pending" };
  }

  /** Notes what became of a request, unless its client has gone before. */
  #end(entry: OpenRequest<RouteName>, status: number | "cut"): void {
    if (entry.status === "pending") this.#log.update(entry, { status });
  }

  /** Handles a request as the fault has it. */
  async #fail(rule: FaultRule<FaultName, RouteName>, handle: Handle, ends: Ends): Promise<Answer | "cut"> {
    const { acts, outcome } = this.#service.faults[rule.name];
    const late = () => this.#delay(rule, ends.stopping);
    if (outcome === "late" && !acts) return await handle(late);
    const answer = acts ? await handle(() => Promise.resolve()) : undefined;
    if (typeof outcome === "function") return outcome(rule.options, this.#now());
    if (outcome === "hang") await Promise.race([rule.cleared, aborted(ends.gone)]);
    if (outcome !== "late" || answer === undefined) return "cut";
    await late();
    return answer;
  }

  async #pause(ms: number, earlier: Promise<unknown>, { gone, stopping }: Ends): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#sleep(ms, over.signal), earlier, aborted(gone), aborted(stopping)]);
    over.abort();
  }

  /** A slow server goes on when the client has given up, but not when it is stopped itself. */
  async #delay({ options }: FaultRule<FaultName, RouteName>, stopping: AbortSignal): Promise<void> {
    const done = options.until ?? this.#sleep(options.delayMs ?? 1000, stopping);
    await Promise.race([done, aborted(stopping)]);
    if (stopping.aborted) throw new StoppedError("Cannot go on: the server is stopped");
  }
}

/** Handles a request without faults, when `ready` resolves. */
type Handle = (ready: () => Promise<void>) => Promise<Answer | "cut">;

/** What may end while a request is under way: its client's patience, or the server. */
interface Ends {
  readonly gone: AbortSignal;
  readonly stopping: AbortSignal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(id);
      resolve();
    };
    const id = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
