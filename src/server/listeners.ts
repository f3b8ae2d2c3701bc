/**
 * The open listeners of `serve`. A reload replaces the receivers. The new address of a receiver
 * decides what happens to its listener:
 *
 * ```text
 * same address                        the listener stays open, so no client is refused
 * same socket, new group              the listener stays open, and its file gets the new group
 * same socket, file removed           a new listener opens, then the old one closes
 * same port, new certificate or host  the old listener closes, then the new one opens: clients are
 *                                     refused for some milliseconds
 * ```
 *
 * @module
 */

import { ConfigError, formatError, HintedError } from "../base/errors.ts";
import { hideSecrets } from "../base/secret.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type OpenSocket, openSocket, shareSocket } from "../runtime/unix_socket.ts";
import { formatAddress, type ListenAddress, type Peer, type Receiver } from "./receiver.ts";

/** Answers a request. */
export type Answer = (receiver: Receiver, request: Request, peer: Peer) => Promise<Response>;

/** An open listener. */
interface Listener {
  receiver: Receiver;
  server: Deno.HttpServer<Deno.Addr>;
  /** The file of a socket; undefined for a port. */
  file?: OpenSocket<unknown>["file"];
  /** Closes all connections of the server at once. */
  abort: AbortController;
  isClosed: boolean;
}

/** The pause before the next attempt to open a failed listener, in milliseconds. */
const FAILURE_PAUSE_MS = 1_000;

/** A closed listener releases its port within this time, in milliseconds. */
const RELEASE_MS = 2_000;

/** The pause between two attempts to open a port that a listener releases, in milliseconds. */
const RELEASE_PAUSE_MS = 2;

/** Opens, replaces and closes listeners. */
export class Listeners {
  readonly #answer: Answer;
  readonly #log: (text: string) => void;
  readonly #runtime: Pick<Runtime, "sleep">;
  /** The open listeners by place. */
  readonly #open = new Map<string, Listener>();

  constructor(answer: Answer, log: (text: string) => void, runtime: Pick<Runtime, "sleep">) {
    this.#answer = answer;
    this.#log = log;
    this.#runtime = runtime;
  }

