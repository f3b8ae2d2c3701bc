/** How a channel reaches its server, where that is not the usual way: with authorities, a client certificate or a proxy of its own. */

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
