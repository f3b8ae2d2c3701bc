/** Fallbacks: channels that are used if another channel does not deliver in time. */

/** The parsed fallback setting of a channel. */
export interface Fallback {
  readonly channels: readonly string[];
  readonly afterMs: number;
}

/** The default waiting time. If a channel does not deliver in this time, its fallback is used. */
export const DEFAULT_FALLBACK_AFTER = "10m";
