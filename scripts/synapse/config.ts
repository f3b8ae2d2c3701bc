/**
 * Synapse's configuration: a homeserver for tests, on the loopback interface only.
 *
 * @module
 */

/** Options of a homeserver. */
export interface SynapseOptions {
  /** The part of user ids after the colon. @default {"synapse.test"}, which no DNS resolves */
  readonly serverName?: string;
  /** `off` has no limits; `default` keeps Synapse's own. @default {"off"} */
  readonly rateLimits?: "off" | "default";
  /**
   * The lifetime of an access token that has a refresh token: `5s`.
   *
   * @default Synapse's own: 5 minutes
   */
  readonly refreshableAccessTokenLifetime?: string;
  /** More keys of Synapse's configuration. They replace ours. */
  readonly extraConfig?: Readonly<Record<string, unknown>>;
}

/** The folder and the port of a homeserver. */
export interface Place {
  /** The folder with its files, an absolute path. */
  readonly folder: string;
  /** The TCP port on 127.0.0.1. */
  readonly port: number;
}

/** The secrets of a homeserver, which stay the same over restarts. */
export interface Secrets {
  /** The shared secret for registrations. */
  readonly registration: string;
  /** The seed of its signing key, 32 bytes. */
  readonly signingSeed: Uint8Array;
}

/** The server name of a homeserver whose options name none. */
export const DEFAULT_SERVER_NAME = "synapse.test";

/** The limits that a test can reach. All of them take the same two numbers. */
const LIMITS = [
  "rc_message",
  "rc_registration",
  "rc_joins_per_room",
  "rc_3pid_validation",
  "rc_media_create",
  "rc_room_creation",
  "rc_reports",
  "rc_user_directory",
] as const;

/** The limits that Synapse nests one level deeper. */
const NESTED_LIMITS = {
  rc_login: ["address", "account", "failed_attempts"],
  rc_joins: ["local", "remote"],
  rc_invites: ["per_room", "per_user", "per_issuer"],
} as const;

/** These log each table and each endpoint. */
const CHATTY_LOGGERS = [
  "synapse.federation",
  "synapse.storage",
  "synapse.util.httpresourcetree",
] as const;

const UNLIMITED = { per_second: 100_000, burst_count: 100_000 } as const;

/**
 * Creates the text of `homeserver.yaml`. It is JSON, which is valid YAML, so no quoting code is
 * needed.
 *
 * The `federation` listener is needed because a homeserver tells its software and version in that
 * part of the API. It reaches no other server: the list of permitted servers is empty.
 */
export function createHomeserverConfig(options: SynapseOptions, place: Place, secrets: Secrets): string {
  const lifetime = options.refreshableAccessTokenLifetime;
  return JSON.stringify(
    {
      server_name: options.serverName ?? DEFAULT_SERVER_NAME,
      public_baseurl: `http://127.0.0.1:${place.port}/`,
      listeners: [{
        port: place.port,
        bind_addresses: ["127.0.0.1"],
        type: "http",
        tls: false,
        resources: [{ names: ["client", "federation"] }],
      }],
      database: { name: "sqlite3", args: { database: databasePath(place) } },
      media_store_path: `${place.folder}/media`,
      log_config: `${place.folder}/log.yaml`,
      signing_key: `ed25519 a_test ${secrets.signingSeed.toBase64({ omitPadding: true })}`,
      registration_shared_secret: secrets.registration,
      macaroon_secret_key: secrets.registration,
      form_secret: secrets.registration,
      bcrypt_rounds: 4,
      presence: { enabled: false },
      report_stats: false,
      trusted_key_servers: [],
      suppress_key_server_warning: true,
      federation_domain_whitelist: [],
      ...(lifetime === undefined ? {} : { refreshable_access_token_lifetime: lifetime }),
      ...(options.rateLimits === "default" ? {} : noLimits()),
      ...options.extraConfig,
    },
    null,
    2,
  );
}

/** Creates the text of `log.yaml`: to standard error, without the pages of each start. */
export function createLogConfig(): string {
  return JSON.stringify({
    version: 1,
    disable_existing_loggers: false,
    formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s: %(message)s" } },
    handlers: { stderr: { class: "logging.StreamHandler", formatter: "line" } },
    loggers: Object.fromEntries(CHATTY_LOGGERS.map((name) => [name, { level: "WARNING" }])),
    root: { level: "INFO", handlers: ["stderr"] },
  });
}

/** Returns the path of the database. */
export function databasePath(place: Pick<Place, "folder">): string {
  return `${place.folder}/homeserver.db`;
}

function noLimits(): Record<string, unknown> {
  const flat = LIMITS.map((name) => [name, UNLIMITED] as const);
  const nested = Object.entries(NESTED_LIMITS).map(([name, keys]) =>
    [name, Object.fromEntries(keys.map((key) => [key, UNLIMITED]))] as const
  );
  return Object.fromEntries([...flat, ...nested]);
}
