/**
 * Parses the rules that choose the channels of notifications and change other settings of
 * notifications. The rules are checked in order. After the first matching rule without `continue`,
 * no more rules are checked:
 *
 * ```json
 * { "routes": [
 *   { "when": { "severity": "critical" }, "mentions": ["@room"], "continue": true },
 *   { "when": { "origin": "certbot" }, "set": { "matrix": { "room": "#certbot:example.org" } } },
 *   {
 *     "when": { "origin": "backup-*", "severity": "warning+" },
 *     "channels": ["office"],
 *     "set": { "office": { "to": "backup@example.org" } }
 *   },
 *   { "when": { "subject": "/^(re)?booted$/i" }, "channels": [] }
 * ] }
 * ```
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { Fields } from "../base/fields.ts";
import { nearest } from "../base/nearest.ts";
import {
  flag,
  list,
  object,
  objectSchema,
  type ParseContext,
  readSettings,
  setting,
  type SettingsOf,
  type SettingTable,
} from "../channels/fields/setting.ts";
import type { ChannelKind } from "../channels/kind.ts";
import { isMention, MENTION_PROBLEM } from "../matrix/ids.ts";
import { SEVERITIES, type Severity } from "../notification/notification.ts";
import { MAX_MENTIONS } from "../notification/repair.ts";
import { isCoveredBy } from "../routing/match.ts";
import { type ExpressionCompiler, loadExpressionCompiler, parsePattern, type Pattern } from "../routing/pattern.ts";
import {
  type ChannelSettings,
  EVERY_CHANNEL,
  type NotificationSettings,
  type Rule,
  TEXT_FIELDS,
  type TextField,
  type When,
} from "../routing/rule.ts";
import { type ChannelList, type ListedChannel, requireChannel } from "./channels.ts";
import { FALLBACK_SETTINGS, readFallback } from "./policy.ts";

/**
 * Creates the setting for one pattern or a list of patterns. An empty list is not valid, because it
 * never matches.
 */
function patterns(what: string) {
  return setting<readonly string[] | undefined>({
    help:
      `${what}: a word, a glob (\`backup-*\`), or a regular expression (\`/^backup/i\`); in a list, at least one must match`,
    examples: ["backup-*", ["a", "/^b/"]],
    optional: true,
    schema: wordsSchema("\\S"),
    read: readWords,
  });
}

function wordsSchema(pattern: string) {
  const type = ["string", "array"] as const;
  return { type, pattern, items: { type: "string", pattern }, minItems: 1, uniqueItems: true };
}

/** The settings of a notification that a rule can change, for all channels or for one channel. */
const CHANGE_SETTINGS = {
  silent: setting<boolean | undefined>({
    help: "`true`: the notification arrives silently, without a sound or a push",
    examples: [true],
    optional: true,
    schema: { type: "boolean" },
    read: (fields, key) => fields.value(key) === undefined ? undefined : fields.flag(key, false),
  }),
  severity: setting<Severity | undefined>({
    help: "the new severity of the notification",
    examples: ["warning"],
    optional: true,
    schema: { type: "string", enum: SEVERITIES },
    read(fields, key) {
      const severity = fields.text(key);
      if (severity === undefined || isSeverity(severity)) return severity;
      throw unknownSeverity(fields, key, severity);
    },
  }),
  mentions: list({
    help: "the users to mention: user ids, or `@room` for everyone in the room; `[]`: no mentions",
    examples: ["@room", ["@alice:example.org"]],
    optional: true,
    pattern: /^\s*@/,
    isValid: isMention,
    problem: MENTION_PROBLEM,
    max: MAX_MENTIONS,
  }),
};

