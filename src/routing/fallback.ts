/** Fallbacks: channels that take over when a channel has not delivered in time. */

/** A fallback in the configuration. */
export interface FallbackConfig {
  /**
   * The names of the fallback channels. They get nothing else, unless a rule or a caller names
   * them.
   */
  readonly channels: string | readonly string[];
  /** How long the channel may take, a duration. @default {"10m"} */
  readonly after?: string;
}

/** The setting of every channel. */
export interface FallbackPolicy {
  /** The channels that take over when this one has not delivered in time. @default none */
  readonly fallback?: FallbackConfig;
}

/** A fallback, parsed. */
export interface Fallback {
  readonly channels: readonly string[];
  readonly afterMs: number;
}

/** How long a channel may take by default. */
export const DEFAULT_FALLBACK_AFTER = "10m";
