/** A rule, ready to use: which notifications it is for, which channels it chooses, and what it sets for them. */

import type { Severity } from "../notification/notification.ts";
import type { Fallback } from "./fallback.ts";
import type { Pattern } from "./pattern.ts";

/** Stands for every channel. */
export const EVERY_CHANNEL = "*";

/** The texts of a notification that rules look at; one that has none has an empty one. */
export const TEXT_FIELDS = ["origin", "subject", "key"] as const;

/** One of them. */
export type TextField = (typeof TEXT_FIELDS)[number];

/** What must be true of a notification, all of it. */
export interface When {
  /** One of these must match, each of those that are there. */
  readonly texts: Readonly<Partial<Record<TextField, readonly Pattern[]>>>;
  /** It must be one of these. @default any */
  readonly severities?: readonly Severity[];
}

/** What is set of a notification, for those who get it by a channel. */
export interface NotificationSettings {
  readonly silent?: boolean;
  readonly severity?: Severity;
  readonly mentions?: readonly string[];
}

/** What is set for a channel. */
export interface ChannelSettings extends NotificationSettings {
  /** Where it delivers, instead of where it does otherwise. */
  readonly destinations?: readonly string[];
  /** What stands in for it; `false` for nothing. @default the channel's own */
  readonly fallback?: Fallback | false;
}

/** A rule. */
export interface Rule {
  /** Where it stands in the configuration: `routes[2]`. */
  readonly path: string;
  readonly when: When;
  /** The names of the channels that it chooses, none to send nothing; without it, it leaves the choice to others. */
  readonly channels?: readonly string[];
  /** What it sets for all channels. */
  readonly settings: NotificationSettings;
  /** What it sets for single channels, by name. */
  readonly set: ReadonlyMap<string, ChannelSettings>;
  /** Whether those behind it are asked too. */
  readonly continues: boolean;
}