/** The conditions of a rule. */
const WHEN_SETTINGS = {
  origin: patterns("the origin"),
  subject: patterns("the subject, before shortcodes are replaced by symbols"),
  key: patterns("the key"),
  severity: setting<readonly Severity[] | undefined>({
    help: "the severity; `warning+` means `warning` and all higher severities",
    examples: ["warning+", ["info", "critical"]],
    optional: true,
    schema: wordsSchema(`^\\s*(${SEVERITIES.join("|")})\\+?\\s*$`),
    read: (fields, key) => readWords(fields, key)?.flatMap((text) => toSeverities(fields, key, text)),
  }),
};

/** The settings of a rule. `set` depends on the channels, so it is read separately. */
const RULE_SETTINGS = {
  when: object({
    help: "the conditions, which must all be true; without conditions, the rule matches every notification",
    examples: [{ origin: "backup-*", severity: "warning+" }],
    optional: true,
    title: "WhenConfig",
    settings: WHEN_SETTINGS,
  }),
  channels: setting<readonly string[] | undefined>({
    help:
      "the names of the channels that get the notification; `*`: all channels; `[]`: no channel; if `channels` is absent, other rules choose the channels",
    examples: ["*", []],
    optional: true,
    schema: { ...wordsSchema("\\S"), minItems: 0 },
    read: (fields, key) => fields.value(key) === undefined ? undefined : fields.texts(key),
  }),
  ...CHANGE_SETTINGS,
  set: setting<void>({
    help: "settings for single channels, by the name of the channel",
    examples: [{}],
    optional: true,
    schema: { type: "object" },
    read() {},
  }),
  continue: flag({
    help: "`true`: later rules are checked too, but they cannot change a value that this rule sets",
    examples: [true],
    default: false,
  }),
};

/**
 * Creates the JSON schema of the rules. A rule can set the destination of a channel (such as the
 * room), so the schema depends on the kinds of channels.
 */
export function routesSchema(kinds: readonly ChannelKind[]) {
  const destinations = kinds.flatMap(({ settings, destinationKeys }) =>
    destinationKeys.map((key): [string, SettingTable[string]] => [key, { ...settings[key], optional: true }])
  );
  const { fallback } = FALLBACK_SETTINGS;
  const set = {
    ...CHANGE_SETTINGS,
    ...Object.fromEntries(destinations),
    fallback: {
      ...fallback,
      schema: {
        ...fallback.schema,
        type: ["object", "boolean"],
        not: { const: true },
        description:
          `${fallback.schema.description}; \`false\`: no fallback; the default is the fallback of the channel`,
      },
    },
  };
  const rule: SettingTable = {
    ...RULE_SETTINGS,
    set: {
      ...RULE_SETTINGS.set,
      schema: {
        ...RULE_SETTINGS.set.schema,
        additionalProperties: {
          type: "object",
          title: "ChannelSettingsConfig",
          description: "the settings of a rule for one channel",
          ...objectSchema(set),
          minProperties: 1,
        },
      },
    },
  };
  return {
    type: "array",
    description: "rules that choose the channels of notifications; they are checked in order until one matches",
    examples: [[{ when: { severity: "critical" }, mentions: "@room" }], []],
    items: { type: "object", title: "RouteConfig", description: "a rule", ...objectSchema(rule) },
  } as const;
}

/** The input of the parser, in addition to the rules. */
export interface RoutesOptions {
  readonly list: ChannelList;
  readonly context: ParseContext;
  /**
   * Returns the mistakes of a rule that were found before parsing, such as a key that is used
   * twice.
   */
  findMistakes(path: string): readonly ConfigError[];
}

/** The rules without a mistake, and the mistakes of the other rules. */
export interface RulesResult {
  readonly rules: readonly Rule[];
  readonly problems: readonly ConfigError[];
}

/** The input for reading one rule. */
interface RuleOptions extends RoutesOptions {
  /** The compiler of regular expressions; undefined if no rule contains a regular expression. */
  readonly compileExpression: ExpressionCompiler | undefined;
}

