/**
 * The settings of `serve`: its receivers. A receiver is off unless it is configured.
 *
 * ```json
 * { "serve": { "sockets": { "socket": {}, "nut": { "group": "nut", "origin": "ups", "channels": ["phone"] } } } }
 * ```
 *
 * @module
 */

import type { Fields } from "../base/fields.ts";
import {
  duration,
  integer,
  list,
  object,
  objects,
  objectSchema,
  type ParseContext,
  readSettings,
  type SettingsOf,
  text,
} from "../channels/fields/setting.ts";
import { DEFAULT_SOCKET, SOCKET_DIRECTORY } from "./paths.ts";

/** The longest path of a Unix socket on Linux, in bytes: `sun_path` without its zero byte. */
const MAX_SOCKET_PATH = 107;

/** The default of `rateLimit`: the largest number of notifications of one sender in a period. */
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

/** The settings in `serve`. */
export const SERVE_SETTINGS = {
  sockets: objects({
    help: "local sockets, by name; commands of users who cannot read the configuration use the socket with the name " +
      `\`${DEFAULT_SOCKET}\``,
    examples: [{ socket: {} }],
    optional: true,
    settings: SOCKET_SETTINGS,
    names: /^[A-Za-z0-9_-]+$/,
    check({ path = "" }, fields) {
      if (new TextEncoder().encode(path).length <= MAX_SOCKET_PATH) return;
      throw fields.error("path", `it is longer than ${MAX_SOCKET_PATH} bytes, the limit of the system for a socket`);
    },
  }),
};

/** The parsed settings of `serve`. */
export type ServeSettings = SettingsOf<typeof SERVE_SETTINGS>;

/** The parsed settings of one local socket. */
export type SocketSettings = SettingsOf<typeof SOCKET_SETTINGS>;

/** Reads `serve`. Returns undefined if a setting has a mistake; `fields` then has the problem. */
export function readServe(fields: Fields, context: ParseContext): ServeSettings | undefined {
  const before = fields.problemCount;
  const own = fields.attempt(() => fields.nested("serve"));
  if (own === undefined) return undefined;
  const settings = readSettings(SERVE_SETTINGS, own, context);
  own.end();
  return fields.problemCount > before ? undefined : settings;
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
