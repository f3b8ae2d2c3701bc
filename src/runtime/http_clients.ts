/**
 * HTTP clients for connections with certificates or a proxy of their own. This file is loaded only
 * if a channel has such settings, or if the environment names a proxy.
 *
 * @module
 */

import { ConfigError, ProxiedFetchError } from "../base/errors.ts";
import { parseProxy } from "./address.ts";
import { type Env, isExempt, proxyVariable } from "./proxy.ts";

/**
 * How a channel reaches its server. Clients are cached by this object, so a channel needs one that
 * stays the same.
 */
export interface Connection {
  /** The name of its settings in errors: `channels.matrix`. */
  readonly name: string;
  /**
   * Reads the certificates and the proxy. It is called when a connection is needed, so that a
   * broken file affects its own channel only.
   *
   * @throws {ConfigError} if a file cannot be used
   */
  read(): ConnectionSettings;
}

/** Certificates and proxy of a connection, as read from their files. */
export interface ConnectionSettings {
  /** PEM: certificate authorities to trust besides the system's. */
  readonly caCerts?: string;
  /** PEM: the client's certificate and the intermediate certificates. */
  readonly cert?: string;
  /** PEM: the key of `cert`, without a passphrase. */
  readonly key?: string;
  /** The proxy, with user name and password if it needs them. */
  readonly proxy?: URL;
}

/** The way of a request to its server. */
interface Route {
  /** The proxy; undefined for a direct connection. */
  readonly proxy?: URL;
  /** True if `NO_PROXY` names the server. `fetch` might read `NO_PROXY` differently. */
  readonly isExempt: boolean;
}

/** The clients of one connection. */
interface ConnectionClients {
  readonly settings: ConnectionSettings;
  /** By proxy. */
  readonly clients: Map<string, Deno.HttpClient>;
}

/** The clients of a process, each created at its first request. */
export class HttpClients implements Disposable {
  readonly #env: Env;
  readonly #connections = new Map<Connection | undefined, ConnectionClients>();

  /** @param env reads the variables that name proxies */
  constructor(env: Env) {
    this.#env = env;
  }

  /**
   * Fetches over a connection.
   *
   * @throws {ConfigError} if a file, a certificate or a proxy cannot be used
   * @throws {ProxiedFetchError} if the request failed and was to go through a proxy
   */
  async fetch(url: string, init: RequestInit, connection: Connection | undefined): Promise<Response> {
    const { settings, clients } = this.#findClients(connection);
    const route = this.#findRoute(new URL(url), settings.proxy);
    const key = `${route.proxy?.href} ${route.isExempt}`;
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
    for (const { clients } of this.#connections.values()) for (const client of clients.values()) client.close();
    this.#connections.clear();
  }

  #findClients(connection: Connection | undefined): ConnectionClients {
    const found = this.#connections.get(connection) ?? { settings: connection?.read() ?? {}, clients: new Map() };
    this.#connections.set(connection, found);
    return found;
  }

  /**
   * Finds the proxy of a request. `NO_PROXY` applies to a channel's own proxy too, as it does to
   * curl's `--proxy`.
   */
  #findRoute(url: URL, own: URL | undefined): Route {
    const variable = own === undefined ? proxyVariable(url, this.#env) : undefined;
    if (own === undefined && variable === undefined) return { isExempt: false };
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
      // The next request reads the files again: they may have been fixed.
      this.#connections.delete(connection);
      if (connection === undefined) throw error;
      const message = error instanceof Error ? error.message : String(error);
      if (message.includes("KeyMismatch")) {
        throw new ConfigError(`Cannot use ${connection.name}.keyFile: it is not the key of the certificate`, {
          cause: error,
        });
      }
      throw new ConfigError(`Cannot use the certificates of ${connection.name}: ${message}`, { cause: error });
    }
  }
}

/**
 * Creates a client that ignores the environment's proxies. A client reads them when it is created,
 * and `NO_PROXY` is the only way to turn them off. The call is synchronous, so no other code sees
 * the changed variable.
 */
function withoutProxies(create: () => Deno.HttpClient): Deno.HttpClient {
  const before = Deno.env.get("NO_PROXY");
  if (before === "*") return create();
  Deno.env.set("NO_PROXY", "*");
  try {
    return create();
  } finally {
    if (before === undefined) Deno.env.delete("NO_PROXY");
    else Deno.env.set("NO_PROXY", before);
  }
}
