/** An entry: an envelope in the queue, with its history. What it is now follows from its records alone. */

/** `queued`: not tried yet. `deferred`: tried, and will be again. `held`: its account must be mended first. `dead`: buried. */
export type EntryState = "queued" | "deferred" | "held" | "dead";

/** Why an attempt did not deliver. */
export type WaitClass =
  | "not-sent"
  | "in-doubt"
  | "rate-limited"
  | "credentials"
  | "destination"
  | "destination-busy"
  | "not-the-service"
  | "unverified"
  | "killed";

/** What is a lane's own trouble, and says that the account is well. */
export const LANE_CLASSES: ReadonlySet<string> = new Set<WaitClass>(["destination", "destination-busy", "unverified"]);

/** The ids of those that an entry stands in for, each with when it has waited long enough for it, milliseconds since 1970. */
export type FallbackFor = Readonly<Record<string, number>>;

/** An attempt that has left. */
export interface Attempt {
  readonly n: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Attempts that may have arrived: a later refusal does not clear that. */
export interface InDoubt {
  /** When the first of them left, milliseconds since 1970. */
  readonly since: number;
  /** When the last of them ended, as far as is known. */
  readonly until: number;
}

/** Why an entry is dead. */
export interface DeadLetter {
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Whether it was not delivered in time. */
  readonly expired?: true;
}

/** Entries whose place one took that came later. */
export interface Replaced {
  readonly count: number;
  /** When the first of them came in, milliseconds since 1970. */
  readonly since: number;
  /** When the first of them came in that did not say that it is over. */
  readonly fired?: number;
}

/** What stands between an entry, or a whole channel, and its next try. */
export interface Wait {
  readonly class: WaitClass;
  readonly reason: string;
  /** When it was decided, milliseconds since 1970. */
  readonly since: number;
  /** When to try again; a flush brings it forward to `notBefore`. */
  readonly next: number;
  /** Before this nobody tries, not even a flush. */
  readonly notBefore: number;
}

/** An entry as the records tell it. */
export interface Entry {
  readonly id: string;
  readonly time: number;
  readonly channel: string;
  readonly destination: string;
  readonly notification: unknown;
  readonly expires: number;
  readonly key?: string;
  /** What to call it when it is long delivered. */
  readonly title?: string;
  /** Whether it says that what its key is about is over. */
  readonly resolves?: true;
  /** The caller's own name for it. */
  readonly idempotencyKey?: string;
  /** What it took the place of. */
  readonly replaced?: Replaced;
  /** The files that it needs, by their names in `attachments/`. */
  readonly files?: readonly string[];
  /** It is a file, and belongs to what came in before it in its lane: its number among its files, from 1. */
  readonly attachmentIndex?: number;
  /** It is a fallback: it leaves only when these have not been delivered in time. */
  readonly fallbackFor?: FallbackFor;
  /** Bytes of its line in the journal. */
  readonly bytes: number;
  /** How many attempts have left. */
  readonly attempts: number;
  /** The attempt whose answer is not recorded. */
  readonly inFlight?: Attempt;
  /** Attempts that may have arrived. */
  readonly inDoubt?: InDoubt;
  readonly wait?: Wait;
  /** Why it is dead; undefined while it lives. */
  readonly dead?: DeadLetter;
  /** Somebody asked for it by its id: what its user made wait, for quiet or for pace, does not wait then. */
  readonly forced?: true;
  /** It was in a digest that was refused for good: it goes by itself from now on. */
  readonly noBatch?: true;
  /** A digest holds others of its lane, in the order of arrival, and no notification of its own. */
  readonly members?: readonly Entry[];
}

/** What a channel as a whole waits for: trouble with a server or an account concerns all of its entries. */
export interface ChannelState {
  /** Failures in a row, for the backoff. */
  readonly failures: number;
  readonly wait?: Wait;
}

/** The entries that somebody sent: a digest stands for its members. */
export function expandBatches(entries: readonly Entry[]): Entry[] {
  return entries.flatMap((entry) => entry.members ?? [entry]);
}

/** Tells the files whose texts are among these entries of a lane: they came in one write, at one time. */
export function isAttachmentOf(entries: readonly Entry[]): (entry: Entry) => boolean {
  const texts = new Set(entries.filter(({ attachmentIndex }) => attachmentIndex === undefined).map(({ time }) => time));
  return ({ attachmentIndex, time }) => attachmentIndex !== undefined && texts.has(time);
}

/**
 * The map key of a lane. Names of channels and destinations may contain blanks, so that joining the two with a blank would
 * give different lanes the same key: `office` to `Ops A`, and `office Ops` to `A`.
 */
export function laneKey({ channel, destination }: Pick<Entry, "channel" | "destination">): string {
  return JSON.stringify([channel, destination]);
}