  /**
   * The addresses of the open listeners. If the port in the settings is 0, the address contains the
   * port that the system chose.
   */
  addresses(): readonly string[] {
    return [...this.#open.values()].map((listener) => formatAddress(boundAddress(listener)));
  }

  /**
   * Opens the listeners of these receivers, and closes all other listeners. If a listener cannot be
   * opened, the previous listeners are restored.
   *
   * @throws {ConfigError} if an address or a certificate cannot be used
   */
  async replace(receivers: readonly Receiver[]): Promise<void> {
    const wanted = new Map<string, Receiver>();
    for (const receiver of receivers) {
      const { address } = receiver;
      if (wanted.has(placeOf(address))) {
        throw new ConfigError(`Cannot listen at ${formatAddress(address)}: two receivers have this address`);
      }
      wanted.set(placeOf(address), receiver);
      // A wrong certificate is found before a listener closes.
      if (address.transport === "tcp" && address.cert !== undefined) await checkCertificate(address, this.#runtime);
    }
    const next = new Map<string, Listener>();
    const undo: (() => unknown)[] = [];
    try {
      for (const [place, receiver] of wanted) {
        const known = this.#open.get(place);
        if (known !== undefined && canStay(known, receiver)) {
          this.#shareAgain(receiver);
          undo.push(() => this.#shareAgain(known.receiver));
          next.set(place, known);
          continue;
        }
        const rivals = [...this.#open].filter(([other, listener]) =>
          hasSamePort(listener, receiver) && !canStay(listener, wanted.get(other))
        );
        for (const [other, listener] of rivals) {
          // Without `await`, because a request can still wait for its delivery.
          void shutDown(listener);
          this.#open.delete(other);
          undo.push(() => this.#reopen(other, listener));
        }
        const listener = await this.#listen(receiver, rivals.length > 0 ? RELEASE_MS : 0);
        undo.push(() => shutDown(listener));
        next.set(place, listener);
      }
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
    for (const [place, receiver] of wanted) {
      const listener = next.get(place);
      if (listener !== undefined) listener.receiver = receiver;
    }
    const closing = [...this.#open].filter(([place, listener]) => next.get(place) !== listener);
    this.#open.clear();
    for (const [place, listener] of next) this.#open.set(place, listener);
    for (const [, listener] of closing) void shutDown(listener);
  }

  /** Closes all listeners. Resolves when all requests are answered. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(shutDown));
  }

  /** Gives an open socket its group, which can be new on this host or in the settings. */
  #shareAgain({ address }: Receiver): void {
    if (address.transport === "unix") this.#warn(shareSocket(address));
  }

  #warn(text: string | undefined): void {
    if (text !== undefined) this.#log(text);
  }

  /** Opens a closed listener again at the same port, because its replacement failed. */
  async #reopen(place: string, closed: Listener): Promise<void> {
    const { receiver } = closed;
    try {
      const listener = await this.#listen({ ...receiver, address: boundAddress(closed) }, RELEASE_MS);
      this.#open.set(place, Object.assign(listener, { receiver }));
    } catch (error) {
      this.#log(textOf(error));
    }
  }

  /** @param releaseMs how long to wait while the port is in use, in milliseconds */
  async #listen(receiver: Receiver, releaseMs: number): Promise<Listener> {
    const opened = await this.#serve(receiver.address, () => listener.receiver, releaseMs);
    const listener: Listener = { receiver, isClosed: false, ...opened };
    void this.#keepOpen(listener);
    return listener;
  }

  /**
   * Opens a failed listener again. A listener fails when it has so many connections that this
   * process can open no more files. Therefore all of its connections are closed.
   */
  async #keepOpen(listener: Listener): Promise<void> {
    while (!listener.isClosed) {
      const failure = await listener.server.finished.then(() => undefined, (error: unknown) => error);
      if (failure === undefined) return;
      this.#log(`${listener.receiver.name}: all connections are closed: ${textOf(failure)}`);
      listener.abort.abort();
      while (!await this.#openAgain(listener)) await this.#runtime.sleep(FAILURE_PAUSE_MS);
    }
  }

  /** Returns false if a failed listener cannot be opened now. */
  async #openAgain(listener: Listener): Promise<boolean> {
    if (listener.isClosed) return true;
    try {
      Object.assign(listener, await this.#serve(boundAddress(listener), () => listener.receiver, RELEASE_MS));
      if (listener.isClosed) await shutDown(listener);
      return true;
    } catch (error) {
      this.#log(textOf(error));
      return false;
    }
  }

  async #serve(
    address: ListenAddress,
    receiver: () => Receiver,
    releaseMs: number,
  ): Promise<Pick<Listener, "server" | "file" | "abort">> {
    const abort = new AbortController();
    const options: CommonOptions = {
      signal: abort.signal,
      onListen() {},
      handler: async (request, { remoteAddr }) => {
        // Deno accepts a request even if its target and `Host` do not form a valid URL.
        if (!URL.canParse(request.url)) return new Response("the address is not valid\n", { status: 400 });
        const peer = "hostname" in remoteAddr ? { ip: remoteAddr.hostname } : {};
        return await this.#answer(receiver(), request, peer);
      },
      onError: (error) => {
        this.#log(`${receiver().name}: ${textOf(error)}`);
        return new Response("internal error\n", { status: 500 });
      },
    };
    const { unshared, ...opened } = await this.#openWhenFree(address, options, releaseMs);
    this.#warn(unshared);
    return { ...opened, abort };
  }

  async #openWhenFree(address: ListenAddress, common: CommonOptions, releaseMs: number): Promise<Opened> {
    for (let waitedMs = 0;; waitedMs += RELEASE_PAUSE_MS) {
      try {
        return await openServer(address, common, this.#runtime);
      } catch (error) {
        const isInUse = error instanceof ConfigError && error.cause instanceof Deno.errors.AddrInUse;
        if (!isInUse || waitedMs >= releaseMs) throw error;
        await this.#runtime.sleep(RELEASE_PAUSE_MS);
      }
    }
  }
}

/** Closes a listener. Resolves when all requests are answered. */
async function shutDown(listener: Listener): Promise<void> {
  listener.isClosed = true;
  listener.file?.remove();
  await listener.server.shutdown();
}

function textOf(error: unknown): string {
  return hideSecrets(formatError(error));
}

/** Returns a text that identifies the place where a listener listens. */
function placeOf(address: ListenAddress): string {
  return address.transport === "unix" ? address.path : `${address.hostname} ${address.port}`;
}

/** Returns true if a listener can serve a receiver without being opened again. */
function canStay({ receiver: { address }, file }: Listener, wanted: Receiver | undefined): boolean {
  if (wanted === undefined) return false;
  const other = wanted.address;
  if (placeOf(address) !== placeOf(other)) return false;
  if (address.transport === "unix" || other.transport === "unix") return file?.isThere() === true;
  return address.cert === other.cert && address.key === other.key;
}

function hasSamePort(listener: Listener, { address: other }: Receiver): boolean {
  const address = boundAddress(listener);
  return address.transport === "tcp" && other.transport === "tcp" && address.port === other.port;
}

/** Returns the address of an open listener, with the port that the system chose for port 0. */
function boundAddress({ receiver: { address }, server: { addr } }: Listener): ListenAddress {
  return address.transport === "tcp" && "port" in addr ? { ...address, port: addr.port } : address;
}

/**
 * Checks a certificate. Opens a listener with this certificate at a free port, and closes the
 * listener again.
 *
 * @throws {ConfigError} if the certificate or its key is wrong
 */
async function checkCertificate(
  address: ListenAddress & { readonly transport: "tcp" },
  runtime: Pick<Runtime, "sleep">,
): Promise<void> {
  const handler = () => Promise.resolve(new Response());
  const onError = () => new Response();
  const options = { onListen() {}, handler, onError };
  const { server } = await openServer({ ...address, hostname: "127.0.0.1", port: 0 }, options, runtime);
  await server.shutdown();
}

interface CommonOptions {
  readonly signal?: AbortSignal;
  readonly onListen: () => void;
  readonly handler: (request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) => Promise<Response>;
  readonly onError: (error: unknown) => Response;
}

/** An open server. The file and the reason belong to a socket. */
type Opened = Pick<Listener, "server"> & Partial<OpenSocket<unknown>>;

async function openServer(
  address: ListenAddress,
  options: CommonOptions,
  runtime: Pick<Runtime, "sleep">,
): Promise<Opened> {
  try {
    if (address.transport === "unix") {
      return await openSocket(address, (path) => Deno.serve({ ...options, path }), runtime);
    }
    const { hostname, port, cert, key } = address;
    const tls = cert === undefined || key === undefined ? {} : { cert, key };
    return { server: Deno.serve({ ...options, hostname, port, ...tls }) };
  } catch (error) {
    if (error instanceof HintedError || !(error instanceof Error)) throw error;
    const { state, hint } = explain(error, address);
    throw new ConfigError(`Cannot listen at ${formatAddress(address)}: ${hideSecrets(state)}`, { cause: error, hint });
  }
}

/** Says why a listener cannot be opened, and what to do. */
function explain(error: Error, { transport }: ListenAddress): { readonly state: string; readonly hint?: string } {
  if (error instanceof Deno.errors.AddrInUse) {
    return { state: "another process listens there", hint: "stop that process, or change serve.http.port" };
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    const hint = "set serve.http.host to an address that `ip address` shows";
    return { state: "this host does not have this address", hint };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    const other = transport === "tcp" ? "a serve.http.port from 1024 on" : "another path for this socket";
    return { state: error.message, hint: `run serve as root, or choose ${other}` };
  }
  return { state: error.message };
}
