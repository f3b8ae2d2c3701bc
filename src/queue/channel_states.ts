/**
 * What channels as a whole wait for. Trouble with a server or an account concerns all entries of its channel, and any definite answer ends it; trouble of a
 * lane's own does not count here.
 *
 * @module
 */

import { type ChannelState, type Entry, type EntryState, LANE_CLASSES, type Wait } from "./entry.ts";
import type { ChannelRecord, NackRecord } from "./record.ts";

const NO_TROUBLE: ChannelState = { failures: 0 };

/** The channels that are in trouble. */
export class ChannelStates {
  readonly #inTrouble = new Map<string, ChannelState>();

  /** What a channel waits for. */
  of(name: string): ChannelState {
    return this.#inTrouble.get(name) ?? NO_TROUBLE;
  }

  /** What an entry is, seen together with its channel. */
  stateOf({ channel, dead, attempts }: Entry): EntryState {
    if (dead) return "dead";
    if (this.of(channel).wait?.class === "credentials") return "held";
    return attempts > 0 ? "deferred" : "queued";
  }

  /** Whose trouble it is: a lane's alone, which says that the account is well, or the whole channel's. */
  blame(name: string, { class: why }: Pick<NackRecord, "class">, wait: Wait): void {
    // That a process was killed says nothing about the channel.
    if (why === "killed") return;
    if (LANE_CLASSES.has(why)) return this.answered(name);
    this.#inTrouble.set(name, { failures: this.of(name).failures + 1, wait });
  }

  /** A definite answer came. */
  answered(name: string): void {
    this.#inTrouble.delete(name);
  }

  /** What we chose to wait is over; what nobody may shorten stays. */
  flush(): void {
    for (const [name, { failures, wait }] of this.#inTrouble) {
      if (wait) this.#inTrouble.set(name, { failures, wait: { ...wait, next: wait.notBefore } });
    }
  }

  /** Takes what a compaction left. */
  restore({ channel, failures, wait }: ChannelRecord): void {
    this.#inTrouble.set(channel, { failures, wait });
  }

  /** What a compaction keeps. */
  *snapshot(): Generator<ChannelRecord> {
    for (const [channel, state] of this.#inTrouble) yield { t: "chan", channel, ...state };
  }
}
