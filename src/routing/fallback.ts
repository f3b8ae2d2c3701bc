/** Fallbacks: channels that take over when a channel has not delivered in time. */

/** A fallback, parsed. */
export interface Fallback {
  readonly channels: readonly string[];
  readonly afterMs: number;
}

/** How long a channel may take by default. */
export const DEFAULT_FALLBACK_AFTER = "10m";
