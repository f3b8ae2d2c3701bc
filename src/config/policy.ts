/**
 * Parses the settings `batch`, `rateLimit` and `quiet` (when and how much a channel sends), `title`
 * (the titles of messages) and `fallback`. A setting at the top level applies to all channels. A
 * setting in a channel applies only to this channel. `fallback` is possible only in a channel.
 *
 * ```json
 * {
 *   "batch": { "over": 10 },
 *   "rateLimit": { "count": 3, "per": "10s" },
 *   "quiet": { "from": "22:00", "to": "07:00" }
 * }
 * ```
 *
 * @module
 */

import type { Fields } from "../base/fields.ts";
import {
  choice,
  duration,
  integer,
  list,
  object,
  type ParseContext,
  readSettings,
  setting,
  type SettingsOf,
} from "../channels/fields/setting.ts";
import { parseTimeOfDay } from "../delivery/quiet_hours.ts";
import { DEFAULT_POLICY, type LanePolicy, MAX_BATCH_OVER, MAX_RATE_COUNT } from "../delivery/rate_policy.ts";
import { DEFAULT_TITLE, TITLE_WITHOUT_SYMBOL, titleProblem } from "../notification/title.ts";
import { DEFAULT_FALLBACK_AFTER, type Fallback } from "../routing/fallback.ts";
import { type ChannelList, requireChannel } from "./channels.ts";

/** Creates the setting for a time of day. The parsed value is in minutes since midnight. */
function timeOfDay(help: string, example: string) {
  return setting<number>({
    help,
    examples: [example],
    schema: { type: "string", pattern: "^\\s*([01]?\\d|2[0-3]):[0-5]\\d\\s*$" },
    read(fields, key) {
      const text = fields.requiredText(key, "write it as 22:00");
      const minute = parseTimeOfDay(text);
      if (minute !== undefined) return minute;
      throw fields.error(key, `"${text}" is not a time of day`, "write it as 22:00");
    },
  });
}

/** The settings for batches, rate limits and quiet hours, for all channels or for one channel. */
export const POLICY_SETTINGS = {
  batch: object({
    help:
      "combines waiting notifications into one message (a batch); `false`: every notification is a separate message",
    examples: [{ over: 5 }, false],
    optional: true,
    title: "BatchConfig",
    orFalse: true,
    settings: {
      over: integer({
        help:
          "the largest number of notifications that are sent one by one after an outage; if more notifications wait for a destination, they are sent as a batch; while the server limits the rate, the largest number is 3",
        examples: [5],
        min: 1,
        max: MAX_BATCH_OVER,
        default: DEFAULT_POLICY.batchOver,
      }),
      style: choice({
        help:
          "`full`: a batch contains every notification in full; `lines`: a batch has a line for each notification, and the full texts follow as a file, if the channel can send files",
        examples: ["lines"],
        values: ["full", "lines"],
        default: "full",
      }),
    },
  }),
  rateLimit: object({
    help:
      "limits the messages to each destination; notifications that must wait are sent as a batch; a batch counts as `count` messages; " +
      "by default, there is no limit",
    examples: [{ count: 3, per: "10s" }],
    optional: true,
    title: "RateLimitConfig",
    settings: {
      count: integer({
        help: "the largest number of messages in the period `per`",
        examples: [3],
        min: 1,
        max: MAX_RATE_COUNT,
      }),
      per: duration({ help: "the period, such as `10s`", examples: ["10s"] }),
    },
  }),
  quiet: object({
    help:
      "quiet hours, in the local time of the host; only critical notifications are sent during this time; all other notifications are sent together at the end of the quiet hours; " +
      "`false`: no quiet hours",
    examples: [{ from: "22:00", to: "07:00" }, false],
    optional: true,
    title: "QuietConfig",
    orFalse: true,
    settings: {
      from: timeOfDay("the start of the quiet hours, such as `22:00`", "22:00"),
      to: timeOfDay(
        "the end of the quiet hours; if `to` is not later than `from`, the end is on the next day",
        "07:00",
      ),
    },
    check({ from, to }, fields) {
      if (from === to) throw fields.error("to", "it is equal to from, so the whole day would be quiet");
    },
  }),
};

