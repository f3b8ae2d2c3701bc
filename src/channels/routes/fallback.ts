/** Fallbacks: by what else something is sent when a channel has not delivered it in time. */

import type { FieldSpecs } from "../field_spec.ts";

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

/** A channel's fallback, as data; `config/fallback.ts` reads it. */
export const FALLBACK_FIELD: FieldSpecs = {
  fallback: {
    schema: {
      type: "object",
      description: "the channels by which it is sent too when this one has not delivered it in time",
      examples: [{ channels: ["phone"], after: "10m" }],
      properties: {
        channels: {
          type: ["string", "array"],
          pattern: "\\S",
          items: { type: "string", pattern: "\\S" },
          minItems: 1,
          uniqueItems: true,
        },
        after: {
          type: "string",
          description: "a duration, such as 10m",
          pattern: "^(?=[^1-9]*[1-9])\\s*(\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d|w)\\s*)+$",
          default: DEFAULT_FALLBACK_AFTER,
        },
      },
      required: ["channels"],
      additionalProperties: false,
    },
  },
};
