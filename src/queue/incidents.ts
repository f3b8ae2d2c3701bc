/**
 * The open incidents of each lane. An incident opens with the first delivered notification that has
 * a key, and closes with the delivery of one that resolves it. Later notifications with the same
 * key refer to the first delivery and know since when the incident lasts.
 *
 * Incidents follow from the `ack` records. Compaction writes a record of each instead.
 *
 * @module
 */

import { type Entry, type Lane, laneKey } from "./entry.ts";
import { INCIDENT_RETENTION_MS, MAX_INCIDENTS } from "./limits.ts";
import type { AckRecord, IncidentRecord } from "./record.ts";

/** An open incident. Times are in milliseconds since 1970. */
export type Incident = Pick<IncidentRecord, "receipt" | "isShared" | "title" | "since" | "count">;

/** What finding an incident needs of an entry. */
export type IncidentSubject = Pick<
  Entry,
  "channel" | "destination" | "key" | "time" | "title" | "resolves" | "replaced"
>;

/** The open incidents. */
export class Incidents {
  /** By lane and key. The one that was silent longest comes first. */
  readonly #open = new Map<string, IncidentRecord>();
  #bytes = 0;

  /** About how many bytes a compaction writes for them. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Finds the open incident of an entry. The entry's own time counts, so that each attempt gets the
   * same answer.
   */
  find(entry: IncidentSubject): IncidentRecord | undefined {
    const incident = entry.key === undefined ? undefined : this.#open.get(incidentKey(entry, entry.key));
    return incident !== undefined && isRemembered(incident, entry.time) ? incident : undefined;
  }

  /** Lists the open incidents with a key in all lanes. */
  withKey(key: string, time: number): IncidentRecord[] {
    return [...this.#open.values()].filter((incident) => incident.key === key && isRemembered(incident, time));
  }

  /**
   * Records the delivery of an entry.
   *
   * @param isShared whether it was delivered in a batch
   */
  onDelivery(entry: IncidentSubject, { time, receipt }: Pick<AckRecord, "time" | "receipt">, isShared: boolean): void {
    const { channel, destination, key, title } = entry;
    if (key === undefined) return;
    if (entry.resolves) return this.#close(incidentKey(entry, key));
    if (title === undefined) return;
    const before = this.find(entry);
    const since = entry.replaced?.fired ?? entry.time;
    const first = { channel, destination, key, receipt, isShared: isShared || undefined, title, since };
    this.restore({ t: "incident", ...(before ?? first), lastDelivery: time, count: (before?.count ?? 0) + 1 });
  }

  /** Applies what a compaction kept. */
  restore(record: IncidentRecord): void {
    const name = incidentKey(record, record.key);
    this.#close(name);
    this.#open.set(name, record);
    this.#bytes += JSON.stringify(record).length;
    if (this.#open.size > MAX_INCIDENTS) this.#close(this.#open.keys().next().value ?? name);
  }

  /**
   * Creates the records that a compaction keeps. An entry that refers to an incident may have
   * waited for as long as the incident is remembered, so that records are kept twice as long.
   */
  snapshot(now: number): IncidentRecord[] {
    return [...this.#open.values()].filter(({ lastDelivery }) => lastDelivery > now - 2 * INCIDENT_RETENTION_MS);
  }

  #close(name: string): void {
    const record = this.#open.get(name);
    if (record === undefined) return;
    this.#bytes -= JSON.stringify(record).length;
    this.#open.delete(name);
  }
}

function isRemembered({ lastDelivery }: IncidentRecord, time: number): boolean {
  return time - lastDelivery <= INCIDENT_RETENTION_MS;
}

function incidentKey(lane: Lane, key: string): string {
  return `${laneKey(lane)} ${key}`;
}
