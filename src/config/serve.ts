/**
 * The settings of `serve`: its receivers. A receiver is off unless it is configured.
 *
 * ```json
 * { "serve": { "sockets": {
 *   "socket": {},
 *   "nut": { "group": "nut", "origin": "ups", "channels": ["phone"] }
 * } } }
 * ```
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import type { Fields } from "../base/fields.ts";
import { secret, SECRET_FORMS } from "../channels/fields/server.ts";
import {
  choice,
  duration,
  flag,
  integer,
  list,
  object,
  objects,
  objectSchema,
  type ParseContext,
  readSettings,
  setting,
  type SettingsOf,
  text,
} from "../channels/fields/setting.ts";
import { isLocalListener, parseNetwork } from "../runtime/networks.ts";
import { maxServerSocketBytes } from "../runtime/paths.ts";
import { readCertificates, readKey } from "./connection.ts";
import { DEFAULT_SOCKET, defaultSocketPath, SOCKET_DIRECTORY } from "./paths.ts";

/**
 * The default of `rateLimit`. A sender can send `count` notifications in each period. The length of
 * the period is `per`, in milliseconds.
 */
export const DEFAULT_RATE_LIMIT = { count: 600, per: 60_000 };

/** The setting for the limit of each sender of a receiver. */
export const RATE_LIMIT_SETTING = object({
  help: "limits the notifications of each sender; the default is 600 in a minute; a sender above the limit gets an " +
    "error, and can try again later",
  examples: [{ count: 600, per: "1m" }],
  optional: true,
  title: "SenderLimitConfig",
  settings: {
    count: integer({ help: "the largest number of notifications in the period", examples: [600], min: 1, max: 1e6 }),
    per: duration({ help: "the period, such as `1m`", examples: ["1m"] }),
  },
});

/** The settings of one local socket. */
export const SOCKET_SETTINGS = {
  path: text({
    help: `the path of the socket; the default is \`${SOCKET_DIRECTORY}/\` followed by the name of the socket`,
    examples: [`${SOCKET_DIRECTORY}/nut`],
    optional: true,
    pattern: /^\//,
    problem: "it must be an absolute path",
  }),
  group: text({
    help: "the group whose members can send (a name or a number); the default is `matrix-notify`",
    examples: ["nut"],
    optional: true,
  }),
  origin: text({
    help: "the origin of every notification; a sender cannot choose another origin, so rules can rely on it",
    examples: ["ups"],
    optional: true,
  }),
  channels: list({
    help:
      "the only channels that senders can use; by default, the rules choose the channels, and a sender can name any channel",
    examples: ["phone", ["phone"]],
    optional: true,
  }),
  maxBytes: integer({
    help: "the largest size of a notification with its files, in bytes",
    examples: [1048576],
    min: 1024,
    max: 400 * 2 ** 20,
    default: 64 * 2 ** 20,
  }),
  rateLimit: RATE_LIMIT_SETTING,
};

/** The settings of one sender of the HTTP receiver. */
export const SENDER_SETTINGS = {
  token: secret({
    help: "the token of the sender: a bearer token, the password of a login, or the `token` of an address",
    examples: ["tk-0123456789abcdef"],
    optional: true,
    form: SECRET_FORMS.header,
  }),
  networks: list({
    help: "the networks from which the sender may send; without a token, the network alone identifies the sender",
    examples: [["192.168.88.0/24"]],
    optional: true,
    isValid: (network) => parseNetwork(network) !== undefined,
    problem: "it must contain IP addresses or networks such as 192.168.88.0/24",
  }),
  origin: text({
    help: "the origin of every notification; a sender cannot choose another one, so rules can rely on it",
    examples: ["router1"],
    optional: true,
  }),
  channels: list({
    help: "the only channels that get the notifications; by default, the rules choose the channels",
    examples: ["phone", ["phone"]],
    optional: true,
  }),
  statusPage: flag({
    help: "`false`: the token does not open the status page, which shows the subjects of all senders",
    examples: [false],
    default: true,
  }),
};

/** The names of the presets for hooks. */
const HOOK_PRESET_NAMES = ["proxmox", "truenas"] as const;

/** The name of a preset. */
export type HookPreset = typeof HOOK_PRESET_NAMES[number];

function template(help: string, example: string) {
  return {
    ...text({ help: `${help}; \`{{path.to.field}}\` is a value of the JSON`, examples: [example], optional: true }),
    mayContainSecrets: true,
  };
}

