/**
 * The rules that say where notifications go. They are asked in their order, up to the first that matches:
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

import type { ChannelDirectory, RoutedChannel } from "./channel_directory.ts";
import { isCoveredBy } from "../routing/match.ts";
import { parsePattern, type Pattern } from "../routing/pattern.ts";
import {
  type ChannelSettings,
  EVERY_CHANNEL,
  type NotificationSettings,
  type Rule,
  TEXT_FIELDS,
  type TextField,
  type When,
} from "../routing/rule.ts";
import { ConfigError } from "../base/errors.ts";
import { Fields } from "../base/fields.ts";
import { isMention } from "../matrix/ids.ts";
import { MENTION_PROBLEM } from "../matrix/ids.ts";
import { nearest } from "../base/nearest.ts";
import { MAX_MENTIONS, SEVERITIES, type Severity } from "../notification/notification.ts";
import { fallbackOf } from "./fallback.ts";
import { knownChannel } from "./known_channel.ts";

/**
 * Takes `routes`.
 *
 * @throws {ConfigError} with the dotted path of what cannot be used
 */
export function routesOf(fields: Fields, directory: ChannelDirectory): Rule[] {
  const values = fields.value("routes");
  if (values === undefined) return [];
  if (!Array.isArray(values)) throw fields.error("routes", "it must be a list of rules");
  const rules = values.map((value, at) => parseRule(value, at, directory));
  for (const [at, rule] of rules.entries()) {
    const earlier = rules.slice(0, at).find((one) => isCoveredBy(rule, one));
    if (earlier === undefined) continue;
    throw new ConfigError(`Cannot use ${rule.path}: it can never match: ${earlier.path} takes all that it is for`, {
      hint: `put it before ${earlier.path}, or say "continue": true there`,
    });
  }
  return rules;
}

/**
 * Reads the rule at a place of the list.
 *
 * @throws {ConfigError} with the dotted path of what cannot be used
 */
export function parseRule(value: unknown, at: number, directory: ChannelDirectory): Rule {
  const path = `routes[${at}]`;
  const fields = new Fields(value, path);
  const when = whenOf(fields);
  const channels = channelsOf(fields, directory);
  const settings = settingsOf(fields);
  const set = setOf(fields, channels, directory);
  const continues = fields.flag("continue", false);
  fields.end();
  const setsSomething = Object.keys(settings).length > 0 || set.size > 0;
  if (channels === undefined && !setsSomething) {
    throw new ConfigError(`Cannot use ${path}: it neither names channels nor sets anything`, {
      hint: `give it "channels": a list of names, "*" for all of them, or [] to send nothing`,
    });
  }
  if (channels?.length === 0 && (setsSomething || continues)) {
    throw fields.error("channels", "it is empty, so that nothing is sent", "leave out whatever else the rule says");
  }
  return { path, when, channels, settings, set, continues };
}

function whenOf(outer: Fields): When {
  const fields = outer.nested("when");
  if (fields === undefined) return { texts: {} };
  const texts: Partial<Record<TextField, readonly Pattern[]>> = {};
  for (const field of TEXT_FIELDS) {
    const patterns = wordsOf(fields, field)?.map((text) => patternOf(fields, field, text));
    // What holds always is no condition.
    if (patterns !== undefined && !patterns.some(({ isAnything }) => isAnything)) texts[field] = patterns;
  }
  const severities = wordsOf(fields, "severity")?.flatMap((text) => severitiesOf(fields, text));
  fields.end();
  const isAny = SEVERITIES.every((severity) => severities?.includes(severity) ?? true);
  return isAny ? { texts } : { texts, severities };
}

/** One text or several; undefined when there are none. An empty list would never match. */
function wordsOf(fields: Fields, key: string): readonly string[] | undefined {
  if (fields.value(key) === undefined) return undefined;
  const words = fields.texts(key);
  if (words.length > 0) return words;
  throw fields.error(key, "it can never match: it is empty", "leave it out where anything goes");
}

