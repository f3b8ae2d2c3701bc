/**
 * Parses the configuration. The configuration file is JSON:
 *
 * ```json
 * {
 *   "identity": "jump",
 *   "channels": {
 *     "matrix": {
 *       "homeserver": "https://matrix.example.org",
 *       "accessTokenFile": "/etc/matrix-notify/token",
 *       "room": "!…"
 *     },
 *     "phone": { "kind": "ntfy", "server": "https://ntfy.example.org", "topic": "alerts" }
 *   }
 * }
 * ```
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { Fields, isObject } from "../base/fields.ts";
import { flag, type ParseContext, readSettings, type SettingTable, text } from "../channels/fields/setting.ts";
import type { ChannelKind, ConfiguredChannel } from "../channels/kind.ts";
import type { LanePolicy } from "../delivery/rate_policy.ts";
import type { Fallback } from "../routing/fallback.ts";
import type { Rule } from "../routing/rule.ts";
import { hostOf } from "../runtime/address.ts";
import { type ChannelList, listChannels, unknownKind } from "./channels.ts";
import { CONNECTION_SETTINGS, readConnection, withConnection } from "./connection.ts";
import type { ConfigFile } from "./file.ts";
import type { ServeSettings } from "./serve.ts";
import { FALLBACK_SETTINGS, POLICY_SETTINGS, readFallback, readPolicy, readTitle, TITLE_SETTINGS } from "./policy.ts";

/** The parsed configuration. */
export interface Config {
  /** The name of this host in the titles of messages. */
  readonly identity: string;
  /** True if a background process may deliver notifications that are still in the queue. */
  readonly background: boolean;
  /** True if shortcodes (such as `:warning-sign:`) in subjects are replaced by symbols. */
  readonly symbols: boolean;
  /** The channels without a mistake. These channels are not opened yet. */
  readonly channels: readonly ConfiguredChannel[];
  /** The settings for batches, limits and quiet hours, by the name of the channel. */
  readonly policies: ReadonlyMap<string, LanePolicy>;
  /** The templates for titles, by the name of the channel. */
  readonly titles: ReadonlyMap<string, string>;
  /** The rules that choose the channels of notifications. */
  readonly rules: readonly Rule[];
  /** The fallbacks, by the name of the channel. */
  readonly fallbacks: ReadonlyMap<string, Fallback>;
  /** The settings of `serve`. Absent if they have a mistake. */
  readonly serve?: ServeSettings;
  /** The channels that cannot be used because of a mistake. */
  readonly stopped: readonly StoppedChannel[];
  /**
   * The mistake that makes all channels in the file unusable. Absent if there is no such mistake.
   */
  readonly failure?: ConfigError;
  /** All mistakes in the configuration. */
  readonly problems: readonly ConfigError[];
}

/** A channel that cannot be used because of a mistake in its settings. */
export interface StoppedChannel {
  readonly name: string;
  /** The name of the kind; undefined if the kind is unknown. */
  readonly kind?: string;
  /** The first mistake of this channel. */
  readonly problem: ConfigError;
}

const BASE_SETTINGS = {
  identity: text({
    help: "the name of this host in titles, such as `[jump] Backup failed`; the default is the host name",
    examples: ["jump"],
    optional: true,
  }),
  background: flag({
    help: "`true`: a background process may deliver notifications that are still in the queue",
    examples: [false],
    default: true,
  }),
  symbols: flag({
    help: "`true`: shortcodes such as `:warning-sign:` in subjects are replaced by symbols",
    examples: [false],
    default: true,
  }),
};

/** The settings at the top level of the file, except `channels` and `routes`. */
export const CONFIG_SETTINGS: SettingTable = { ...BASE_SETTINGS, ...TITLE_SETTINGS, ...POLICY_SETTINGS };

/** Returns all settings of a channel of this kind, except `kind`. */
export function channelSettings({ settings, speaksHttp }: ChannelKind): SettingTable {
  const connection = speaksHttp ? CONNECTION_SETTINGS : {};
  return { ...settings, ...connection, ...TITLE_SETTINGS, ...POLICY_SETTINGS, ...FALLBACK_SETTINGS };
}

/** The input of {@linkcode parseConfig}, in addition to the configuration. */
export interface ConfigContext extends ParseContext {
  /** The host name, which is the default identity. */
  readonly hostname: string;
  /**
   * The names of environment variables, by the names of the channel and the setting. An error
   * about a value from an environment variable shows the name of the variable.
   */
  readonly names: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The file that contains the configuration. Absent if the configuration is not from a file. */
  readonly file?: Pick<ConfigFile, "failure" | "mistakes" | "locate">;
  /**
   * True if the parser also reads each file whose path is in a setting, and reports the problems of
   * these files.
   *
   * @default {false}
   */
  readonly readsFiles?: boolean;
}

/**
 * Parses a configuration, and loads the code for the kinds of its channels. A channel or a rule
 * with a mistake is not used. If any other setting has a mistake, its default is used.
 */
