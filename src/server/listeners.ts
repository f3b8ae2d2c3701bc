/**
 * The open listeners of `serve`. A reload replaces the receivers, but the listeners stay open. So
 * no client is refused during a reload.
 *
 * @module
 */

import { ConfigError, HintedError } from "../base/errors.ts";
import { hideSecrets } from "../base/secret.ts";
import { isSocket, prepareSocket, shareSocket } from "../runtime/unix_socket.ts";
import { formatAddress, type ListenAddress, type Peer, type Receiver } from "./receiver.ts";

/** Answers a request. */
export type Answer = (receiver: Receiver, request: Request, peer: Peer) => Promise<Response>;

/** An open listener. */
interface Listener {
  receiver: Receiver;
  readonly server: Deno.HttpServer<Deno.Addr>;
}

/** Opens, replaces and closes listeners. */
export class Listeners {
  readonly #answer: Answer;
  readonly #log: (text: string) => void;
  readonly #open = new Map<string, Listener>();

  constructor(answer: Answer, log: (text: string) => void) {
    this.#answer = answer;
    this.#log = log;
  }

  /**
   * The addresses of the open listeners. If the port in the settings is 0, the address contains the
   * port that the system chose.
   */
  addresses(): readonly string[] {
    return [...this.#open.values()].map(({ receiver: { address }, server: { addr } }) =>
      formatAddress(address.transport === "tcp" && "port" in addr ? { ...address, port: addr.port } : address)
    );
  }

  /**
   * Opens the listeners of these receivers, and closes all others. If one cannot be opened, the
   * listeners are unchanged.
   *
   * @throws {ConfigError} if an address cannot be used
   */
  async replace(receivers: readonly Receiver[]): Promise<void> {
    const opened = new Map<string, Listener>();
    try {
      for (const receiver of receivers) {
        const key = JSON.stringify(receiver.address);
        if (opened.has(key)) {
          throw new ConfigError(`Cannot listen at ${formatAddress(receiver.address)}: two receivers have this address`);
        }
        const known = this.#open.get(key);
        // If a person or a program has removed the file of an open socket, the socket is opened
        // again.
        opened.set(key, known && isOpen(known) ? known : await this.#listen(receiver));
      }
    } catch (error) {
      const fresh = [...opened].filter(([key, listener]) => this.#open.get(key) !== listener);
      await Promise.all(fresh.map(([, { server }]) => server.shutdown()));
      throw error;
    }
    for (const receiver of receivers) {
      const listener = opened.get(JSON.stringify(receiver.address));
      if (listener !== undefined) listener.receiver = receiver;
    }
    const closing = [...this.#open].filter(([key, listener]) => opened.get(key) !== listener);
    this.#open.clear();
    for (const [key, listener] of opened) this.#open.set(key, listener);
    // Without `await`, because a request can still wait for its delivery.
    for (const [, { server }] of closing) void server.shutdown();
  }

  /** Closes all listeners. Resolves when all requests are answered. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(({ server }) => server.shutdown()));
  }

  async #listen(receiver: Receiver): Promise<Listener> {
    const { address } = receiver;
    const common = {
      onListen() {},
      handler: async (request: Request, { remoteAddr }: Deno.ServeHandlerInfo<Deno.Addr>) => {
        const peer = "hostname" in remoteAddr ? { ip: remoteAddr.hostname } : {};
        return await this.#answer(listener.receiver, request, peer);
      },
      onError: (error: unknown) => {
        this.#log(`${receiver.name}: ${hideSecrets(error instanceof Error ? error.message : String(error))}`);
        return new Response("internal error\n", { status: 500 });
      },
    };
    const listener: Listener = { receiver, server: await openServer(address, common) };
    if (address.transport === "tcp") return listener;
    try {
      const unshared = shareSocket(address);
      if (unshared !== undefined) this.#log(unshared);
      return listener;
    } catch (error) {
      await listener.server.shutdown();
      throw error;
    }
  }
}

interface CommonOptions {
  readonly onListen: () => void;
  readonly handler: (request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) => Promise<Response>;
  readonly onError: (error: unknown) => Response;
}

async function openServer(address: ListenAddress, options: CommonOptions): Promise<Deno.HttpServer<Deno.Addr>> {
  try {
    if (address.transport === "unix") {
      await prepareSocket(address);
      return Deno.serve({ ...options, path: address.path });
    }
    const { hostname, port, cert, key } = address;
    const tls = cert === undefined || key === undefined ? {} : { cert, key };
    return Deno.serve({ ...options, hostname, port, ...tls });
  } catch (error) {
    if (error instanceof HintedError || !(error instanceof Error)) throw error;
    const state = error instanceof Deno.errors.AddrInUse ? "another process listens there" : error.message;
    throw new ConfigError(`Cannot listen at ${formatAddress(address)}: ${hideSecrets(state)}`, { cause: error });
  }
}

/** Returns false if another process has removed the file of a socket. */
function isOpen({ receiver: { address } }: Listener): boolean {
  return address.transport === "tcp" || isSocket(address.path);
}
