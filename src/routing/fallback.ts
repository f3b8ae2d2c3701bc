/** Fallbacks: by what else something is sent when a channel has not delivered it in time. */

/** How it is configured. */
export interface FallbackConfig {
  /** The channels that stand in, by name. They get nothing else, unless a rule or a caller names them. */
  readonly channels: string | readonly string[];
  /** How long the channel may take, a duration. @default {"10m"} */
  readonly after?: string;
}

/** What every channel may have. */
export interface FallbackPolicy {
  /** What else something is sent by when this channel has not delivered it in time. @default nothing */
  readonly fallback?: FallbackConfig;
}

/** Ready to use. */
export interface Fallback {
  readonly channels: readonly string[];
  readonly afterMs: number;
}

/** How long a channel may take where nobody says otherwise. */
export const DEFAULT_FALLBACK_AFTER = "10m";
