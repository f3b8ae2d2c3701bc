/**
 * The base class of all loopback servers. It opens the port and logs requests. It applies faults
 * (errors that a test server simulates), and can stop and restart.
 */

import { type Answer, pageAnswer } from "./answer.ts";
import { type Fault, type FaultOptions, type FaultPlan, type FaultRule, FaultRules } from "./faults.ts";
import { type OpenRequest, type ReceivedRequest, RequestLog } from "./request_log.ts";
import { TcpRelay } from "./tcp_relay.ts";

/** The settings that every loopback server has. */
export interface LoopbackOptions {
  /** The TCP port on 127.0.0.1. With 0, the system chooses a free port. @default {0} */
  readonly port?: number;
  /** The clock of the server. It returns milliseconds since 1970. @default {Date.now} */
  readonly now?: () => number;
  /**
   * Waits for a number of milliseconds, or until the signal aborts. The default is a real timer.
   */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** A request that a server processes. */
export interface Call<RouteName extends string = string> extends ReceivedRequest<RouteName> {
  /** The raw body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Waits for the delay of the fault (simulated error) `slow`, if this fault applies to the
   * request. Otherwise resolves immediately.
   */
  readonly ready: () => Promise<void>;
  /**
   * Waits for `ms` milliseconds. Ends earlier if `event` resolves, the client disconnects, or the
   * server stops.
   */
  readonly pause: (ms: number, event: Promise<unknown>) => Promise<void>;
}

/** The parts in which the loopback servers differ from each other. */
export interface LoopbackService<FaultName extends string, RouteName extends string> {
  readonly faults: Readonly<Record<FaultName, FaultPlan>>;
  /** The endpoint to which a fault (a simulated error) applies by default. */
  readonly defaultRoute: RouteName;
  /** Finds the endpoint of a request. */
  readonly route: (method: string, path: string) => RouteName | undefined;
  /**
   * Processes a request. Returns the answer, or `cut` if the connection must end without an answer.
   * This function must await `call.ready()`, so that a test can delay the processing.
   */
  readonly handle: (call: Call<RouteName>) => Promise<Answer | "cut">;
}

/** The error for a request that is not answered, because the server was stopped. */
class StoppedError extends Error {
  override name = "StoppedError" as const;
}

/** An HTTP server that runs from a start to the next stop. */
interface Run {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  /** The controller that is aborted when the server stops. */
  readonly stop: AbortController;
}

/**
 * A server on 127.0.0.1 that runs in the process of the test. It logs requests and applies faults
 * (simulated errors). It can stop, and start again on the same port. Subclasses such as {@linkcode
 * LoopbackHomeserver} add the endpoints.
 */
export class LoopbackServer<FaultName extends string, RouteName extends string> implements AsyncDisposable {
  readonly #service: LoopbackService<FaultName, RouteName>;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly #log = new RequestLog<RouteName>();
  readonly #faults: FaultRules<FaultName, RouteName>;
  readonly #relay: TcpRelay;
  readonly #port: number;
  #run: Run | undefined;
  #isRefusing = false;

  /** Opens the port. Tests do not call this constructor, but the static method `start`. */
  protected constructor(service: LoopbackService<FaultName, RouteName>, options: LoopbackOptions) {
    this.#service = service;
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ?? timer;
    this.#faults = new FaultRules(service.defaultRoute);
    this.#relay = new TcpRelay(() => this.#run?.server.addr.port ?? 0);
    this.#port = this.#relay.open(options.port ?? 0);
    this.#run = this.#begin();
  }

  /** Returns the URL of the server, without a trailing slash. A restart does not change the URL. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Returns the TCP port of the server. A restart does not change the port. */
  get port(): number {
    return this.#port;
  }