/** The settings of one hook. */
export const HOOK_SETTINGS = {
  preset: choice({
    help: "the mapping for a well-known program; the other settings replace parts of it",
    examples: ["proxmox"],
    values: HOOK_PRESET_NAMES,
    optional: true,
  }),
  subject: template("the subject", "{{title}}"),
  message: template("the message", "{{message}}"),
  severity: template("the severity; most words for severities are known", "{{severity}}"),
  origin: template("the origin; the default is the name of the hook", "{{fields.hostname}}"),
  link: template("the link", "{{url}}"),
  key: template("the key of the incident; without one of its values, there is no key", "{{job.id}}"),
  id: template("the idempotency key; without one of its values, there is none", "{{event.id}}"),
  silent: template("`true`, `yes` or `1`: the notification makes no sound", "{{quiet}}"),
  format: template("`text`, `code`, `markdown` or `html`", "code"),
  resolves: setting<ReadonlyMap<string, readonly string[]>>({
    help: "the values that say that the problem is over, by the path of the field",
    examples: [{ status: ["ok", "resolved"] }],
    optional: true,
    schema: {
      type: "object",
      additionalProperties: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    },
    read(fields, key) {
      const nested = fields.nested(key);
      return new Map((nested?.keys() ?? []).map((path) => [path, nested?.texts(path) ?? []]));
    },
  }),
};

/** The default port of the HTTP receiver. */
const DEFAULT_HTTP_PORT = 8411;

/** The settings of the HTTP receiver. */
export const HTTP_SETTINGS = {
  host: text({
    help: "the address to listen at; every other address than a loopback address needs senders with tokens or networks",
    examples: ["0.0.0.0"],
    default: "127.0.0.1",
  }),
  port: integer({ help: "the port", examples: [DEFAULT_HTTP_PORT], min: 0, max: 65_535, default: DEFAULT_HTTP_PORT }),
  certFile: text({
    help: "the certificate chain in PEM, for https",
    examples: ["/etc/matrix-notify/cert.pem"],
    optional: true,
    needs: "keyFile",
  }),
  keyFile: text({
    help: "the private key of the certificate in PEM",
    examples: ["/etc/matrix-notify/key.pem"],
    optional: true,
    needs: "certFile",
  }),
  senders: objects({
    help: "the senders, by name; without senders, every program of this host may send",
    examples: [{ router1: { tokenFile: "/etc/matrix-notify/router1", origin: "router1" } }],
    optional: true,
    settings: SENDER_SETTINGS,
    names: /^[A-Za-z0-9_.-]+$/,
  }),
  hooks: objects({
    help: "mappings from the JSON of a program, by the name in the address: `POST /hooks/NAME`",
    examples: [{ pve: { preset: "proxmox" } }],
    optional: true,
    settings: HOOK_SETTINGS,
    names: /^[A-Za-z0-9_.-]+$/,
    check({ preset, subject, message }, fields) {
      if (preset !== undefined || subject !== undefined || message !== undefined) return;
      throw fields.missing("subject", "set subject, message or preset");
    },
  }),
  maxAge: duration({
    help: "`/healthz` fails when the oldest entry in the queue has waited longer",
    examples: ["15m"],
    default: "1h",
  }),
  rateLimit: RATE_LIMIT_SETTING,
};

/** The parsed settings of the HTTP receiver. */
export type HttpSettings = SettingsOf<typeof HTTP_SETTINGS>;

/** The parsed settings of a sender. */
export type SenderSettings = SettingsOf<typeof SENDER_SETTINGS>;

/** The parsed settings of a hook. */
export type HookSettings = SettingsOf<typeof HOOK_SETTINGS>;

/**
 * Checks the settings of the HTTP receiver. If other hosts can reach the receiver, there must be
 * senders, and each sender must have a token or a network.
 */
function checkHttp({ host, senders }: HttpSettings, fields: Fields): void {
  if (isLocalListener(host)) return;
  if (senders.size === 0) {
    throw fields.error("host", "every host that reaches it could send", "add senders with a token or a network");
  }
  for (const [name, { token, networks }] of senders) {
    if (token !== undefined || networks.length > 0) continue;
    throw fields.error("senders", `${name} has neither a token nor a network`, "set token, tokenFile or networks");
  }
}

