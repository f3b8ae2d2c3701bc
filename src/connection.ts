/** How a channel reaches its server, where that is not the usual way: with authorities, a client certificate or a proxy of its own. */

import type { Runtime } from "./runtime.ts";

/** What a connection is made with, read. */
export interface Credentials {
  /** PEM: authorities to trust besides the usual ones. */
  readonly caCerts?: string;
  /** PEM: the client's certificate, and those between it and its authority. */
  readonly cert?: string;
  /** PEM: the key of `cert`, without a passphrase. */
  readonly key?: string;
  /** The proxy, with a user name and a password where it wants some. */
  readonly proxy?: URL;
}

/** The settings of one channel. Clients are kept by it, so that there is one object a channel. */
export interface Connection {
  /** How its settings are called in errors: `channels.matrix`. */
  readonly name: string;
  /**
   * Reads the files that the settings name: at the moment when a connection is needed, so that a broken file holds its own channel only.
   *
   * @throws {ConfigError} when one cannot be used
   */
  read(): Credentials;
}

/** The same runtime, whose requests go over a connection of their own. */
export function withConnection<R extends Pick<Runtime, "fetch">>(runtime: R, connection: Connection): R {
  return { ...runtime, fetch: (url, init) => runtime.fetch(url, init, connection) };
}

/** A `fetch` failed that went through a proxy: then it may be the proxy that cannot be reached. */
export class ProxiedFetchError extends TypeError {
  override name = "ProxiedFetchError" as const;
  /** The proxy's host and port. */
  readonly proxy: string;

  /** It takes the place of what `fetch` threw, with the same message and cause. */
  constructor(proxy: string, thrown: Error) {
    super(thrown.message, { cause: thrown.cause });
    this.proxy = proxy;
  }
}
