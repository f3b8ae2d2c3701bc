/**
 * How much is said, and when: `flood` and `quiet`, for all channels, or for one in its own object.
 *
 * ```json
 * { "flood": { "backlog": 10, "burst": 3, "per": "10s" }, "quiet": { "from": "22:00", "to": "07:00" } }
 * ```
 *
 * @module
 */

import { parseDuration } from "../base/duration.ts";
import type { Fields } from "../base/fields.ts";
import {
  DEFAULT_POLICY,
  type LanePolicy,
  MAX_BATCH_OVER,
  MAX_RATE_COUNT,
  type RateLimit,
} from "../delivery/rate_policy.ts";
import { parseTimeOfDay, type QuietHours } from "../delivery/quiet_hours.ts";

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
  const fields = outer.nested("flood");
  if (fields === undefined) return {};
  const hasDigests = fields.flag("digest", true);
  const backlog = fields.integer("backlog", 1, MAX_BATCH_OVER) ?? DEFAULT_POLICY.batchOver;
  const pace = paceOf(fields);
  fields.end();
  return { batchOver: hasDigests ? backlog : Infinity, rateLimit: pace };
}

function paceOf(fields: Fields): RateLimit | undefined {
  const burst = fields.integer("burst", 1, MAX_RATE_COUNT);
  const per = fields.text("per");
  if (burst === undefined && per === undefined) return undefined;
  if (burst === undefined) throw fields.error("per", `${fields.nameOf("burst")} is not set`, "set both, or none");
  if (per === undefined) throw fields.error("burst", `${fields.nameOf("per")} is not set`, "set both, or none");
  const perMs = parseDuration(per);
  if (perMs !== undefined && perMs > 0) return { count: burst, perMs };
  throw fields.error("per", `"${per}" is not a duration above zero`, "write it as 10s, 5m or 1h");
}

function quietOf(outer: Fields): { readonly quiet?: QuietHours } {
  if (outer.value("quiet") === false) return { quiet: undefined };
  const fields = outer.nested("quiet");
  if (fields === undefined) return {};
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
