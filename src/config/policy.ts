/**
 * When and how much a channel sends: `batch`, `rateLimit`, `quiet`, for all channels or for one in
 * its own object; and `fallback`, for one channel.
 *
 * ```json
 * { "batch": { "over": 10 }, "rateLimit": { "count": 3, "per": "10s" }, "quiet": { "from": "22:00", "to": "07:00" } }
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
  type ParseContext,
  readSettings,
  setting,
  type SettingsOf,
} from "../channels/fields/setting.ts";
import { parseTimeOfDay } from "../delivery/quiet_hours.ts";
import { DEFAULT_POLICY, type LanePolicy, MAX_BATCH_OVER, MAX_RATE_COUNT } from "../delivery/rate_policy.ts";
import { DEFAULT_FALLBACK_AFTER, type Fallback } from "../routing/fallback.ts";
import { type ChannelList, requireChannel } from "./channels.ts";

/** A time of day. Its value is minutes since midnight. */
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

/** The settings for all channels, or for one. */
export const POLICY_SETTINGS = {
  batch: object({
    help:
      "when waiting notifications become one message; `false`: each is a message of its own, and there is no default rate limit",
    examples: [{ over: 5 }, false],
    optional: true,
    title: "BatchConfig",
    orFalse: true,
    settings: {
      over: integer({
        help: "if more notifications than this wait for a destination, they become a batch",
        examples: [5],
        min: 1,
        max: MAX_BATCH_OVER,
        default: DEFAULT_POLICY.batchOver,
      }),
    },
  }),
  rateLimit: object({
    help:
      "how often a destination gets a message; notifications that wait become a batch, which counts as `count` messages; by " +
      "default 3 in 5 seconds if a background process may deliver the rest, else no limit",
    examples: [{ count: 3, per: "10s" }],
    optional: true,
    title: "RateLimitConfig",
    settings: {
      count: integer({
        help: "the largest number of messages within `per`",
        examples: [3],
        min: 1,
        max: MAX_RATE_COUNT,
      }),
      per: duration({ help: "a duration, such as `10s`", examples: ["10s"] }),
    },
  }),
  quiet: object({
    help:
      "quiet hours, by the clock of the host: only critical notifications are sent, the others follow together at the end; " +
      "`false`: never",
    examples: [{ from: "22:00", to: "07:00" }, false],
    optional: true,
    title: "QuietConfig",
    orFalse: true,
    settings: {
      from: timeOfDay("a time of day, such as `22:00`", "22:00"),
      to: timeOfDay("a time of day; the next day's if it is not later than `from`", "07:00"),
    },
    check({ from, to }, fields) {
      if (from === to) throw fields.error("to", "it is the same as from: the whole day would be quiet");
    },
  }),
};

/** The settings of a fallback. */
export const FALLBACK_SETTINGS = {
  fallback: object({
    help: "channels that the notification is sent to as well if this channel has not delivered it in time",
    examples: [{ channels: ["phone"], after: "10m" }],
    optional: true,
    title: "FallbackConfig",
    settings: {
      channels: list({
        help: "the channels that take over, by name; they get nothing else, unless a rule or a caller names them",
        examples: ["phone", ["phone"]],
        hint: "name the channels that take over",
      }),
      after: duration({
        help: "how long this channel may take",
        examples: ["10m"],
        default: DEFAULT_FALLBACK_AFTER,
      }),
    },
  }),
};

/**
 * Reads `batch`, `rateLimit` and `quiet`.
 *
 * @param outer the policy for keys that are absent
 * @throws {ConfigError} with the dotted path of the setting
 */
export function readPolicy(fields: Fields, context: ParseContext, outer: LanePolicy = DEFAULT_POLICY): LanePolicy {
  return toPolicy(readSettings(POLICY_SETTINGS, fields, context), outer);
}

/** Converts the settings to a policy. */
function toPolicy({ batch, rateLimit, quiet }: SettingsOf<typeof POLICY_SETTINGS>, outer: LanePolicy): LanePolicy {
  return {
    ...outer,
    ...(batch === undefined ? {} : { batchOver: batch === false ? Infinity : batch.over }),
    ...(rateLimit ? { rateLimit: { count: rateLimit.count, perMs: rateLimit.per } } : {}),
    ...(quiet === undefined ? {} : { quiet: quiet || undefined }),
  };
}

/**
 * Reads `fallback`.
 *
 * @param name the channel that it belongs to
 * @returns undefined if there is none
 * @throws {ConfigError} with the dotted path of the setting
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
      `"${channel}" has a fallback of its own`,
      "name that one here too: the notification is sent to all of them",
    );
  }
  return { channels, afterMs: after };
}