/** Reads `routes`. A rule with a mistake is left out. */
export async function readRoutes(fields: Fields, given: RoutesOptions): Promise<RulesResult> {
  const values = fields.value("routes");
  const options = { ...given, compileExpression: await loadExpressionCompiler(values) };
  const problems: ConfigError[] = [];
  if (!Array.isArray(values)) return { rules: [], problems: [fields.error("routes", "it must be a list of rules")] };
  const rules: Rule[] = [];
  for (const [at, value] of values.entries()) {
    const found = [...options.findMistakes(`routes[${at}]`)];
    const rule = collect(found, () => readRule(fields.item("routes", at, value, found), options));
    const earlier = rule && rules.find((one) => isCoveredBy(rule, one));
    if (earlier !== undefined) found.push(neverMatches(rule?.path ?? "", earlier.path));
    if (rule !== undefined && found.length === 0) rules.push(rule);
    problems.push(...found);
  }
  return { rules, problems };
}

function collect<Result>(problems: ConfigError[], read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(error);
  }
}

function neverMatches(path: string, earlier: string): ConfigError {
  return new ConfigError(
    `Cannot use ${path}: it can never match, because ${earlier} already matches the same notifications`,
    {
      hint: `move ${path} before ${earlier}, or set "continue": true in ${earlier}`,
      place: { setting: path },
    },
  );
}

/** Reads a rule; returns undefined if it has a problem. */
function readRule(fields: Fields, { list, context, compileExpression }: RuleOptions): Rule | undefined {
  const { path } = fields;
  const before = fields.problemCount;
  const settings = readSettings(RULE_SETTINGS, fields, context);
  const when = fields.attempt(() => toWhen(fields.nested("when"), settings.when || {}, compileExpression)) ??
    { texts: {} };
  const channels = fields.attempt(() => toChannels(fields, settings.channels, list));
  const set = fields.attempt(() => readSet(fields, channels, { list, context })) ?? new Map();
  fields.end();
  if (fields.problemCount > before) return undefined;
  const changes = toChanges(fields, settings);
  const setsSomething = Object.keys(changes).length > 0 || set.size > 0;
  if (channels === undefined && !setsSomething) {
    throw new ConfigError(`Cannot use ${path}: it does not choose channels and does not change settings`, {
      hint: `set "channels" to a list of names, to "*" for all channels, or to [] to send nothing`,
      place: { setting: path },
    });
  }
  if (channels?.length === 0 && (setsSomething || settings.continue)) {
    throw fields.error("channels", "it is empty, so nothing is sent", "remove the other settings of the rule");
  }
  return { path, when, channels, settings: changes, set, continues: settings.continue };
}

/** Converts the conditions of a rule. Conditions that are always true are removed. */
function toWhen(
  fields: Fields | undefined,
  { severity, ...texts }: Partial<SettingsOf<typeof WHEN_SETTINGS>>,
  compileExpression: ExpressionCompiler | undefined,
): When {
  const conditions: Partial<Record<TextField, readonly Pattern[]>> = {};
  for (const field of TEXT_FIELDS) {
    const own = fields?.attempt(() =>
      texts[field]?.map((text) => toPattern(fields, field, { text, compileExpression }))
    );
    if (own !== undefined && !own.some(({ isAnything }) => isAnything)) conditions[field] = own;
  }
  const isAny = SEVERITIES.every((one) => severity?.includes(one) ?? true);
  return isAny ? { texts: conditions } : { texts: conditions, severities: severity };
}

function readWords(fields: Fields, key: string): readonly string[] | undefined {
  if (fields.value(key) === undefined) return undefined;
  const words = fields.texts(key);
  if (words.length > 0) return words;
  throw fields.error(key, "it is empty, so it can never match", `remove ${key} to match everything`);
}

function toPattern(
  fields: Fields,
  key: string,
  { text, compileExpression }: { readonly text: string } & Pick<RuleOptions, "compileExpression">,
): Pattern {
  const parsed = parsePattern(text, compileExpression);
  if ("pattern" in parsed) return parsed.pattern;
  throw fields.error(key, `"${text}" is not a valid pattern: ${parsed.problem}`, parsed.hint);
}

