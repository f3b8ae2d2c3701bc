/**
 * Clients for connections that need more than the usual one: authorities, a client certificate, a proxy. Only who has such settings, or a proxy in the
 * environment, loads this file.
 *
 * @module
 */

import { parseProxy } from "./address.ts";
import type { Connection, Credentials } from "./connection.ts";
import { ConfigError, ProxiedFetchError } from "../base/errors.ts";
import { type Env, isExempt, proxyVariable } from "./proxy.ts";

/** Which proxy a request takes; none of these: the direct way. */
interface Route {
  readonly proxy?: URL;
  /** Whether the environment's proxies do not count, which `fetch` might see differently. */
  readonly isExempt: boolean;
}

/** What was made for one connection. */
interface Made {
  readonly credentials: Credentials;
  /** By proxy. */
  readonly clients: Map<string, Deno.HttpClient>;
}

/** The clients of a process, made when they are first needed. */
export class HttpClients implements Disposable {
  readonly #env: Env;
  readonly #made = new Map<Connection | undefined, Made>();

  /** @param env where proxies may be named */
  constructor(env: Env) {
    this.#env = env;
  }

  /**
   * Fetches over a connection.
   *
   * @throws {ConfigError} when a file, a certificate or a proxy of it cannot be used
   * @throws {ProxiedFetchError} when the request failed, and was to go through a proxy
   */
  async fetch(url: string, init: RequestInit, connection: Connection | undefined): Promise<Response> {
    const made = this.#for(connection);
    const route = this.#route(new URL(url), made.credentials.proxy);
    const key = `${route.proxy?.href} ${route.isExempt}`;
    const client = made.clients.get(key) ?? this.#open(connection, made.credentials, route);
    made.clients.set(key, client);
    try {
      return await fetch(url, { ...init, client } as RequestInit);
    } catch (error) {
      if (route.proxy === undefined || init.signal?.aborted || !(error instanceof Error)) throw error;
      throw new ProxiedFetchError(route.proxy.host, error);
    }
  }

  [Symbol.dispose](): void {
    for (const { clients } of this.#made.values()) for (const client of clients.values()) client.close();
    this.#made.clear();
  }

  #for(connection: Connection | undefined): Made {
    const made = this.#made.get(connection) ?? { credentials: connection?.read() ?? {}, clients: new Map() };
    this.#made.set(connection, made);
    return made;
  }

  /** `NO_PROXY` counts for a channel's own proxy too, as it does for curl's `--proxy`. */
  #route(url: URL, own: URL | undefined): Route {
    const variable = own === undefined ? proxyVariable(url, this.#env) : undefined;
    if (own === undefined && variable === undefined) return { isExempt: false };
    if (isExempt(url, this.#env)) return { isExempt: true };
    const address = own ? { url: own } : parseProxy(variable?.value ?? "");
    if ("url" in address) return { proxy: address.url, isExempt: false };
    throw new ConfigError(`Cannot use ${variable?.name}: ${address.problem}`, { hint: address.hint });
  }

  #open(connection: Connection | undefined, { caCerts, cert, key }: Credentials, route: Route): Deno.HttpClient {
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
      // Mended files are read again at the next try.
      this.#made.delete(connection);
      if (connection === undefined) throw error;
      const what = error instanceof Error ? error.message : String(error);
      if (what.includes("KeyMismatch")) {
        throw new ConfigError(`Cannot use ${connection.name}.keyFile: it is not the key of the certificate`, {
          cause: error,
        });
      }
      throw new ConfigError(`Cannot use the certificates of ${connection.name}: ${what}`, { cause: error });
    }
  }
}

/**
 * A client reads the environment's proxies when it is made, and there is no other way to tell it to leave them alone. Nothing else runs in
 * between.
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
