/**
 * The rules that decide where notifications go. They are checked in order, up to the first that
 * matches:
 *
 * ```json
 * { "routes": [
 *   { "when": { "severity": "critical" }, "mentions": ["@room"], "continue": true },
 *   { "when": { "origin": "check-certificates" }, "set": { "matrix": { "room": "#certificates:example.org" } } },
 *   { "when": { "origin": "backup-*", "severity": "warning+" }, "channels": ["office"], "set": { "office": { "to": "backup@example.org" } } },
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
import { MAX_MENTIONS, SEVERITIES, type Severity } from "../notification/notification.ts";
import { isCoveredBy } from "../routing/match.ts";
import { type ExpressionCompiler, parsePattern, type Pattern } from "../routing/pattern.ts";
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

/** A text, or a list of texts. An empty list would never match. */
function patterns(what: string) {
  return setting<readonly string[] | undefined>({
    help: `${what}: a word, a glob (\`backup-*\`), or a regular expression (\`/^backup/i\`); one of a list must match`,
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

/** What a rule, or the settings of a rule for one channel, change in a notification. */
const CHANGE_SETTINGS = {
  silent: setting<boolean | undefined>({
    help: "`true`: it arrives without a sound or a push",
    examples: [true],
    optional: true,
    schema: { type: "boolean" },
    read: (fields, key) => fields.value(key) === undefined ? undefined : fields.flag(key, false),
  }),
  severity: setting<Severity | undefined>({
    help: "how severe it is",
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
    help: "who is mentioned: user ids, or `@room`; `[]` for no one",
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
  subject: patterns("the subject, with shortcodes as they were written"),
  key: patterns("the key"),
  severity: setting<readonly Severity[] | undefined>({
    help: "the severity; `warning+` means warning and everything more severe",
    examples: ["warning+", ["info", "critical"]],
    optional: true,
    schema: wordsSchema(`^\\s*(${SEVERITIES.join("|")})\\+?\\s*$`),
    read: (fields, key) => readWords(fields, key)?.flatMap((text) => toSeverities(fields, key, text)),
  }),
};

/** The settings of a rule. `set` depends on the channels, so it is read apart. */
const RULE_SETTINGS = {
  when: object({
    help: "which notifications the rule is for: all conditions must hold; by default all notifications",
    examples: [{ origin: "backup-*", severity: "warning+" }],
    optional: true,
    title: "WhenConfig",
    settings: WHEN_SETTINGS,
  }),
  channels: setting<readonly string[] | undefined>({
    help:
      "the channels that the rule chooses, by name; `*` for all, `[]` for none; by default it leaves the choice to other rules",
    examples: ["*", []],
    optional: true,
    schema: { ...wordsSchema("\\S"), minItems: 0 },
    read: (fields, key) => fields.value(key) === undefined ? undefined : fields.texts(key),
  }),
  ...CHANGE_SETTINGS,
  set: setting<void>({
    help: "what the rule sets for single channels, by name",
    examples: [{}],
    optional: true,
    schema: { type: "object" },
    read() {},
  }),
  continue: flag({
    help: "`true`: later rules are checked too; they do not change what this rule sets",
    examples: [true],
    default: false,
  }),
};

/** The schema of the rules. Every kind adds its destination to what a rule may set. */
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
        description: `${fallback.schema.description}; \`false\` for none; by default the channel's own`,
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
          description: "what a rule sets for one channel",
          ...objectSchema(set),
          minProperties: 1,
        },
      },
    },
  };
  return {
    type: "array",
    description: "rules that decide where notifications go; they are checked in order, up to the first that matches",
    examples: [[{ when: { severity: "critical" }, mentions: "@room" }], []],
    items: { type: "object", title: "RouteConfig", description: "a rule", ...objectSchema(rule) },
  } as const;
}

/** What reading the rules needs besides them. */
export interface RoutesOptions {
  readonly list: ChannelList;
  readonly context: ParseContext;
  /** Loaded if a rule contains a regular expression. */
  readonly compileExpression: ExpressionCompiler | undefined;
}

/**
 * Reads `routes`.
 *
 * @throws {ConfigError} with the dotted path of what is not valid
 */
export function readRoutes(fields: Fields, options: RoutesOptions): readonly Rule[] {
  const values = fields.value("routes");
  if (values === undefined) return [];
  if (!Array.isArray(values)) throw fields.error("routes", "it must be a list of rules");
  const before = fields.problemCount;
  const rules = values.map((value, at) => fields.attempt(() => readRule(fields.item("routes", at, value), options)))
    .filter((rule) => rule !== undefined);
  if (fields.problemCount > before) return [];
  for (const [at, rule] of rules.entries()) {
    const earlier = rules.slice(0, at).find((one) => isCoveredBy(rule, one));
    if (earlier === undefined) continue;
    throw new ConfigError(`Cannot use ${rule.path}: it can never match: ${earlier.path} takes all that it is for`, {
      hint: `put it before ${earlier.path}, or say "continue": true there`,
    });
  }
  return rules;
}

/** Returns undefined after a problem. */
function readRule(fields: Fields, { list, context, compileExpression }: RoutesOptions): Rule | undefined {
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
    throw new ConfigError(`Cannot use ${path}: it neither names channels nor sets anything`, {
      hint: `give it "channels": a list of names, "*" for all of them, or [] to send nothing`,
    });
  }
  if (channels?.length === 0 && (setsSomething || settings.continue)) {
    throw fields.error("channels", "it is empty, so that nothing is sent", "leave out everything else in the rule");
  }
  return { path, when, channels, settings: changes, set, continues: settings.continue };
}

/** A condition that always holds is no condition. */
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
  throw fields.error(key, "it can never match: it is empty", "leave it out to match everything");
}

function toPattern(
  fields: Fields,
  key: string,
  { text, compileExpression }: { readonly text: string } & Pick<RoutesOptions, "compileExpression">,
): Pattern {
  const parsed = parsePattern(text, compileExpression);
  if ("pattern" in parsed) return parsed.pattern;
  throw fields.error(key, `"${text}" cannot be compared with: ${parsed.problem}`, parsed.hint);
}

/** `warning` is that severity, `warning+` is that and everything more severe. */
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

/** An empty list of mentions means no one; without the key, mentions stay as they are. */
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

/** What is needed to read a part of the configuration that names channels. */
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
      throw fields.error(name, "it sets nothing");
    });
  }
  return set;
}

/** The kind of the channel reads the destination, so a rule is validated like the channel. */
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
  // A channel without a known kind has a problem of its own.
  if (kind === undefined) return settings;
  const { destinationKeys } = kind;
  const given = destinationKeys.filter((key) => fields.value(key) !== undefined);
  fields.end();
  if (given.length === 0) return settings;
  // A thread belongs to a chat: without another chat it is a thread of the channel's own chat.
  const [main] = destinationKeys;
  const own = given.includes(main) ? fields : fields.over({ [main]: (value as Record<string, unknown>)[main] });
  return { ...settings, destinations: kind.readDestinations(own, context) };
}