/**
 * Returns the severities of a condition. `warning` means only this severity; `warning+` also means
 * all higher severities.
 */
function toSeverities(fields: Fields, key: string, text: string): readonly Severity[] {
  const name = text.replace(/\+$/, "");
  const at = SEVERITIES.findIndex((severity) => severity === name);
  if (at >= 0) return name === text ? [SEVERITIES[at]] : SEVERITIES.slice(at);
  throw unknownSeverity(fields, key, name);
}

function unknownSeverity(fields: Fields, key: string, name: string): ConfigError {
  const near = nearest(name, SEVERITIES);
  const known = `known: ${SEVERITIES.join(", ")}`;
  return fields.error(key, `there is no severity "${name}"`, near ? `did you mean "${near}"?` : known);
}

function isSeverity(text: string): text is Severity {
  return SEVERITIES.some((severity) => severity === text);
}

function toChannels(
  fields: Fields,
  names: readonly string[] | undefined,
  list: ChannelList,
): readonly string[] | undefined {
  for (const name of names ?? []) if (name !== EVERY_CHANNEL) requireChannel(fields, "channels", { name, list });
  return names?.includes(EVERY_CHANNEL) ? [...list.keys()] : names;
}

/**
 * Returns the settings that a rule changes. An empty list in `mentions` removes all mentions. If
 * `mentions` is absent, the mentions are not changed.
 */
function toChanges(
  fields: Fields,
  { silent, severity, mentions }: SettingsOf<typeof CHANGE_SETTINGS>,
): NotificationSettings {
  return {
    ...(silent === undefined ? {} : { silent }),
    ...(severity === undefined ? {} : { severity }),
    ...(fields.value("mentions") === undefined ? {} : { mentions }),
  };
}

/** The input for reading settings that contain names of channels. */
interface RuleContext {
  readonly list: ChannelList;
  readonly context: ParseContext;
}

function readSet(
  outer: Fields,
  channels: readonly string[] | undefined,
  { list, context }: RuleContext,
): ReadonlyMap<string, ChannelSettings> {
  const fields = outer.nested("set");
  const set = new Map<string, ChannelSettings>();
  for (const name of fields?.keys() ?? []) {
    fields?.attempt(() => {
      const channel = requireChannel(fields, name, { name, list });
      if (channels?.includes(name) === false) throw fields.error(name, "the rule does not choose this channel");
      const own = fields.nested(name);
      const before = fields.problemCount;
      if (own !== undefined) set.set(name, readChannelSettings(own, { name, channel, list, context }));
      if (fields.problemCount > before || Object.keys(set.get(name) ?? {}).length > 0) return;
      throw fields.error(name, "it is empty");
    });
  }
  return set;
}

/**
 * Reads the settings of a rule for one channel. The destination is validated in the same way as in
 * the settings of the channel.
 */
function readChannelSettings(
  fields: Fields,
  { name, channel: { kind, value }, list, context }: RuleContext & {
    readonly name: string;
    readonly channel: ListedChannel;
  },
): ChannelSettings {
  const fallback = fields.value("fallback") === false ? false : readFallback(fields, { name, list, context });
  const changes = toChanges(fields, readSettings(CHANGE_SETTINGS, fields, context));
  const settings: ChannelSettings = { ...(fallback === undefined ? {} : { fallback }), ...changes };
  // The parser of the channel reports an unknown kind.
  if (kind === undefined) return settings;
  const { destinationKeys } = kind;
  const given = destinationKeys.filter((key) => fields.value(key) !== undefined);
  fields.end();
  if (given.length === 0) return settings;
  // If a rule sets only the thread of a chat, use the chat from the settings of the channel.
  const [main] = destinationKeys;
  const own = given.includes(main) ? fields : fields.over({ [main]: (value as Record<string, unknown>)[main] });
  return { ...settings, destinations: kind.readDestinations(own, context) };
}