export async function parseConfig(value: unknown, context: ConfigContext): Promise<Config> {
  const { failure, mistakes = [], locate = (error: ConfigError) => error } = context.file ?? {};
  const problems: ConfigError[] = [];
  const fields = new Fields(value, "", {}, problems);
  const list = await listChannels(fields.value("channels"));
  const hasRules = fields.value("routes") !== undefined;
  fields.attempt(() => fields.text("$schema"));
  const { identity, background = true, symbols = true } = readSettings(BASE_SETTINGS, fields, context);
  const title = readTitle(fields, context);
  const policy = readPolicy(fields, context);
  const findMistakes = (path: string) => mistakes.filter(({ place: { setting = "" } }) => isPartOf(setting, path));
  const readServe = fields.value("serve") === undefined ? undefined : (await import("./serve.ts")).readServe;
  const serve = readServe?.(fields, context, { readsFiles: context.readsFiles });
  fields.end();
  const { rules, problems: ruleProblems } = hasRules
    ? await (await import("./routes.ts")).readRoutes(fields, { list, context, findMistakes })
    : { rules: [], problems: [] };
  const channels = (fields.attempt(() => fields.objects("channels")) ?? []).map(([name]) =>
    parseChannel(name, { list, title, policy, context, mistakes: findMistakes(`channels.${name}`) })
  );
  const ofParts = [...ruleProblems, ...channels.flatMap(({ problems }) => problems)];
  const others = mistakes.filter((mistake) => !ofParts.includes(mistake));
  const parsed = channels.flatMap((channel) => channel.problems.length === 0 ? channel.parsed ?? [] : []);
  const all = [...failure ? [failure] : [], ...[...others, ...problems, ...ofParts].map(locate)];
  return {
    identity: identity ?? context.hostname,
    background,
    symbols,
    rules,
    serve: findMistakes("serve").length === 0 ? serve : undefined,
    channels: parsed.map(({ channel }) => channel),
    titles: new Map(parsed.map(({ channel: { name }, title }) => [name, title])),
    policies: new Map(parsed.map(({ channel: { name }, policy }) => [name, policy])),
    fallbacks: new Map(parsed.flatMap(({ channel: { name }, fallback }) => fallback ? [[name, fallback]] : [])),
    stopped: channels.flatMap(({ name, problems: [problem] }) =>
      problem === undefined ? [] : { name, kind: list.get(name)?.kind?.name, problem: locate(problem) }
    ),
    // If there are no channels, the first mistake counts as the failure. For example, the key
    // "channels" may be mistyped.
    failure: failure ?? (channels.length === 0 ? all[0] : undefined),
    problems: all,
  };
}

/** Returns true if a dotted path is `whole`, or leads to a value inside `whole`. */
function isPartOf(path: string, whole: string): boolean {
  return path === whole || path.startsWith(`${whole}.`) || path.startsWith(`${whole}[`);
}

/**
 * Returns the configuration unchanged if it has no mistakes.
 *
 * @throws {ConfigError} the first mistake
 */
export function requireValid(config: Config): Config {
  const [problem] = config.problems;
  if (problem !== undefined) throw problem;
  return config;
}

/** A parsed channel, with its policy and its fallback. */
interface ParsedChannel {
  readonly channel: ConfiguredChannel;
  /** The template of the title. */
  readonly title: string;
  readonly policy: LanePolicy;
  readonly fallback: Fallback | undefined;
}

interface ChannelSurroundings {
  readonly list: ChannelList;
  /** The template in the top level of the file, for channels without their own `title`. */
  readonly title: string | undefined;
  readonly policy: LanePolicy;
  readonly context: ConfigContext;
  /**
   * The mistakes of this channel that were found before parsing, such as a key that is used twice.
   */
  readonly mistakes: readonly ConfigError[];
}

/**
 * Lists the files whose paths are in the settings of a channel. If a setting contains paths, its
 * name ends with `File` or `Files`.
 */
function namedFiles(channel: unknown): readonly string[] {
  const entries = Object.entries(isObject(channel) ? channel : {});
  return entries.flatMap(([key, value]) => {
    if (key.endsWith("File")) return [value];
    return key.endsWith("Files") && isObject(value) ? Object.values(value) : [];
  }).filter((path): path is string => typeof path === "string" && path !== "");
}

/** Parses a channel, and collects its problems. */
function parseChannel(name: string, surroundings: ChannelSurroundings): {
  readonly name: string;
  readonly parsed?: ParsedChannel;
  readonly problems: readonly ConfigError[];
} {
  const problems = [...surroundings.mistakes];
  try {
    return { name, parsed: parseSettings(name, surroundings, problems), problems };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { name, problems: [...problems, error] };
  }
}

function parseSettings(
  name: string,
  { list, title: outerTitle, policy: outer, context }: ChannelSurroundings,
  problems: ConfigError[],
): ParsedChannel {
  const { value, kind, problem } = list.get(name) ?? {};
  if (problem !== undefined) throw problem;
  const path = `channels.${name}`;
  const fields = new Fields(value, path, context.names[name], problems);
  if (kind === undefined) throw unknownKind(fields, name);
  fields.text("kind");
  const title = readTitle(fields, context) ?? outerTitle ?? kind.titleTemplate;
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
    configured.open({
      ...channelContext,
      runtime: withConnection(channelContext.runtime, connection, channelContext.closed),
    });
  const access: ConfiguredChannel["access"] = async (cache) => {
    const { hosts = [], files = [], ...rest } = await configured.access(cache);
    const proxy = connection?.read().proxy;
    return {
      ...rest,
      hosts: proxy === undefined ? hosts : [...hosts, hostOf(proxy)],
      files: [...files, ...namedFiles(value)],
    };
  };
  return { channel: { ...configured, open, access }, title, policy, fallback };
}
