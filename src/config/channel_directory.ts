/** What rules need to know of the channels that they name. */

import type { ChannelKind } from "../channels/kind.ts";

/** A channel as it stands in the configuration. */
export interface RoutedChannel {
  /** Its kind; undefined when it has none that is known, which is its own mistake. */
  readonly kind?: ChannelKind;
  /** Its fields, which nobody has looked at. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** The configured channels by name. */
export type ChannelDirectory = ReadonlyMap<string, RoutedChannel>;
