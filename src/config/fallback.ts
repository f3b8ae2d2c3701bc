/**
 * What stands in for a channel that does not deliver in time: `fallback`, in the channel's own object or in what a rule sets for it.
 *
 * ```json
 * { "channels": { "matrix": { "fallback": { "channels": ["phone"], "after": "10m" }, "…": "…" }, "phone": { "…": "…" } } }
 * ```
 *
 * @module
 */

import type { ChannelDirectory } from "./channel_directory.ts";
import { DEFAULT_FALLBACK_AFTER, type Fallback } from "../routing/fallback.ts";
import { parseDuration } from "../base/duration.ts";
import type { Fields } from "../base/fields.ts";
import { knownChannel } from "./known_channel.ts";

/**
 * Takes `fallback`.
 *
 * @param name the channel that it is for
 * @returns undefined when there is none
 * @throws {ConfigError} with the dotted path of what cannot be used
 */
export function fallbackOf(
  outer: Fields,
  { name, directory }: { readonly name: string; readonly directory: ChannelDirectory },
): Fallback | undefined {
  const fields = outer.nested("fallback");
  if (fields === undefined) return undefined;
  const channels = fields.texts("channels");
  if (channels.length === 0) throw fields.missing("channels", "name the channels that stand in");
  for (const channel of channels) {
    const { value } = knownChannel(fields, "channels", { name: channel, directory });
    if (channel === name) throw fields.error("channels", `"${name}" cannot stand in for itself`);
    if (value.fallback === undefined) continue;
    throw fields.error(
      "channels",
      `"${channel}" has a fallback of its own`,
      "name that one here too: all of them are sent to when it is time",
    );
  }
  const after = fields.text("after") ?? DEFAULT_FALLBACK_AFTER;
  const afterMs = parseDuration(after);
  if (afterMs === undefined || afterMs <= 0) {
    throw fields.error("after", `"${after}" is not a duration above zero`, "write it as 10m, 90s or 1h");
  }
  fields.end();
  return { channels, afterMs };
}
