/** The log of what reached a loopback server, and the way to wait for it. */

/** A request that reached a loopback server. */
export interface ReceivedRequest<RouteName extends string = string> {
  /** The method, in capitals. */
  readonly method: string;
  /** The path as it came over the wire, still percent-encoded, without the query. */
  readonly path: string;
  /** The query without its question mark; empty when there was none. */
  readonly query: string;
  /** The headers. They hold the token, so do not print them. */
  readonly headers: Headers;
  /** The body as text; empty when there was none or when it was cut. */
  readonly body: string;
  /** The name of the endpoint; undefined for a path or a method that the server does not know. */
  readonly route: RouteName | undefined;
  /** The name of the fault that was applied to this request; undefined when there was none. */
  readonly fault: string | undefined;
  /** Whether the server has done with the request what it would do without a fault; the client may not know yet, or never. */
  readonly handled: boolean;
  /** The status of the answer; `"pending"` while there is none, `"cut"` when the connection ended without one. */
  readonly status: number | "cut" | "pending";
}

/** A log entry whose fate is still open. */
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
    this.#wake();
  }

  update(entry: OpenRequest<RouteName>, change: Partial<OpenRequest<RouteName>>): void {
    Object.assign(entry, change);
    this.#wake();
  }

  /** Resolves with the `count`-th request that matches, as soon as there is one. */
  wait(
    predicate: (request: ReceivedRequest<RouteName>) => boolean,
    count: number,
  ): Promise<ReceivedRequest<RouteName>> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ predicate, count, resolve, reject });
      this.#wake();
    });
  }

  /** Rejects everybody who still waits. */
  close(): void {
    for (const { reject } of this.#waiters) reject(new Error("Cannot wait for a request: the server is gone for good"));
    this.#waiters.clear();
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      const match = this.#entries.filter(waiter.predicate)[waiter.count - 1];
      if (match === undefined) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(match);
    }
  }
}
