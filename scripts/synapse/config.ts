/**
 * Synapse's configuration: a homeserver for tests, that talks to nobody but the loopback interface.
 *
 * @module
 */

/** How a test wants its homeserver. */
export interface SynapseOptions {
  /** The part of user ids after the colon; `synapse.test` by default, which no DNS knows. */
  readonly serverName?: string;
  /** `off`, the default, lets a test send as fast as it can; `default` keeps Synapse's own limits. */
  readonly rateLimits?: "off" | "default";
  /** How long an access token lives that was given out with a refresh token: `5s`. By default Synapse's own: 5 minutes. */
  readonly refreshableAccessTokenLifetime?: string;
  /** More of Synapse's configuration, key by key; wins over ours. */
  readonly extraConfig?: Readonly<Record<string, unknown>>;
}

/** Where one homeserver lives. */
export interface Place {
  /** The folder with its files, an absolute path. */
  readonly folder: string;
  /** The TCP port on 127.0.0.1. */
  readonly port: number;
}

/** What a homeserver keeps through its restarts. */
export interface Secrets {
  /** The key of the registration by shared secret. */
  readonly registration: string;
  /** The seed of its signing key, 32 bytes. */
  readonly signingSeed: Uint8Array;
}

/** The server name of a homeserver whose options name none. */
export const DEFAULT_SERVER_NAME = "synapse.test";

/** Everything that Synapse limits and that a test can run into; all of them take the same two numbers. */
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

/** They tell of each table and each endpoint. */
const CHATTY_LOGGERS = [
  "synapse.federation",
  "synapse.storage",
  "synapse.util.httpresourcetree",
] as const;

const UNLIMITED = { per_second: 100_000, burst_count: 100_000 } as const;

/**
 * The text of `homeserver.yaml`. JSON is YAML, so that no quoting of our own is needed.
 *
 * The `federation` listener is there because homeservers tell their kind and version in its part of the API; it finds nobody
 * to talk to: the list of servers that it may reach is empty.
 */
export function homeserverConfig(options: SynapseOptions, place: Place, secrets: Secrets): string {
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
      database: { name: "sqlite3", args: { database: databaseFile(place) } },
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

/** The text of `log.yaml`: to standard error, without what fills pages at each start. */
export function logConfig(): string {
  return JSON.stringify({
    version: 1,
    disable_existing_loggers: false,
    formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s: %(message)s" } },
    handlers: { stderr: { class: "logging.StreamHandler", formatter: "line" } },
    loggers: Object.fromEntries(CHATTY_LOGGERS.map((name) => [name, { level: "WARNING" }])),
    root: { level: "INFO", handlers: ["stderr"] },
  });
}

/** The path of the database. */
export function databaseFile(place: Pick<Place, "folder">): string {
  return `${place.folder}/homeserver.db`;
}

function noLimits(): Record<string, unknown> {
  const flat = LIMITS.map((name) => [name, UNLIMITED] as const);
  const nested = Object.entries(NESTED_LIMITS).map(([name, keys]) =>
    [name, Object.fromEntries(keys.map((key) => [key, UNLIMITED]))] as const
  );
  return Object.fromEntries([...flat, ...nested]);
}