/** The setting `title`. */
export const TITLE_SETTINGS = {
  title: setting<string | undefined>({
    help: "the template of each message's title; it may contain the placeholders `{identity}`, `{symbol}` (of the " +
      "severity, none for info), `{subject}`, `{severity}`, `{origin}` and `{key}`; the default is " +
      `\`${DEFAULT_TITLE}\`, and \`${TITLE_WITHOUT_SYMBOL}\` for ntfy and Gotify, which show the severity as a priority`,
    examples: ["{symbol}{subject} ({identity})"],
    optional: true,
    schema: { type: "string", pattern: "\\{subject\\}" },
    read(fields, key) {
      const template = fields.text(key);
      const found = template === undefined ? undefined : titleProblem(template);
      if (found === undefined) return template;
      throw fields.error(key, found.problem, found.hint);
    },
  }),
};

/** The settings of a fallback. */
export const FALLBACK_SETTINGS = {
  fallback: object({
    help: "other channels that also get a notification if this channel does not deliver it in time",
    examples: [{ channels: ["phone"], after: "10m" }],
    optional: true,
    title: "FallbackConfig",
    settings: {
      channels: list({
        help:
          "the names of the fallback channels; other notifications go to these channels only if a rule or the caller chooses them",
        examples: ["phone", ["phone"]],
        hint: "add the names of the channels that get the notification if this channel fails",
      }),
      after: duration({
        help: "the waiting time before the other channels are used",
        examples: ["10m"],
        default: DEFAULT_FALLBACK_AFTER,
      }),
    },
  }),
};

/**
 * Reads `batch`, `rateLimit` and `quiet`.
 *
 * @param outer the values for absent settings
 * @throws {ConfigError} if a setting is not valid; the message contains its dotted path
 */
export function readPolicy(fields: Fields, context: ParseContext, outer: LanePolicy = DEFAULT_POLICY): LanePolicy {
  return toPolicy(readSettings(POLICY_SETTINGS, fields, context), outer);
}

/** Converts the parsed settings. If a setting is absent, uses the value of `outer`. */
function toPolicy({ batch, rateLimit, quiet }: SettingsOf<typeof POLICY_SETTINGS>, outer: LanePolicy): LanePolicy {
  const { batchOver, style, ...others } = outer;
  return {
    ...others,
    ...(batch === undefined ? { batchOver, ...(style === undefined ? {} : { style }) } : readBatch(batch)),
    ...(rateLimit ? { rateLimit: { count: rateLimit.count, perMs: rateLimit.per } } : {}),
    ...(quiet === undefined ? {} : { quiet: quiet || undefined }),
  };
}

function readBatch(
  batch: Exclude<SettingsOf<typeof POLICY_SETTINGS>["batch"], undefined>,
): Pick<LanePolicy, "batchOver" | "style"> {
  if (batch === false) return { batchOver: Infinity };
  return { batchOver: batch.over, ...(batch.style === "lines" ? { style: "lines" } : {}) };
}

/**
 * Reads `title`, the template for the titles of messages.
 *
 * @returns undefined if `title` is not set
 * @throws {ConfigError} if the template is not valid
 */
export function readTitle(fields: Fields, context: ParseContext): string | undefined {
  return readSettings(TITLE_SETTINGS, fields, context).title;
}

/**
 * Reads `fallback`.
 *
 * @param name the name of the channel
 * @returns undefined if the channel has no fallback
 * @throws {ConfigError} if a setting is not valid; the message contains its dotted path
 */
export function readFallback(
  fields: Fields,
  { name, list, context }: { readonly name: string; readonly list: ChannelList; readonly context: ParseContext },
): Fallback | undefined {
  const { fallback } = readSettings(FALLBACK_SETTINGS, fields, context);
  const own = fallback ? fields.nested("fallback") : undefined;
  if (!fallback || own === undefined || fallback.channels === undefined) return undefined;
  const { channels, after } = fallback;
  for (const channel of channels) {
    const { value } = requireChannel(own, "channels", { name: channel, list });
    if (channel === name) throw own.error("channels", `"${name}" cannot be its own fallback`);
    if (typeof value !== "object" || value === null || !("fallback" in value)) continue;
    throw own.error(
      "channels",
      `"${channel}" has its own fallback`,
      "add the channels of that fallback here: the notification is sent to all of them",
    );
  }
  return { channels, afterMs: after };
}
