/** The fields that every channel has, and the configuration as a whole: how much is said, and when. `config/flood.ts` reads them. */

import { DEFAULT_POLICY, MAX_BATCH_OVER, MAX_RATE_COUNT } from "../../delivery/rate_policy.ts";
import { DEFAULT_FALLBACK_AFTER } from "../../routing/fallback.ts";
import type { FieldSpecs } from "../../channels/fields/field_spec.ts";

/** What becomes of many at once. */
export interface FloodConfig {
  /** `false`: each comes by itself and at once, however many they are. @default {true} */
  readonly digest?: boolean;
  /** More than so many that wait in a room or topic come as one digest. @default {10} */
  readonly backlog?: number;
  /**
   * With `per`: at most so many events within that time, from 1 to 20; what comes meanwhile comes together, and counts as many.
   *
   * @default 3 in 5 s where a process stays that says the rest, as with the command line; no limit where none does
   */
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

const TIME_OF_DAY = "^\\s*([01]?\\d|2[0-3]):[0-5]\\d\\s*$";
const DURATION_ABOVE_ZERO = "^(?=[^1-9]*[1-9])\\s*(\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d|w)\\s*)+$";

/** Its floods, its quiet hours. */
export const POLICY_FIELDS: FieldSpecs = {
  flood: {
    schema: {
      type: "object",
      description: "what becomes of many at once",
      examples: [{ burst: 3, per: "10s" }, { backlog: 5 }, { digest: false }],
      properties: {
        digest: {
          type: "boolean",
          description: "whether what waits in numbers comes as one",
          default: true,
        },
        backlog: {
          type: "integer",
          description: "more than so many that wait come as one",
          minimum: 1,
          maximum: MAX_BATCH_OVER,
          default: DEFAULT_POLICY.batchOver,
        },
        burst: {
          type: "integer",
          description: "so many events at most within per",
          minimum: 1,
          maximum: MAX_RATE_COUNT,
        },
        per: { type: "string", description: "a duration, such as 10s", pattern: DURATION_ABOVE_ZERO },
      },
      dependentRequired: { burst: ["per"], per: ["burst"] },
      additionalProperties: false,
    },
  },
  quiet: {
    schema: {
      type: ["object", "boolean"],
      description: "when only what is critical is said, by the host's clock; false for never",
      examples: [{ from: "22:00", to: "07:00" }, false],
      not: { const: true },
      properties: {
        from: { type: "string", pattern: TIME_OF_DAY },
        to: { type: "string", pattern: TIME_OF_DAY },
      },
      required: ["from", "to"],
      additionalProperties: false,
    },
  },
};

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
