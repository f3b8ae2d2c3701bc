/** The log of requests of a loopback server. Tests can wait for a request. */

/** A request that reached a loopback server. */
export interface ReceivedRequest<RouteName extends string = string> {
  /** The method, in capitals. */
  readonly method: string;
  /** The path without the query, percent-encoded. */
  readonly path: string;
  /** The query without its question mark; empty if there is none. */
  readonly query: string;
  /** The headers. They contain the token, so do not print them. */
  readonly headers: Headers;
  /** The body as text; empty if there is none or if it is incomplete. */
  readonly body: string;
  /** The name of the endpoint; undefined for an unknown path or method. */
  readonly route: RouteName | undefined;
  /** The name of the fault that the request met, if any. */
  readonly fault: string | undefined;
  /** Whether the server has processed the request. With a fault the client may not know. */
  readonly handled: boolean;
  /**
   * The status of the answer; `"pending"` before the answer, `"cut"` if the connection ended
   * without one.
   */
  readonly status: number | "cut" | "pending";
}

/** A log entry that the server still changes. */
export type OpenRequest<RouteName extends string> = {
  -readonly [Key in keyof ReceivedRequest<RouteName>]: ReceivedRequest<RouteName>[Key];
};

interface Waiter<RouteName extends string> {
  readonly predicate: (request: ReceivedRequest<RouteName>) => boolean;
  readonly count: number;
  readonly resolve: (request: ReceivedRequest<RouteName>) => void;
  readonly reject: (error: Error) => void;
}

/** All requests in the order of their arrival. */
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

  /** Waits for the `count`-th matching request. */
  wait(
    predicate: (request: ReceivedRequest<RouteName>) => boolean,
    count: number,
  ): Promise<ReceivedRequest<RouteName>> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ predicate, count, resolve, reject });
      this.#notifyWaiters();
    });
  }

  /** Rejects all who wait. */
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
