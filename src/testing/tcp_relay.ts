/**
 * A TCP relay in front of the HTTP server of a loopback server. The relay can cut connections and
 * close its port, even in the middle of a request or an answer. `Deno.serve` cannot do this.
 *
 * @module
 */

const HOSTNAME = "127.0.0.1";

/**
 * The maximum time that {@linkcode TcpRelay.reopen} waits until a port is free, in milliseconds.
 */
const REOPEN_LIMIT_MS = 5000;

/** Relays connections from a public port to the port of the HTTP server. */
export class TcpRelay {
  readonly #innerPort: () => number;
  /**
   * The open connections. The relay opens a connection to the HTTP server for each client. The key
   * is the port that the relay uses for this connection. The HTTP server sees this port as the port
   * of the client.
   */
  readonly #connections = new Map<number, Connection>();
  readonly #tasks = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;
  #down = true;

  constructor(innerPort: () => number) {
    this.#innerPort = innerPort;
  }

  /**
   * Starts to accept connections on a port. If the port is 0, the system chooses a free port.
   *
   * @returns the port
   */
  open(port: number): number {
    const listener = Deno.listen({ hostname: HOSTNAME, port });
    this.#listener = listener;
    this.#down = false;
    this.#track(this.#accept(listener));
    return listener.addr.port;
  }

  /**
   * Opens the port of an earlier run again. If the system has used the port for an outgoing
   * connection, waits until the port is free.
   */
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

  /** Starts to refuse new connections. */
  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** Ends a connection without sending more bytes. */
  cut(port: number): void {
    for (const end of this.#connections.get(port)?.ends ?? []) closeQuietly(end);
  }

  /** Returns a signal that aborts when the connection ends. */
  ended(port: number): AbortSignal {
    return this.#connections.get(port)?.ended.signal ?? AbortSignal.abort();
  }

  /** Refuses new connections, and ends all open connections. */
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

  async #relay(client: Deno.TcpConn): Promise<void> {
    const inner = await Deno.connect({ hostname: HOSTNAME, port: this.#innerPort() }).catch(() => undefined);
    if (inner === undefined || this.#down) {
      closeQuietly(client);
      if (inner !== undefined) closeQuietly(inner);
      return;
    }
    const { port } = inner.localAddr;
    const ended = new AbortController();
    this.#connections.set(port, { ends: [client, inner], ended });
    const pumps = [pump(client, inner), pump(inner, client)];
    await Promise.race(pumps);
    ended.abort();
    this.cut(port);
    await Promise.all(pumps);
    this.#connections.delete(port);
  }
}

interface Connection {
  readonly ends: readonly Deno.TcpConn[];
  readonly ended: AbortController;
}

/** Copies bytes until the source ends or a connection breaks. */
async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
      for (let at = 0; at < size;) at += await to.write(buffer.subarray(at, size));
    }
  } catch {
    // The connection was closed by the peer or by this process.
  }
}

function closeQuietly(end: Deno.TcpConn): void {
  try {
    end.close();
  } catch {
    // The connection is already closed.
  }
}
