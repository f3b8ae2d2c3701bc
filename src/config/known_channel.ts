/** Channels that are named elsewhere in the configuration. */

import type { ChannelDirectory, RoutedChannel } from "./channel_directory.ts";
import type { Fields } from "../base/fields.ts";
import { nearest } from "../base/nearest.ts";

/**
 * The channel that a field names.
 *
 * @throws {ConfigError} with the dotted path of the field, when there is none of that name
 */
export function knownChannel(
  fields: Fields,
  key: string,
  { name, directory }: { readonly name: string; readonly directory: ChannelDirectory },
): RoutedChannel {
  const channel = directory.get(name);
  if (channel !== undefined) return channel;
  const near = nearest(name, directory.keys());
  const known = directory.size === 0 ? "none is configured" : `configured: ${[...directory.keys()].join(", ")}`;
  throw fields.error(key, `there is no channel "${name}"`, near ? `did you mean "${near}"?` : known);
}
