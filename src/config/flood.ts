/**
 * How much is said, and when: `flood` and `quiet`, for all channels, or for one in its own object.
 *
 * ```json
 * { "flood": { "backlog": 10, "burst": 3, "per": "10s" }, "quiet": { "from": "22:00", "to": "07:00" } }
 * ```
 *
 * @module
 */

import { parseDuration } from "../duration.ts";
import { Fields } from "../fields.ts";
import { DEFAULT_POLICY, type LanePolicy, MAX_BURST, type Pace } from "../flood.ts";
import { parseTimeOfDay, type QuietHours } from "../quiet.ts";

/** What becomes of many at once. */
export interface FloodConfig {
  /** `false`: nothing is ever gathered into a digest because of its number. @default {true} */
  readonly digest?: boolean;
  /** More than so many that wait in a room or topic come as one digest. @default {10} */
  readonly backlog?: number;
  /** With `per`: at most so many events within that time, from 1 to 20; what comes meanwhile comes together, and counts as many. @default no limit */
  readonly burst?: number;
  /** With `burst`: a duration, such as `10s`. */
  readonly per?: string;
}

/** When only what is critical is said; the rest comes together at the end. */
export interface QuietConfig {
  /** A time of day by the host's clock: `22:00`. */
  readonly from: string;
  /** A time of day; the next day's where it is not later than `from`. */
  readonly to: string;
}

/** What every channel may have, and the configuration as a whole. */
export interface PolicyConfig {
  /** What becomes of many at once. */
  readonly flood?: FloodConfig;
  /** When only what is critical is said. `false` for a channel that is never quiet, whatever holds for the others. */
  readonly quiet?: QuietConfig | false;
}

/**
 * Takes `flood` and `quiet`.
 *
 * @param outer what holds where they say nothing
 * @throws {ConfigError} with the dotted path of what cannot be used
 */
export function policyOf(fields: Fields, outer: LanePolicy = DEFAULT_POLICY): LanePolicy {
  return { ...outer, ...floodOf(fields), ...quietOf(fields) };
}

function floodOf(outer: Fields): Partial<LanePolicy> {
  const value = outer.value("flood");
  if (value === undefined) return {};
  const fields = new Fields(value, outer.nameOf("flood"));
  const hasDigests = fields.flag("digest", true);
  const backlog = fields.integer("backlog", 1, 1_000_000) ?? DEFAULT_POLICY.backlog;
  const pace = paceOf(fields);
  fields.end();
  return { backlog: hasDigests ? backlog : Infinity, pace };
}

function paceOf(fields: Fields): Pace | undefined {
  const burst = fields.integer("burst", 1, MAX_BURST);
  const per = fields.text("per");
  if (burst === undefined && per === undefined) return undefined;
  if (burst === undefined) throw fields.error("per", `${fields.nameOf("burst")} is not set`, "set both, or none");
  if (per === undefined) throw fields.error("burst", `${fields.nameOf("per")} is not set`, "set both, or none");
  const perMs = parseDuration(per);
  if (perMs !== undefined && perMs > 0) return { burst, perMs };
  throw fields.error("per", `"${per}" is not a duration above zero`, "write it as 10s, 5m or 1h");
}

function quietOf(outer: Fields): { readonly quiet?: QuietHours } {
  const value = outer.value("quiet");
  if (value === undefined) return {};
  if (value === false) return { quiet: undefined };
  const fields = new Fields(value, outer.nameOf("quiet"));
  const [from, to] = ["from", "to"].map((key) => {
    const text = fields.requiredText(key, "write it as 22:00");
    const minute = parseTimeOfDay(text);
    if (minute !== undefined) return minute;
    throw fields.error(key, `"${text}" is not a time of day`, "write it as 22:00");
  });
  fields.end();
  if (from !== to) return { quiet: { from, to } };
  throw fields.error("to", "it is the same as from: all of the day would be quiet");
}
