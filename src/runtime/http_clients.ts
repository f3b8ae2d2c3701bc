/**
 * HTTP clients for connections that use special certificates or a proxy. This file is loaded only
 * if a channel has such settings, or if an environment variable sets a proxy.
 *
 * @module
 */

import { ConfigError, ProxiedFetchError } from "../base/errors.ts";
import { hideSecrets, rememberSecret } from "../base/secret.ts";
import { parseProxy } from "./address.ts";
import { type Env, isCgi, isExempt, proxyVariable } from "./proxy.ts";
import { readVariable } from "./permissions.ts";

/**
 * The connection of a channel to its server. A channel must use one `Connection` object for all
 * requests, because each `Connection` object gets its own HTTP clients.
 */
export interface Connection {
  /** The name that errors show for these settings, such as `channels.matrix`. */
  readonly name: string;
  /**
   * Reads the certificates and the proxy. This method is called only when the channel connects, so
   * that a broken file affects only this channel.
   *
   * @throws {ConfigError} if a file cannot be used
   */
  read(): ConnectionSettings;
  /**
   * Aborts when the connection is not used any more, and its clients can be closed. Requests in
   * flight continue.
   * @default the clients stay open until the {@linkcode HttpClients} are disposed of
   */
  readonly closed?: AbortSignal;
}

/** The certificates and the proxy of a connection, read from their files. */
export interface ConnectionSettings {
  /** The additional certificate authorities to trust, as PEM. */
  readonly caCerts?: string;
  /** The client certificate and the intermediate certificates, as PEM. */
  readonly cert?: string;
  /** The private key of `cert`, as PEM without a passphrase. */
  readonly key?: string;
  /** The URL of the proxy. The URL may contain a user name and a password. */
  readonly proxy?: URL;
}

/** The way from this program to a server: direct or through a proxy. */
interface Route {
  /** The proxy; undefined for a direct connection. */
  readonly proxy?: URL;
  /**
   * True if the client must ignore the proxy variables of the environment. This is the case if
   * `NO_PROXY` lists the server, or if this process is a CGI program (see {@linkcode isCgi}).
   */
  readonly isExempt: boolean;
}

/** The clients of one connection. */
interface ConnectionClients {
  readonly settings: ConnectionSettings;
  /** The clients. A key contains the proxy and `isExempt` of a {@linkcode Route}. */
  readonly clients: Map<string, Deno.HttpClient>;
}

/** The clients of a process. Each client is created when the first request needs it. */
export class HttpClients implements Disposable {
  readonly #env: Env;
  /** The clients by connection. The usual connection is undefined. */
  readonly #connections = new Map<Connection | undefined, ConnectionClients>();

  /** @param env a function that reads the environment variables for proxies */
  constructor(env: Env) {
    this.#env = env;
  }

  /**
   * Sends a request over a connection.
   *
   * @throws {ConfigError} if a file, a certificate or a proxy cannot be used
   * @throws {ProxiedFetchError} if a request through a proxy failed
   */
  async fetch(url: string, init: RequestInit, connection: Connection | undefined): Promise<Response> {
    const { settings, clients } = this.#findClients(connection);
    const route = this.#findRoute(new URL(url), settings.proxy);
    const key = `${route.proxy?.href} ${route.isExempt}`;
    if (route.proxy !== undefined) rememberLogin(route.proxy);
    const client = clients.get(key) ?? this.#createClient(connection, settings, route);
    clients.set(key, client);
    try {
      return await fetch(url, { ...init, client } as RequestInit);
    } catch (error) {
      if (route.proxy === undefined || init.signal?.aborted || !(error instanceof Error)) throw error;
      throw new ProxiedFetchError(route.proxy.host, error);
    }
  }

  [Symbol.dispose](): void {
    for (const { clients } of this.#connections.values()) closeAll(clients);
    this.#connections.clear();
  }

  /**
   * Finds the clients of a connection. Deno frees no client by itself, so they are closed with the
   * connection.
   */
  #findClients(connection: Connection | undefined): ConnectionClients {
    const known = this.#connections.get(connection);
    if (known !== undefined) return known;
    const found = { settings: connection?.read() ?? {}, clients: new Map() };
    this.#connections.set(connection, found);
    connection?.closed?.addEventListener("abort", () => {
      if (this.#connections.get(connection) !== found) return;
      closeAll(found.clients);
      this.#connections.delete(connection);
    });
    return found;
  }

  /**
   * Finds the proxy of a request. If `NO_PROXY` lists the host, even a proxy in the settings of the
   * channel is ignored. curl ignores `--proxy` in the same way.
   */
  #findRoute(url: URL, own: URL | undefined): Route {
    const variable = own === undefined ? proxyVariable(url, this.#env) : undefined;
    if (own === undefined && variable === undefined) return { isExempt: isCgi(this.#env) };
    if (isExempt(url, this.#env)) return { isExempt: true };
    const address = own ? { url: own } : parseProxy(variable?.value ?? "");
    if ("url" in address) return { proxy: address.url, isExempt: false };
    throw new ConfigError(`Cannot use ${variable?.name}: ${address.problem}`, { hint: address.hint });
  }

  #createClient(
    connection: Connection | undefined,
    { caCerts, cert, key }: ConnectionSettings,
    route: Route,
  ): Deno.HttpClient {
    const create = () =>
      Deno.createHttpClient({
        poolMaxIdlePerHost: 0,
        ...(caCerts === undefined ? {} : { caCerts: [caCerts] }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
        ...(route.proxy === undefined ? {} : { proxy: { url: route.proxy.href } }),
      });
    try {
      return route.isExempt ? withoutProxies(create) : create();
    } catch (error) {
      // The next request reads the files again, because a user may have fixed them.
      this.#connections.delete(connection);
      // Deno denies access to the proxy.
      if (connection === undefined || error instanceof Deno.errors.NotCapable) throw error;
      const message = error instanceof Error ? error.message : String(error);
      if (message.includes("KeyMismatch")) {
        throw new ConfigError(`Cannot use ${connection.name}.keyFile: it is not the key of the certificate`, {
          cause: error,
        });
      }
      throw new ConfigError(`Cannot use the certificates of ${connection.name}: ${hideSecrets(message)}`, {
        cause: error,
      });
    }
  }
}

function closeAll(clients: ReadonlyMap<string, Deno.HttpClient>): void {
  for (const client of clients.values()) client.close();
}

/** Remembers the password of a proxy as a secret, because a response may contain the password. */
function rememberLogin({ username, password, host }: URL): void {
  if (username !== "") rememberSecret(`http://${username}:${password}@${host}`);
}

/**
 * Creates a client that ignores the proxies in the environment. A client reads the environment only
 * while it is created. The only way to turn proxies off is to set `NO_PROXY` for this short time.
 * The call is synchronous, so other code does not see the change.
 */
function withoutProxies(create: () => Deno.HttpClient): Deno.HttpClient {
  const before = readVariable("NO_PROXY");
  if (before === "*") return create();
  Deno.env.set("NO_PROXY", "*");
  try {
    return create();
  } finally {
    if (before === undefined) Deno.env.delete("NO_PROXY");
    else Deno.env.set("NO_PROXY", before);
  }
}
