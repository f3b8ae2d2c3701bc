/** The rules as they are configured, and as data: `config/routes.ts` reads them. */

import { MAX_MENTIONS } from "../../notification/notification.ts";
import { SEVERITIES, type Severity } from "../../notification/notification.ts";
import type { FieldSpecs } from "../../channels/fields/field_spec.ts";
import type { FallbackConfig } from "../../routing/fallback.ts";
import { FALLBACK_FIELD } from "./policy_fields.ts";
import { CHANNEL_KINDS } from "../../channels/registry.ts";

/** What must be true of a notification, all of it. Texts are words, globs (`backup-*`), or regular expressions (`/^backup/i`); of a list one must match. */
export interface WhenConfig {
  /** Who speaks. */
  readonly origin?: string | readonly string[];
  /** The subject, with names of symbols as they were written. */
  readonly subject?: string | readonly string[];
  /** What it is about. */
  readonly key?: string | readonly string[];
  /** `warning` is that, `warning+` is that and whatever matters more. */
  readonly severity?: string | readonly string[];
}

/** What a rule sets of a notification. */
export interface SettingsConfig {
  /** Whether it arrives without a sound or a push. */
  readonly silent?: boolean;
  /** How much it matters. */
  readonly severity?: Severity;
  /** Whom it is for: user ids, or `@room`; `[]` for nobody. */
  readonly mentions?: string | readonly string[];
}

/** What a rule sets for one channel. */
export interface ChannelSettingsConfig extends SettingsConfig {
  /** Another room, or several, for a Matrix channel. */
  readonly room?: string | readonly string[];
  /** Another topic, for an ntfy channel. */
  readonly topic?: string;
  /** Another chat, or several, for a Telegram channel. */
  readonly chat?: string | number | readonly (string | number)[];
  /** Another topic of a forum, for a Telegram channel: in the other chat, or in its own. */
  readonly thread?: number;
  /** Other recipients, for a mail channel. */
  readonly to?: string | readonly string[];
  /** What else it is sent by when this channel has not delivered it in time; `false` for nothing. @default the channel's own */
  readonly fallback?: FallbackConfig | false;
}

/** A rule. */
export interface RouteConfig extends SettingsConfig {
  /** Which notifications it is for. @default all */
  readonly when?: WhenConfig;
  /** The channels that it chooses, by name; `*` for all, `[]` for none. @default it leaves the choice to others */
  readonly channels?: string | readonly string[];
  /** What it sets for single channels, by name. */
  readonly set?: Readonly<Record<string, ChannelSettingsConfig>>;
  /** Whether the rules behind it are asked too. What an earlier one sets, a later one does not change. @default {false} */
  readonly continue?: boolean;
}

const words = (description: string, pattern = "\\S") => ({
  type: ["string", "array"],
  description,
  pattern,
  items: { type: "string", pattern },
  minItems: 1,
  uniqueItems: true,
});

const SETTINGS = {
  silent: { type: "boolean", description: "whether it arrives without a sound or a push" },
  severity: { type: "string", description: "how much it matters", enum: SEVERITIES },
  mentions: {
    ...words("whom it is for: user ids, or @room; [] for nobody", "^\\s*@"),
    minItems: 0,
    maxItems: MAX_MENTIONS,
  },
} as const;

/** What every kind lets a rule say of where it delivers. */
const DESTINATIONS = Object.fromEntries(
  Object.values(CHANNEL_KINDS).flatMap(({ destination, fields }) =>
    (destination?.keys ?? []).map((key) => [key, fields[key].schema])
  ),
);

/** The fields of a rule. */
export const RULE_FIELDS: FieldSpecs = {
  when: {
    schema: {
      type: "object",
      description: "which notifications it is for; all by default",
      examples: [{ origin: "backup-*", severity: "warning+" }],
      properties: {
        origin: words("who speaks: a word, a glob, or a regular expression between slashes; of a list one must match"),
        subject: words("the subject, in the same way"),
        key: words("the key, in the same way"),
        severity: words(
          "how much it matters; with a + that and whatever matters more",
          `^\\s*(${SEVERITIES.join("|")})\\+?\\s*$`,
        ),
      },
      additionalProperties: false,
    },
  },
  channels: {
    schema: {
      ...words("the channels that it chooses, by name; * for all, [] for none"),
      type: ["string", "array"],
      minItems: 0,
      examples: ["*", []],
    },
  },
  silent: { schema: { ...SETTINGS.silent, examples: [true] } },
  severity: { schema: { ...SETTINGS.severity, examples: ["warning"] } },
  mentions: {
    schema: { ...SETTINGS.mentions, type: ["string", "array"], examples: ["@room", ["@alice:example.org"]] },
  },
  set: {
    schema: {
      type: "object",
      description: "what it sets for single channels, by name",
      examples: [{}],
      additionalProperties: {
        type: "object",
        properties: {
          ...SETTINGS,
          ...DESTINATIONS,
          fallback: { ...FALLBACK_FIELD.fallback.schema, type: ["object", "boolean"], not: { const: true } },
        },
        minProperties: 1,
        additionalProperties: false,
      },
    },
  },
  continue: {
    schema: {
      type: "boolean",
      description: "whether the rules behind it are asked too",
      examples: [true],
      default: false,
    },
  },
};

/** The rules. */
export const ROUTES_FIELD: FieldSpecs = {
  routes: {
    schema: {
      type: "array",
      description: "rules that say where notifications go, asked in their order up to the first that matches",
      examples: [[{ when: { severity: "critical" }, mentions: "@room" }], []],
      items: {
        type: "object",
        properties: Object.fromEntries(Object.entries(RULE_FIELDS).map(([key, { schema }]) => [key, schema])),
        additionalProperties: false,
      },
    },
  },
};
