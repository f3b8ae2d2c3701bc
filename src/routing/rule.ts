/**
 * A rule, parsed: which notifications it matches, which channels it chooses, and what it sets for
 * them.
 */

import type { Severity } from "../notification/notification.ts";
import type { Fallback } from "./fallback.ts";
import type { Pattern } from "./pattern.ts";

/** The name that stands for every channel. */
export const EVERY_CHANNEL = "*";

/** The texts of a notification that rules match. A missing text matches as an empty one. */
export const TEXT_FIELDS = ["origin", "subject", "key"] as const;

/** A text of a notification that rules match. */
export type TextField = (typeof TEXT_FIELDS)[number];

/** The conditions of a rule: all of them must hold. */
export interface When {
  /** For each of these texts, one of the patterns must match. */
  readonly texts: Readonly<Partial<Record<TextField, readonly Pattern[]>>>;
  /** The severity must be one of these. @default any */
  readonly severities?: readonly Severity[];
}

/** What a rule changes in a notification. */
export interface NotificationSettings {
  readonly silent?: boolean;
  readonly severity?: Severity;
  readonly mentions?: readonly string[];
}

/** What a rule changes for one channel. */
export interface ChannelSettings extends NotificationSettings {
  /** @default the channel's own destinations */
  readonly destinations?: readonly string[];
  /** `false`: no fallback. @default the channel's own fallback */
  readonly fallback?: Fallback | false;
}

/** A rule. */
export interface Rule {
  /** Its path in the configuration: `routes[2]`. */
  readonly path: string;
  readonly when: When;
  /**
   * The names of the channels that it chooses; an empty list mutes the notification. @default it
   * chooses none
   */
  readonly channels?: readonly string[];
  /** What it sets for all channels. */
  readonly settings: NotificationSettings;
  /** What it sets for single channels, by name. */
  readonly set: ReadonlyMap<string, ChannelSettings>;
  /** `true`: later rules are checked too. */
  readonly continues: boolean;
}
