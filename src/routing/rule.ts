/** A parsed rule: its conditions, its channels, and its settings. */

import type { Severity } from "../notification/notification.ts";
import type { Fallback } from "./fallback.ts";
import type { Pattern } from "./pattern.ts";

/** The name that means every channel. */
export const EVERY_CHANNEL = "*";

/** The texts of a notification that rules can check. A missing text counts as an empty text. */
export const TEXT_FIELDS = ["origin", "subject", "key"] as const;

/** The name of a text that rules can check. */
export type TextField = (typeof TEXT_FIELDS)[number];

/** The conditions of a rule. All conditions must be true. */
export interface When {
  /** The patterns for each text. At least one pattern must match the text. */
  readonly texts: Readonly<Partial<Record<TextField, readonly Pattern[]>>>;
  /** The allowed severities. @default all severities */
  readonly severities?: readonly Severity[];
}

/** The settings of a notification that a rule can change. */
export interface NotificationSettings {
  readonly silent?: boolean;
  readonly severity?: Severity;
  readonly mentions?: readonly string[];
}

/** The settings that a rule can change for one channel. */
export interface ChannelSettings extends NotificationSettings {
  /** @default the destinations in the settings of the channel */
  readonly destinations?: readonly string[];
  /**
   * The fallback; `false` means no fallback. @default the fallback in the settings of the channel
   */
  readonly fallback?: Fallback | false;
}

/** A routing rule from the configuration, parsed. */
export interface Rule {
  /** The path of the rule in the configuration: `routes[2]`. */
  readonly path: string;
  readonly when: When;
  /**
   * The names of the channels to use; an empty list mutes the notification. @default the rule does
   * not choose channels
   */
  readonly channels?: readonly string[];
  /** The settings for all channels. */
  readonly settings: NotificationSettings;
  /** The settings for single channels, by channel name. */
  readonly set: ReadonlyMap<string, ChannelSettings>;
  /** True if later rules are also checked. */
  readonly continues: boolean;
}
