/** How a notifier is opened and used. */

import type { BackgroundMode } from "./background/spawn.ts";
import type { FloodConfig, QuietConfig } from "../config/fields/policy_fields.ts";
import type { ChannelConfig } from "../config/config.ts";
import type { RouteConfig } from "../config/fields/route_fields.ts";
import type { RouteOptions } from "../routing/route.ts";
import type { Outcome } from "./outcomes.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** How to open a notifier. Without `channels` it reads the same environment and file as the command line. */
export interface NotifierOptions {
  /** The configuration file. @default the usual places */
  readonly configFile?: string;
  /** Permits plain http to other hosts; the access token goes over the network in the clear. @default {false} */
  readonly insecureHttp?: boolean;
  /** Where the queue lives; must be given with `channels`. @default the command line's state directory */
  readonly stateDir?: string;
  /** The channels by name, instead of those in environment and file: objects, or Apprise URLs. */
  readonly channels?: Readonly<Record<string, ChannelConfig | string>>;
  /** What becomes of many at once; with `channels` only. @default {{ "backlog": 10 }} */
  readonly flood?: FloodConfig;
  /** When only what is critical is said; with `channels` only. @default never */
  readonly quiet?: QuietConfig | false;
  /** The rules that say where notifications go; with `channels` only. @default everything goes to every channel */
  readonly routes?: readonly RouteConfig[];
  /** The name that stands before each subject; with `channels` only. @default the host's name */
  readonly identity?: string;
  /** Whether names such as `:warning-sign:` in a subject become symbols; with `channels` only. @default {true} */
  readonly symbols?: boolean;
  /**
   * How a deliverer is left behind for what could not be delivered; with `channels` there is none, since it could not know them. @default {"no"}
   */
  readonly background?: BackgroundMode;
  /** Parts of the outside world to replace: a clock, a network. @default the real one */
  readonly runtime?: Partial<Runtime>;
  /** Hears what goes wrong without being a failure. @default nobody */
  readonly onWarning?: (text: string) => void;
  /** Hears what became of every attempt. @default nobody */
  readonly onAttempt?: (outcome: Outcome) => void;
}

/** How to notify. */
export interface NotifyOptions extends RouteOptions {
  /** How long to try and wait, milliseconds; 0 only queues. @default {10000} */
  readonly waitMs?: number;
  /**
   * The caller's own name for this notification, at most 255 characters. A call with the same one within 7 days is the same notification, whatever else it says: who cannot
   * know whether the first call was heard may call again.
   */
  readonly id?: string;
  /** Stops the delivery, and rejects with its reason; what is queued stays queued. */
  readonly signal?: AbortSignal;
}

/** How to flush. What waits for quiet hours or a pace goes on waiting. */
export interface FlushOptions {
  /** What must wait longer than this is left for later, milliseconds. @default {30000} */
  readonly waitMs?: number;
  /** Stops the delivery, and rejects with its reason; what is queued stays queued. */
  readonly signal?: AbortSignal;
}

/** How long `notify` tries by default. */
export const DEFAULT_NOTIFY_WAIT_MS = 10_000;

/** How long `flush` has patience by default. */
export const DEFAULT_FLUSH_WAIT_MS = 30_000;
