/**
 * The front of a loopback server: a TCP relay before the real HTTP server. `Deno.serve` answers every request or throws; it cannot
 * cut a connection, and it cannot close its port while requests are under way. The relay can do both, byte for byte.
 *
 * @module
 */

const HOSTNAME = "127.0.0.1";

/** How long a port that was ours may be in other hands before reopening it fails, in milliseconds. */
const REOPEN_LIMIT_MS = 5000;

/** Relays connections from a public port to an inner one. */
export class Front {
  readonly #innerPort: () => number;
  /** The connections, by the port from which the relay talks to the inner server: there it is the peer's. */
  readonly #connections = new Map<number, Connection>();
  readonly #tasks = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;
  #down = true;

  constructor(innerPort: () => number) {
    this.#innerPort = innerPort;
  }

  /** Begins to accept connections; port 0 takes a free one. Returns the port. */
  open(port: number): number {
    const listener = Deno.listen({ hostname: HOSTNAME, port });
    this.#listener = listener;
    this.#down = false;
    this.#track(this.#accept(listener));
    return listener.addr.port;
  }

  /** Opens a port that this front had before. While it was closed the system may have lent it to an outgoing connection. */
  async reopen(port: number): Promise<void> {
    const limit = performance.now() + REOPEN_LIMIT_MS;
    while (this.#listener === undefined) {
      try {
        this.open(port);
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse) || performance.now() > limit) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** Refuses connections from now on; those that exist go on. */
  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** Ends the connection that reaches the inner server from this port, without a further byte. */
  cut(port: number): void {
    for (const end of this.#connections.get(port)?.ends ?? []) closeQuietly(end);
  }

  /** A signal that aborts when this connection is over, whoever ended it. */
  over(port: number): AbortSignal {
    return this.#connections.get(port)?.over.signal ?? AbortSignal.abort();
  }

  /** Refuses connections, ends all that exist, and resolves when nothing is left of them. */
  async shutdown(): Promise<void> {
    this.close();
    this.#down = true;
    for (const port of this.#connections.keys()) this.cut(port);
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    task.finally(() => this.#tasks.delete(task));
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const client of listener) this.#track(this.#relay(client));
  }

  /** A connection that fails is one that ended: whoever waits for its other end sees that. */
  async #relay(client: Deno.TcpConn): Promise<void> {
    const inner = await Deno.connect({ hostname: HOSTNAME, port: this.#innerPort() }).catch(() => undefined);
    if (inner === undefined || this.#down) {
      closeQuietly(client);
      if (inner !== undefined) closeQuietly(inner);
      return;
    }
    const { port } = inner.localAddr;
    const over = new AbortController();
    this.#connections.set(port, { ends: [client, inner], over });
    const pumps = [pump(client, inner), pump(inner, client)];
    await Promise.race(pumps);
    over.abort();
    this.cut(port);
    await Promise.all(pumps);
    this.#connections.delete(port);
  }
}

interface Connection {
  readonly ends: readonly Deno.TcpConn[];
  readonly over: AbortController;
}

/** Carries bytes until the source ends or either end breaks. */
async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
      for (let at = 0; at < size;) at += await to.write(buffer.subarray(at, size));
    }
  } catch {
    // Closed by its peer, or by us.
  }
}

function closeQuietly(end: Deno.TcpConn): void {
  try {
    end.close();
  } catch {
    // Closed already.
  }
}
