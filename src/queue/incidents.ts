/**
 * What lanes were told under a key, and not yet that it is over. A later entry with the same key relates to the first that was delivered, and knows since
 * when it lasts.
 *
 * It follows from the acknowledgements, like everything here; a compaction leaves a record of each in their place.
 *
 * @module
 */

import { type Entry, laneKey } from "./entry.ts";
import type { AckRecord, IncidentRecord } from "./record.ts";

/** After so long without a word it is another matter. */
export const FORGOTTEN_AFTER_MS: number = 30 * 86_400_000;

/** What was heard of longest ago goes first. */
export const MAX_INCIDENTS = 256;

/** What is known of an incident. */
export type Incident = Omit<IncidentRecord, "t">;

/** An entry as far as incidents are concerned. */
export type IncidentSubject = Pick<
  Entry,
  "channel" | "destination" | "key" | "time" | "title" | "resolves" | "replaced"
>;

/** Those that are open. */
export class Incidents {
  /** By lane and key; what was heard of last is at the end. */
  readonly #open = new Map<string, IncidentRecord>();
  #bytes = 0;

  /** About how many bytes a compaction leaves of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What an entry goes on with; undefined where it is the first. Its own time counts, so that each of its tries hears the same. */
  of(entry: IncidentSubject): Incident | undefined {
    const incident = entry.key === undefined ? undefined : this.#open.get(placeOf(entry, entry.key));
    return incident !== undefined && isRemembered(incident, entry.time) ? incident : undefined;
  }

  /** Those under a key, in all lanes. */
  under(key: string, time: number): Incident[] {
    return [...this.#open.values()].filter((incident) => incident.key === key && isRemembered(incident, time));
  }

  /**
   * Learns that an entry was delivered.
   *
   * @param isShared whether others were delivered with it, in a digest
   */
  delivered(entry: IncidentSubject, { time, receipt }: Pick<AckRecord, "time" | "receipt">, isShared: boolean): void {
    const { channel, destination, key, title } = entry;
    if (key === undefined) return;
    if (entry.resolves) return this.#close(placeOf(entry, key));
    if (title === undefined) return;
    const before = this.of(entry);
    const since = entry.replaced?.fired ?? entry.time;
    const first = { channel, destination, key, receipt, isShared: isShared || undefined, title, since };
    this.restore({ t: "incident", ...(before ?? first), told: time, count: (before?.count ?? 0) + 1 });
  }

  /** Takes what a compaction left. */
  restore(record: IncidentRecord): void {
    const place = placeOf(record, record.key);
    this.#close(place);
    this.#open.set(place, record);
    this.#bytes += bytesOf(record);
    if (this.#open.size > MAX_INCIDENTS) this.#close(this.#open.keys().next().value ?? place);
  }

  /** What a compaction keeps. What relates to one may have waited as long as it is remembered. */
  snapshot(now: number): IncidentRecord[] {
    return [...this.#open.values()].filter(({ told }) => told > now - 2 * FORGOTTEN_AFTER_MS);
  }

  #close(place: string): void {
    const record = this.#open.get(place);
    if (record === undefined) return;
    this.#bytes -= bytesOf(record);
    this.#open.delete(place);
  }
}

function isRemembered({ told }: Incident, time: number): boolean {
  return time - told <= FORGOTTEN_AFTER_MS;
}

function placeOf(lane: Pick<Entry, "channel" | "destination">, key: string): string {
  return `${laneKey(lane)} ${key}`;
}

function bytesOf(record: IncidentRecord): number {
  return JSON.stringify(record).length;
}