function patternOf(fields: Fields, key: string, text: string): Pattern {
  const parsed = parsePattern(text);
  if ("pattern" in parsed) return parsed.pattern;
  throw fields.error(key, `"${text}" cannot be compared with: ${parsed.problem}`, parsed.hint);
}

/** `warning` is that, `warning+` is that and whatever matters more. */
function severitiesOf(fields: Fields, text: string): readonly Severity[] {
  const name = text.replace(/\+$/, "");
  const at = SEVERITIES.findIndex((severity) => severity === name);
  if (at >= 0) return name === text ? [SEVERITIES[at]] : SEVERITIES.slice(at);
  throw unknownSeverity(fields, "severity", name);
}

function unknownSeverity(fields: Fields, key: string, name: string): ConfigError {
  const near = nearest(name, SEVERITIES);
  const known = `known: ${SEVERITIES.join(", ")}`;
  return fields.error(key, `there is no severity "${name}"`, near ? `did you mean "${near}"?` : known);
}

function channelsOf(fields: Fields, directory: ChannelDirectory): readonly string[] | undefined {
  if (fields.value("channels") === undefined) return undefined;
  const names = fields.texts("channels");
  for (const name of names) if (name !== EVERY_CHANNEL) knownChannel(fields, "channels", { name, directory });
  return names.includes(EVERY_CHANNEL) ? [...directory.keys()] : names;
}

function settingsOf(fields: Fields): NotificationSettings {
  const severity = fields.text("severity");
  if (severity !== undefined && !isSeverity(severity)) throw unknownSeverity(fields, "severity", severity);
  const mentions = fields.texts("mentions");
  if (!mentions.every(isMention)) throw fields.error("mentions", MENTION_PROBLEM);
  if (mentions.length > MAX_MENTIONS) throw fields.error("mentions", `it names more than ${MAX_MENTIONS}`);
  return {
    ...(fields.value("silent") === undefined ? {} : { silent: fields.flag("silent", false) }),
    ...(severity === undefined ? {} : { severity }),
    ...(fields.value("mentions") === undefined ? {} : { mentions }),
  };
}

function isSeverity(text: string): text is Severity {
  return SEVERITIES.some((severity) => severity === text);
}

function setOf(
  outer: Fields,
  channels: readonly string[] | undefined,
  directory: ChannelDirectory,
): ReadonlyMap<string, ChannelSettings> {
  const fields = outer.nested("set");
  const set = new Map<string, ChannelSettings>();
  for (const name of fields?.keys() ?? []) {
    if (fields === undefined) continue;
    const channel = knownChannel(fields, name, { name, directory });
    if (channels?.includes(name) === false) throw fields.error(name, "the rule does not choose this channel");
    const own = fields.nested(name);
    if (own !== undefined) {
      const fallback = own.value("fallback") === false ? false : fallbackOf(own, { name, directory });
      set.set(name, { ...(fallback === undefined ? {} : { fallback }), ...channelSettingsOf(own, channel) });
    }
    if (Object.keys(set.get(name) ?? {}).length === 0) throw fields.error(name, "it sets nothing");
  }
  return set;
}

/** What decides where a channel delivers is read by its own kind, so that it is judged as it is there. */
function channelSettingsOf(fields: Fields, { kind, value }: RoutedChannel): ChannelSettings {
  const settings = settingsOf(fields);
  // What is wrong with a channel of no kind is said where it stands.
  if (kind === undefined) return settings;
  const { destination } = kind;
  const given = (destination?.keys ?? []).filter((key) => fields.value(key) !== undefined);
  fields.end();
  if (destination === undefined || given.length === 0) return settings;
  const { keys: [main], read } = destination;
  // A thread belongs to its chat: without another chat it is one of the channel's own.
  return { ...settings, destinations: read(given.includes(main) ? fields : fields.over({ [main]: value[main] })) };
}
