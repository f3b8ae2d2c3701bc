/**
 * The configuration, parsed. The file is JSON:
 *
 * ```json
 * {
 *   "identity": "jump",
 *   "channels": {
 *     "matrix": { "homeserver": "https://matrix.example.org", "accessTokenFile": "/etc/matrix-notify/token", "room": "!…" },
 *     "phone": { "kind": "ntfy", "server": "https://ntfy.example.org", "topic": "alerts" }
 *   }
 * }
 * ```
 *
 * @module
 */

import type { ConfigError } from "../base/errors.ts";
import { Fields } from "../base/fields.ts";
import { flag, type ParseContext, readSettings, type SettingTable, text } from "../channels/fields/setting.ts";
import type { ChannelKind, ConfiguredChannel } from "../channels/kind.ts";
import type { LanePolicy } from "../delivery/rate_policy.ts";
import type { Fallback } from "../routing/fallback.ts";
import { loadExpressionCompiler } from "../routing/pattern.ts";
import type { Rule } from "../routing/rule.ts";
import { type ChannelList, listChannels, unknownKind } from "./channels.ts";
import { CONNECTION_SETTINGS, readConnection, withConnection } from "./connection.ts";
import { FALLBACK_SETTINGS, POLICY_SETTINGS, readFallback, readPolicy } from "./policy.ts";
import { readRoutes } from "./routes.ts";

/** The configuration, ready to use. */
export interface Config {
  /** The name of the host, which precedes each subject. */
  readonly identity: string;
  /** Whether a background process may go on delivering. */
  readonly background: boolean;
  /** Whether shortcodes in subjects become symbols. */
  readonly symbols: boolean;
  /** The configured channels, not open yet. */
  readonly channels: readonly ConfiguredChannel[];
  /** The policies of the channels, by name. */
  readonly policies: ReadonlyMap<string, LanePolicy>;
  /** The rules that decide where notifications go. */
  readonly rules: readonly Rule[];
  /** The fallbacks of the channels, by name. */
  readonly fallbacks: ReadonlyMap<string, Fallback>;
}

const BASE_SETTINGS = {
  identity: text({
    help: "the name of this host, in brackets before each subject; by default the host name",
    examples: ["jump"],
    optional: true,
  }),
  background: flag({
    help: "`true`: a background process may go on delivering",
    examples: [false],
    default: true,
  }),
  symbols: flag({
    help: "`true`: shortcodes such as `:warning-sign:` in subjects become symbols",
    examples: [false],
    default: true,
  }),
};

/** The settings at the top of the file, but for `channels` and `routes`. */
export const CONFIG_SETTINGS: SettingTable = { ...BASE_SETTINGS, ...POLICY_SETTINGS };

/** All settings of a channel of a kind, but for `kind`. */
export function channelSettings({ settings, speaksHttp }: ChannelKind): SettingTable {
  return { ...settings, ...(speaksHttp ? CONNECTION_SETTINGS : {}), ...POLICY_SETTINGS, ...FALLBACK_SETTINGS };
}

/** What parsing needs besides the values. */
export interface ConfigContext extends ParseContext {
  /** The identity if none is configured. */
  readonly hostname: string;
  /** Names for errors of fields that did not come from the file: by channel, by key. */
  readonly names: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * Collects all problems; then the result is complete only if there are none.
   *
   * @default the first problem is thrown
   */
  readonly problems?: ConfigError[];
  /** `true`: reads the files that the settings name, to find problems in them. @default {false} */
  readonly readsFiles?: boolean;
}

/**
 * Parses a configuration, and loads the kinds that it names.
 *
 * @throws {ConfigError} with the dotted path of what is not valid
 */
export async function parseConfig(value: unknown, context: ConfigContext): Promise<Config> {
  const fields = new Fields(value, "", {}, context.problems);
  const list = await listChannels(fields.value("channels"));
  const compileExpression = await loadExpressionCompiler(fields.value("routes"));
  fields.attempt(() => fields.text("$schema"));
  const { identity, background, symbols } = readSettings(BASE_SETTINGS, fields, context);
  const policy = readPolicy(fields, context);
  fields.end();
  const rules = fields.attempt(() => readRoutes(fields, { list, context, compileExpression })) ?? [];
  const channels = (fields.attempt(() => fields.objects("channels")) ?? []).flatMap(([name]) =>
    fields.attempt(() => parseChannel(name, { list, policy, context })) ?? []
  );
  return {
    identity: identity ?? context.hostname,
    background,
    symbols,
    rules,
    channels: channels.map(({ channel }) => channel),
    policies: new Map(channels.map(({ channel: { name }, policy }) => [name, policy])),
    fallbacks: new Map(channels.flatMap(({ channel: { name }, fallback }) => fallback ? [[name, fallback]] : [])),
  };
}

/** A channel, and what the rest of the program needs to know of it. */
interface ParsedChannel {
  readonly channel: ConfiguredChannel;
  readonly policy: LanePolicy;
  readonly fallback: Fallback | undefined;
}

interface ChannelSurroundings {
  readonly list: ChannelList;
  readonly policy: LanePolicy;
  readonly context: ConfigContext;
}

function parseChannel(name: string, { list, policy: outer, context }: ChannelSurroundings): ParsedChannel {
  const { value, kind, problem } = list.get(name) ?? {};
  if (problem !== undefined) throw problem;
  const path = `channels.${name}`;
  const fields = new Fields(value, path, context.names[name], context.problems);
  if (kind === undefined) throw unknownKind(fields, name);
  fields.text("kind");
  const policy = readPolicy(fields, context, outer);
  const fallback = fields.attempt(() => readFallback(fields, { name, list, context }));
  const connection = kind.speaksHttp ? readConnection(fields, path) : undefined;
  const configured = kind.configure(name, fields, context);
  fields.end();
  if (context.readsFiles) {
    for (const secret of configured.secrets) fields.attempt(() => secret.reveal());
    fields.attempt(() => connection?.read());
  }
  const open: ConfiguredChannel["open"] = (channelContext) =>
    configured.open({ ...channelContext, runtime: withConnection(channelContext.runtime, connection) });
  return { channel: { ...configured, open }, policy, fallback };
}
