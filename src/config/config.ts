/**
 * The configuration, parsed. The file is JSON:
 *
 * ```json
 * {
 *   "identity": "jump",
 *   "background": true,
 *   "symbols": true,
 *   "channels": {
 *     "matrix": { "homeserver": "https://matrix.example.org", "accessTokenFile": "/etc/matrix-notify/token", "room": "!…" },
 *     "phone": { "kind": "ntfy", "server": "https://ntfy.example.org", "topic": "alerts" }
 *   }
 * }
 * ```
 *
 * @module
 */

import type { EmailConfig } from "../channels/email/channel.ts";
import type { ExecConfig } from "../channels/exec/channel.ts";
import type { GotifyConfig } from "../channels/gotify/channel.ts";
import type { MatrixConfig } from "../channels/matrix/fields.ts";
import type { NtfyConfig } from "../channels/ntfy/channel.ts";
import type { TelegramConfig } from "../channels/telegram/channel.ts";
import type { WebhookConfig } from "../channels/webhook/channel.ts";
import type { FieldSpecs } from "../channels/fields/field_spec.ts";
import type { OpenChannel, ParseContext } from "../channels/kind.ts";
import { POLICY_FIELDS, type PolicyConfig } from "./fields/policy_fields.ts";
import { CHANNEL_KINDS } from "../channels/registry.ts";
import type { ChannelDirectory, RoutedChannel } from "./channel_directory.ts";
import { ROUTES_FIELD } from "./fields/route_fields.ts";
import type { Fallback, FallbackPolicy } from "../routing/fallback.ts";
import type { Rule } from "../routing/rule.ts";
import { ConfigError } from "../base/errors.ts";
import { appriseChannel } from "./apprise/channel.ts";
import { Fields, isObject } from "../base/fields.ts";
import type { LanePolicy } from "../delivery/rate_policy.ts";
import { nearest } from "../base/nearest.ts";
import { connectionOf, withConnection } from "./connection.ts";
import { fallbackOf } from "./fallback.ts";
import { policyOf } from "./flood.ts";
import { routesOf } from "./routes.ts";

/** How a channel is configured; without `kind` it is of the kind that its name says. */
export type ChannelConfig =
  & PolicyConfig
  & FallbackPolicy
  & (
    | MatrixConfig
    | NtfyConfig
    | GotifyConfig
    | TelegramConfig
    | EmailConfig
    | WebhookConfig
    | ExecConfig
  );

/** The configuration, ready to use. */
export interface Config {
  /** The host's name as people know it; it stands before each subject. */
  readonly identity: string;
  /** Whether a process may go on delivering in the background. */
  readonly background: boolean;
  /** Whether names such as `:warning-sign:` in a subject become symbols. */
  readonly symbols: boolean;
  /** The configured channels, not opened yet. */
  readonly channels: readonly OpenChannel[];
  /** What holds for channels, by name. */
  readonly policies: ReadonlyMap<string, LanePolicy>;
  /** The rules that say where notifications go. */
  readonly rules: readonly Rule[];
  /** What stands in for channels, by name. */
  readonly fallbacks: ReadonlyMap<string, Fallback>;
}

/** The fields of the configuration, but for `channels`. */
export const CONFIG_FIELDS: FieldSpecs = {
  identity: {
    schema: {
      type: "string",
      description: "stands in brackets before each subject; the host's name by default",
      examples: ["jump"],
    },
  },
  background: {
    schema: {
      type: "boolean",
      description: "whether a process may stay behind that goes on delivering",
      examples: [false],
      default: true,
    },
  },
  symbols: {
    schema: {
      type: "boolean",
      description: "whether names such as :warning-sign: in subjects become symbols",
      examples: [false],
      default: true,
    },
  },
  ...POLICY_FIELDS,
  ...ROUTES_FIELD,
};

/** Where the values of a configuration came from, and what stands in for missing ones. */
export interface ConfigContext extends ParseContext {
  /** The identity where none is configured. */
  readonly hostname: string;
  /** How fields of a channel are called in errors when they did not come from the file: by channel, by key. */
  readonly names: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** All channels, where only a part of the configuration is parsed. @default those that are parsed */
  readonly directory?: ChannelDirectory;
}

/**
 * Reads a configuration out of parsed JSON.
 *
 * @throws {ConfigError} with the dotted path of what cannot be used
 */
export function parseConfig(value: unknown, context: ConfigContext): Config {
  const fields = new Fields(value, "");
  const policy = policyOf(fields);
  const policies = new Map<string, LanePolicy>();
  const fallbacks = new Map<string, Fallback>();
  const directory = context.directory ?? directoryOf(fields.value("channels"));
  const config = {
    identity: fields.text("identity") ?? context.hostname,
    background: fields.flag("background", true),
    symbols: fields.flag("symbols", true),
    channels: fields.objects("channels").map(([name, value]) => {
      const channel = new Fields(channelObject(name, value), `channels.${name}`, context.names[name]);
      policies.set(name, policyOf(channel, policy));
      const fallback = fallbackOf(channel, { name, directory });
      if (fallback !== undefined) fallbacks.set(name, fallback);
      return parseChannel(name, channel, context);
    }),
    policies,
    rules: routesOf(fields, directory),
    fallbacks,
  };
  fields.text("$schema");
  fields.end();
  return config;
}

/**
 * A channel as it stands in the configuration; one that is text is an Apprise URL.
 *
 * @throws {ConfigError} when it is a URL that cannot be taken over
 */
export function channelObject(name: string, value: unknown): unknown {
  return typeof value === "string" ? appriseChannel(value, `channels.${name}`) : value;
}

/** The channels as rules know them; what is wrong with one is said where it stands. */
export function directoryOf(channels: unknown): ChannelDirectory {
  return new Map(
    Object.entries(isObject(channels) ? channels : {}).map(([name, channel]): [string, RoutedChannel] => {
      const value = readable(name, channel);
      const kind = typeof value.kind === "string" ? value.kind.trim() : name;
      return [name, { kind: Object.hasOwn(CHANNEL_KINDS, kind) ? CHANNEL_KINDS[kind] : undefined, value }];
    }),
  );
}

function readable(name: string, channel: unknown): Readonly<Record<string, unknown>> {
  try {
    const value = channelObject(name, channel);
    return isObject(value) ? value : {};
  } catch (error) {
    if (error instanceof ConfigError) return {};
    throw error;
  }
}

/** A channel whose name is that of a kind is of that kind. */
function parseChannel(name: string, fields: Fields, context: ConfigContext): OpenChannel {
  const said = fields.text("kind"), kind = said ?? name;
  if (Object.hasOwn(CHANNEL_KINDS, kind)) {
    const found = CHANNEL_KINDS[kind];
    const connection = found.speaksHttp ? connectionOf(fields, `channels.${name}`) : undefined;
    const open = found.configure(name, fields, context);
    return (channelContext) => open({ ...channelContext, runtime: withConnection(channelContext.runtime, connection) });
  }
  const known = Object.keys(CHANNEL_KINDS);
  const near = nearest(kind, known);
  const hint = near ? `did you mean "${near}"?` : `known: ${known.join(", ")}`;
  throw said === undefined ? fields.missing("kind", hint) : fields.error("kind", `there is no kind "${kind}"`, hint);
}
