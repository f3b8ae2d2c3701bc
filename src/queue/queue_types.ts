/** What goes into the queue, and what comes out. */

import type { Runtime } from "../runtime/runtime.ts";
import type { StorageError } from "../base/errors.ts";
import type { Entry } from "./entry.ts";
import type { Files } from "../runtime/files.ts";
import type { AckRecord, EnqueueRecord, NackRecord } from "./record.ts";

/** What the queue needs of the runtime. */
export type QueueRuntime = Pick<Runtime, "now" | "sleep" | "random" | "hostname" | "uuid">;

/** How to open a queue. */
export interface QueueOptions {
  /** @default the real file system */
  readonly files?: Files;
  /** Hears of each damaged line that was set aside, by the path of its copy. @default nobody */
  readonly onDamage?: (path: string) => void;
  /** Hears that the disk is full and the room that was kept back for that is used. @default nobody */
  readonly onReserveUsed?: () => void;
}

/** An envelope on its way in; the queue gives it an id and a time. */
export type EnqueueRequest = Omit<EnqueueRecord, "t" | "id" | "time" | "fallbackFor"> & {
  /** The drafts that it is a fallback for, which come in with it, each with how long that may take, milliseconds. @default none */
  readonly primaries?: readonly { readonly request: EnqueueRequest; readonly afterMs: number }[];
  /** Whether it may use the room that is kept for what is critical. @default {false} */
  readonly isUrgent?: boolean;
};

/** What {@linkcode Queue.enqueue} did. */
export interface Enqueued {
  readonly entries: readonly Entry[];
  /** Why they are on the disk, in the journal or in `spool/`, but cannot be tried now. */
  readonly problem?: StorageError;
}

/** An entry whose time is over. */
export interface ExpiredEntry {
  readonly entry: Entry;
  /** Why it was not delivered in time. */
  readonly reason: string;
}

/** What became of an attempt. */
export type AttemptResult =
  | ({ readonly state: "delivered" } & Omit<AckRecord, "t" | "id" | "time">)
  | ({ readonly state: "failed" } & Omit<NackRecord, "t" | "id" | "n" | "time">)
  | { readonly state: "dead"; readonly reason: string; readonly status?: number; readonly errcode?: string };

/** Numbers about the queue. */
export interface QueueFigures {
  /** Bytes of the journal. */
  readonly bytes: number;
  /** What it may become by what comes in. */
  readonly maxBytes: number;
  /** Envelopes that wait in `spool/`, because the journal could not be had. */
  readonly spooled: number;
  /** When each of them came, milliseconds since 1970. */
  readonly spooledTimes: readonly number[];
  /** Damaged lines that were set aside. */
  readonly quarantined: number;
  /** Lines that a writer's death left unfinished, set aside or still at the end of the journal. */
  readonly torn: number;
  readonly possibleDuplicates: number;
  /** Milliseconds since 1970. */
  readonly lastDelivery?: number;
}
