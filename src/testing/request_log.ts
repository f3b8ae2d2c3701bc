/** The log of the requests to a loopback server. Tests can wait for a request. */

/** A request that reached a loopback server. */
export interface ReceivedRequest<RouteName extends string = string> {
  /** The method, in capitals. */
  readonly method: string;
  /** The path without the query, percent-encoded. */
  readonly path: string;
  /** The query without its question mark. Empty if the URL does not have a query. */
  readonly query: string;
  /** The headers. Do not print them, because they contain the token. */
  readonly headers: Headers;
  /** The body as text. Empty if the body is missing or incomplete. */
  readonly body: string;
  /** The name of the endpoint. Undefined if the path or the method is unknown. */
  readonly route: RouteName | undefined;
  /** The name of the fault (a simulated error) that applied to the request, if any. */
  readonly fault: string | undefined;
  /**
   * True if the server has processed the request. With some faults (simulated errors), the server
   * processes the request, but the client gets an error or no answer.
   */
  readonly handled: boolean;
  /**
   * The status of the answer. The value is `"pending"` before the answer, and `"cut"` if the
   * connection ended without an answer.
   */
  readonly status: number | "cut" | "pending";
}

/** An entry of the log that the server can still change. */
export type OpenRequest<RouteName extends string> = {
  -readonly [Key in keyof ReceivedRequest<RouteName>]: ReceivedRequest<RouteName>[Key];
};

interface Waiter<RouteName extends string> {
  readonly predicate: (request: ReceivedRequest<RouteName>) => boolean;
  readonly count: number;
  readonly resolve: (request: ReceivedRequest<RouteName>) => void;
  readonly reject: (error: Error) => void;
}

/** Stores all requests, in the order of their arrival. */
export class RequestLog<RouteName extends string> {
  readonly #entries: OpenRequest<RouteName>[] = [];
  readonly #waiters = new Set<Waiter<RouteName>>();

  get entries(): readonly ReceivedRequest<RouteName>[] {
    return this.#entries;
  }

  add(entry: OpenRequest<RouteName>): void {
    this.#entries.push(entry);
    this.#notifyWaiters();
  }

  update(entry: OpenRequest<RouteName>, change: Partial<OpenRequest<RouteName>>): void {
    Object.assign(entry, change);
    this.#notifyWaiters();
  }

  /** Waits until `count` requests match, and returns the last of them. */
  wait(
    predicate: (request: ReceivedRequest<RouteName>) => boolean,
    count: number,
  ): Promise<ReceivedRequest<RouteName>> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ predicate, count, resolve, reject });
      this.#notifyWaiters();
    });
  }

  /** Rejects all pending promises of `wait`. */
  close(): void {
    for (const { reject } of this.#waiters) reject(new Error("Cannot wait for a request: the server was disposed of"));
    this.#waiters.clear();
  }

  #notifyWaiters(): void {
    for (const waiter of this.#waiters) {
      const match = this.#entries.filter(waiter.predicate)[waiter.count - 1];
      if (match === undefined) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(match);
    }
  }
}