/** The settings in `serve`. */
export const SERVE_SETTINGS = {
  http: object({
    help: "the HTTP receiver: our own format, ntfy, Gotify, Matrix, Alertmanager, Grafana, Uptime Kuma and hooks",
    examples: [{ senders: { router1: { tokenFile: "/etc/matrix-notify/router1" } } }],
    optional: true,
    title: "HttpReceiverConfig",
    settings: HTTP_SETTINGS,
    check: checkHttp,
  }),
  sockets: objects({
    help: "local sockets, by name; commands of users who cannot read the configuration use the socket with the name " +
      `\`${DEFAULT_SOCKET}\``,
    examples: [{ socket: {} }],
    optional: true,
    settings: SOCKET_SETTINGS,
    names: /^[A-Za-z0-9_-]+$/,
  }),
};

/** The parsed settings of `serve`. */
export type ServeSettings = SettingsOf<typeof SERVE_SETTINGS>;

/** The parsed settings of one local socket. */
export type SocketSettings = SettingsOf<typeof SOCKET_SETTINGS>;

/** The input of {@linkcode readServe}, in addition to the settings. */
interface ReadServeOptions {
  /**
   * True to also read certificate and token files, and to report their problems.
   * @default {false}
   */
  readonly readsFiles?: boolean;
  /** The operating system, which limits the paths of sockets. @default {Deno.build.os} */
  readonly os?: string;
}

/**
 * Reads `serve`.
 *
 * @returns undefined if a setting has a mistake; the problem is recorded in `fields`
 */
export function readServe(
  fields: Fields,
  context: ParseContext,
  { readsFiles = false, os }: ReadServeOptions = {},
): ServeSettings | undefined {
  const before = fields.problemCount;
  const own = fields.attempt(() => fields.nested("serve"));
  if (own === undefined) return undefined;
  const settings = readSettings(SERVE_SETTINGS, own, context);
  own.end();
  const { http, sockets = new Map() } = settings;
  const ofFiles = readsFiles && http
    ? [...problemsOf(() => readServerCertificate(http)), ...findTokenProblems(http)]
    : [];
  for (const problem of [...findLongPaths(sockets, own, maxServerSocketBytes(os)), ...ofFiles]) {
    fields.attempt(() => {
      throw withReaderHint(problem);
    });
  }
  return fields.problemCount > before ? undefined : settings;
}

/** Returns the problems of sockets whose paths are longer than `maxBytes`. */
function findLongPaths(
  sockets: ReadonlyMap<string, SocketSettings>,
  fields: Fields,
  maxBytes: number,
): readonly ConfigError[] {
  const limit = `longer than ${maxBytes} bytes, the limit for a socket`;
  return [...sockets].flatMap(([name, { path }]) => {
    const whole = path ?? defaultSocketPath(name);
    if (new TextEncoder().encode(whole).length <= maxBytes) return [];
    return path === undefined
      ? [fields.error(`sockets.${name}`, `its path ${whole} is ${limit}`)]
      : [fields.error(`sockets.${name}.path`, `it is ${limit}`)];
  });
}

/**
 * Replaces the hint of an error about a file that this user has no permission to read. The new hint
 * does not advise sharing the file, because only the user of `serve` needs it.
 */
export function withReaderHint(error: ConfigError): ConfigError {
  const { message, cause, place } = error;
  if (!(cause instanceof Deno.errors.PermissionDenied)) return error;
  const hint = "only the user of serve needs this file: run this command as that user, usually root";
  return new ConfigError(message, { hint, cause, place });
}

/** Returns the problems of the files with tokens. A sender with such a problem cannot send. */
export function findTokenProblems({ senders }: HttpSettings): readonly ConfigError[] {
  return [...senders.values()].flatMap(({ token }) => problemsOf(() => token?.reveal()));
}

function problemsOf(read: () => unknown): readonly ConfigError[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [error];
    throw error;
  }
}

/**
 * Reads the certificate and the private key of the HTTP receiver. Returns an empty object if
 * `certFile` or `keyFile` is not set.
 *
 * @throws {ConfigError} if a file cannot be read, is not trusted, or is not in PEM format
 */
export function readServerCertificate(
  { certFile, keyFile }: HttpSettings,
): { readonly cert: string; readonly key: string } | Record<never, never> {
  if (certFile === undefined || keyFile === undefined) return {};
  return {
    cert: readCertificates(certFile, "serve.http.certFile"),
    key: readKey(keyFile, "serve.http.keyFile"),
  };
}

/** Returns the JSON schema of `serve`. */
export function serveSchema(): Readonly<Record<string, unknown>> {
  return {
    type: "object",
    description: "the receivers of `matrix-notify serve`; each is off unless it is configured",
    examples: [{ sockets: { socket: {} } }],
    ...objectSchema(SERVE_SETTINGS),
  };
}
