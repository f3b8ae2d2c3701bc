/**
 * The open incidents of each lane (one destination of one channel). The first delivery of a
 * notification with a key opens an incident. The delivery of a notification that reports the end of
 * the problem closes the incident. While the incident is open, notifications with this key refer to
 * the first delivery and to the start of the incident.
 *
 * Incidents are computed from the `ack` records (the records of deliveries). In a compacted
 * journal, each incident has one `incident` record.
 *
 * @module
 */

import { type Entry, identifyKey, type Lane, laneKey, type SenderKey } from "./entry.ts";
import { INCIDENT_RETENTION_MS, MAX_INCIDENTS } from "./limits.ts";
import type { AckRecord, IncidentRecord } from "./record.ts";

/** An open incident. Times are in milliseconds since 1970. */
export type Incident = Pick<IncidentRecord, "receipt" | "isShared" | "title" | "since" | "count">;

/** The fields of an entry that {@linkcode Incidents} uses. */
export type IncidentSubject = Pick<
  Entry,
  "channel" | "destination" | "key" | "sender" | "time" | "title" | "resolves" | "replaced"
>;

/** The open incidents. */
export class Incidents {
  /**
   * The open incidents. The key of the map consists of the lane (channel and destination), the key
   * and the sender. The incidents are sorted by the time of their last delivery, oldest first.
   */
  readonly #open = new Map<string, IncidentRecord>();
  #bytes = 0;

  /** The approximate size of the records of the open incidents, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Finds the open incident of an entry. The age of the incident is measured at the time when the
   * entry was enqueued. Therefore the result is the same for all attempts of the entry.
   */
  find(entry: IncidentSubject): IncidentRecord | undefined {
    const incident = entry.key === undefined ? undefined : this.#open.get(incidentKey(entry));
    return incident !== undefined && isRemembered(incident, entry.time) ? incident : undefined;
  }

  /**
   * Lists the open incidents with a key, for all channels and destinations. Skips incidents that
   * are over at the given time.
   */
  withKey({ key, sender }: SenderKey, time: number): IncidentRecord[] {
    return this.all(time).filter((incident) => incident.key === key && incident.sender === sender);
  }

  /**
   * Lists the incidents that are open at the given time. They are sorted by the time of their last
   * delivery, oldest first.
   */
  all(time: number): IncidentRecord[] {
    return [...this.#open.values()].filter((incident) => isRemembered(incident, time));
  }

  /**
   * Records the delivery of an entry.
   *
   * @param isShared true if the entry was delivered in a batch (several entries in one message)
   */
  onDelivery(entry: IncidentSubject, { time, receipt }: Pick<AckRecord, "time" | "receipt">, isShared: boolean): void {
    const { channel, destination, key, sender, title } = entry;
    if (key === undefined) return;
    if (entry.resolves) return this.#close(incidentKey(entry));
    if (title === undefined) return;
    const before = this.find(entry);
    const since = entry.replaced?.fired ?? entry.time;
    const own = sender === undefined ? {} : { sender };
    const first = { channel, destination, key, ...own, receipt, isShared: isShared || undefined, title, since };
    this.restore({ t: "incident", ...(before ?? first), lastDelivery: time, count: (before?.count ?? 0) + 1 });
  }

  /** Adds an open incident, or replaces it. */
  restore(record: IncidentRecord): void {
    const name = incidentKey(record);
    this.#close(name);
    this.#open.set(name, record);
    this.#bytes += JSON.stringify(record).length;
    if (this.#open.size > MAX_INCIDENTS) this.#close(this.#open.keys().next().value ?? name);
  }

  /**
   * Creates the records for a compacted journal. Each incident is kept for twice
   * `INCIDENT_RETENTION_MS` after its last delivery, because an old entry in the queue may still
   * refer to the incident.
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

function incidentKey(subject: Lane & SenderKey): string {
  return `${laneKey(subject)} ${identifyKey(subject)}`;
}