  /**
   * Returns true if the server is running. The fault `refuse` closes the port, but the server is
   * still running.
   */
  get running(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Returns all requests so far, in the order of their arrival, including the requests before a
   * restart.
   */
  get requests(): readonly ReceivedRequest<RouteName>[] {
    return this.#log.entries;
  }

  /**
   * Waits for a request. Calls the predicate when a request arrives, when the request is processed,
   * and when the request is answered or its connection is cut.
   *
   * @param predicate returns true for the wanted request. Requests that are already in the log also
   * count
   * @param count 1 for the first matching request, 2 for the second matching request, and so on
   * @returns the request. The promise rejects if the server is disposed of before the request
   * arrives
   */
  received(
    predicate: (request: ReceivedRequest<RouteName>) => boolean,
    count = 1,
  ): Promise<ReceivedRequest<RouteName>> {
    return this.#log.wait(predicate, count);
  }

  /**
   * Activates a fault. The fault ends when `times` requests got the fault, or when
   * {@linkcode clearFaults} is called. If several active faults apply to a request, the request
   * gets the fault that was activated first. The fault `refuse` closes the port immediately, and
   * ignores the options.
   *
   * @returns the fault; its field `applied` counts the requests that got the fault
   * @throws {RangeError} if `times` or `every` is not a positive integer
   */
  fault(name: FaultName, options: FaultOptions<RouteName> = {}): Fault<FaultName> {
    if (this.#service.faults[name].outcome === "refuse") {
      this.#isRefusing = true;
      this.#relay.close();
    }
    return this.#faults.add(name, options);
  }

  /**
   * Ends all faults. Cuts the connections of requests that wait because of a fault. If the fault
   * `refuse` closed the port, the port is open again when the promise resolves.
   */
  async clearFaults(): Promise<void> {
    this.#faults.clear();
    this.#isRefusing = false;
    if (this.#run !== undefined) await this.#relay.reopen(this.#port);
  }

  /**
   * Closes the port and cuts all connections, as if the process of the server was killed. Open
   * requests are not processed.
   */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    run.stop.abort();
    await this.#relay.shutdown();
    await run.server.shutdown();
  }

  /** Stops the server, and starts it again on the same port. Does not end the active faults. */
  async restart(): Promise<void> {
    await this.stop();
    this.#run = this.#begin();
    if (!this.#isRefusing) await this.#relay.reopen(this.#port);
  }

  /** Stops the server permanently. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#log.close();
  }

  #begin(): Run {
    const stop = new AbortController();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request, { remoteAddr }) => {
      const ends = { stopping: stop.signal, gone: this.#relay.ended(remoteAddr.port) };
      const answer = await this.#serve(request, ends);
      if (answer === "cut") this.#relay.cut(remoteAddr.port);
      // If the connection was cut, the client does not receive this answer.
      const { body, ...init } = answer === "cut" ? pageAnswer(500, "Cut") : answer;
      return new Response(body, init);
    });
    return { server, stop };
  }

  async #serve(request: Request, ends: Ends): Promise<Answer | "cut"> {
    const entry = this.#createEntry(request);
    let answer: Answer | "cut" = "cut";
    const bytes = await request.bytes().catch(() => undefined);
    if (bytes !== undefined) entry.body = new TextDecoder().decode(bytes);
    const rule = bytes === undefined ? undefined : this.#faults.next(entry);
    entry.fault = rule?.name;
    this.#log.add(entry);
    aborted(ends.gone).then(() => this.#finish(entry, "cut"));
    const handle = async (ready: Call["ready"]) => {
      const pause: Call["pause"] = (ms, event) => this.#pause(ms, event, ends);
      const answer = await this.#service.handle({ ...entry, bytes: bytes ?? new Uint8Array(), ready, pause });
      this.#log.update(entry, { handled: true });
      return answer;
    };
    try {
      if (rule !== undefined) answer = await this.#applyFault(rule, handle, ends);
      else if (bytes !== undefined) answer = await handle(() => Promise.resolve());
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
    }
    this.#finish(entry, answer === "cut" ? "cut" : answer.status);
    return answer;
  }

  #createEntry({ method, url, headers }: Request): OpenRequest<RouteName> {
    const [, path = "/", query = ""] = /^[a-z]+:\/\/[^/?]*([^?]*)\??(.*)$/s.exec(url) ?? [];
    const route = this.#service.route(method, path);
    return { method, path, query, headers, body: "", route, fault: undefined, handled: false, status: "pending" };
  }

  /** Logs the status of a request. Does nothing if the client has already disconnected. */
  #finish(entry: OpenRequest<RouteName>, status: number | "cut"): void {
    if (entry.status === "pending") this.#log.update(entry, { status });
  }

  /** Handles a request to which a fault applies. */
  async #applyFault(rule: FaultRule<FaultName, RouteName>, handle: Handle, ends: Ends): Promise<Answer | "cut"> {
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

  async #pause(ms: number, event: Promise<unknown>, { gone, stopping }: Ends): Promise<void> {
    const done = new AbortController();
    await Promise.race([this.#sleep(ms, done.signal), event, aborted(gone), aborted(stopping)]);
    done.abort();
  }

  /**
   * Waits for the delay of a fault. Does not end early if the client disconnects.
   *
   * @throws {StoppedError} if the server was stopped
   */
  async #delay({ options }: FaultRule<FaultName, RouteName>, stopping: AbortSignal): Promise<void> {
    const delay = options.until ?? this.#sleep(options.delayMs ?? 1000, stopping);
    await Promise.race([delay, aborted(stopping)]);
    if (stopping.aborted) throw new StoppedError("Cannot go on: the server is stopped");
  }
}

/** Processes a request. Must call `ready` first, which waits if a fault delays the request. */
type Handle = (ready: () => Promise<void>) => Promise<Answer | "cut">;

/** Two signals: `gone` aborts when the client disconnects, `stopping` when the server stops. */
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
