/**
 * What keeps people from muting a notifier: a backlog comes as one digest, a lane may be given a pace, and nights may be quiet. Values only; the courier acts
 * on them.
 *
 * @module
 */

import type { QuietHours } from "./quiet.ts";

/** At most `burst` events within `perMs`; what comes meanwhile waits, and comes together. A digest counts as a whole burst. */
export interface Pace {
  readonly burst: number;
  readonly perMs: number;
}

/** The largest burst: so many deliveries of a lane are remembered. */
export const MAX_BURST = 20;

/** What holds for the lanes of a channel. */
export interface LanePolicy {
  /** More than so many that wait become one digest; Infinity for never. */
  readonly backlog: number;
  /** How often a lane may speak; undefined for as often as there is something to say. */
  readonly pace?: Pace;
  /** When it says only what is critical. */
  readonly quiet?: QuietHours;
}

/** What holds where nothing is configured. */
export const DEFAULT_POLICY: LanePolicy = { backlog: 10 };

/** More than so many that wait under a rate limit become one digest: each would cost seconds. */
export const LIMITED_BACKLOG = 3;

/** More than this one digest does not hold: its lines would become too short to be read. */
export const MAX_DIGEST_MEMBERS = 500;
