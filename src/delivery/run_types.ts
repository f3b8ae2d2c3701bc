/** A run of the courier: when it ends, and what it tells. */

import type { Entry } from "../queue/entry.ts";
import type { AttemptResult } from "../queue/queue_types.ts";
import type { Policies } from "./delays.ts";

/** When a run ends. */
export interface RunOptions {
  /** No attempt starts after this moment, milliseconds since 1970. @default never */
  readonly deadline?: number;
  /** The run ends when nothing is due within this time. */
  readonly patienceMs: number;
  /** The run ends as soon as none of these entries can leave now; others go on only while these do. */
  readonly mine?: readonly string[];
  /** Whether the run ends when somebody asks for a flush while something is held: whoever asks may know the account's new token. @default {false} */
  readonly handsOver?: boolean;
  /** Stops at once; the request under way is given up. */
  readonly signal?: AbortSignal;
}

/** A run under way. */
export interface Run extends RunOptions {
  /** Channels that are being served. */
  readonly busy: Map<string, Promise<unknown>>;
  /** How many flushes were asked for before. */
  readonly flushes: number;
  /** What ended the run: the signal's reason, or a queue that takes nothing. */
  failure?: { readonly error: unknown };
}

/** Why a run ended. */
export type RunEnd = "over" | "handed-over";

/** Something that happened, for whoever keeps a log. */
export type CourierEvent = { readonly entry: Entry; readonly result: AttemptResult };

/** What a courier may be told. */
export interface CourierOptions {
  /** Hears what happens. @default nobody */
  readonly onEvent?: (event: CourierEvent) => void;
  /** What holds for channels, by name. @default nothing but what always holds */
  readonly policies?: Policies;
  /** `true`: shortcodes in subjects become symbols. @default {false} */
  readonly shortcodes?: boolean;
}
