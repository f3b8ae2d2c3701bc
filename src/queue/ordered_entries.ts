/**
 * The entries in the order of arrival. A batch (entries that are sent in one message) contains its
 * members and has the position of the first member.
 *
 * ```text
 * a b c d e
 *   batch b c d           ->  a D(b c d) e
 *   c becomes dead        ->  a c† D(b d) e
 *   the batch is rejected ->  a c† b d e
 *
 * D: a batch   †: a dead letter
 * ```
 *
 * @module
 */

import { canBeBatched, type Entry } from "./entry.ts";
import { LaneIndex } from "./lane_index.ts";

/** A new batch and the ids of its members. */
type NewBatch =
  & Pick<Entry, "id" | "time" | "channel" | "destination" | "style" | "file" | "files">
  & { readonly members: readonly string[] };

/**
 * The live entries (entries that wait for delivery) and the dead letters (entries that were
 * rejected or expired).
 */
export class OrderedEntries {
  #entries = new Map<string, Entry>();
  /** The id of the batch of each member, by member id. */
  readonly #batchIds = new Map<string, string>();
  /** Undefined after a change that moves entries. The next use of `index` builds a new index. */
  #index: LaneIndex | undefined;

  /** Returns entries and batches, but not the members of batches. */
  values(): IteratorObject<Entry> {
    return this.#entries.values();
  }

  /** The live entries (not dead letters) and batches by lane, in the order of arrival. */
  get index(): LaneIndex {
    return this.#index ??= new LaneIndex(this.#entries.values());
  }

  /** Finds an entry or a batch, but not a member of a batch. */
  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Finds the batch of a member. */
  findBatch(id: string): Entry | undefined {
    const batchId = this.#batchIds.get(id);
    return batchId === undefined ? undefined : this.#entries.get(batchId);
  }

  /** Finds an entry, a batch, or a member of a batch. */
  find(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.findBatch(id)?.members?.find((member) => member.id === id);
  }

  /** Replaces an entry at its position, or appends a new entry. */
  set(entry: Entry): void {
    const before = this.#entries.get(entry.id);
    this.#entries.set(entry.id, entry);
    if (entry.dead) this.#index?.remove(entry);
    else if (before?.dead) this.#index = undefined;
    else this.#index?.set(entry);
  }

  /** Replaces an entry, or a member of a batch, at its position. */
  change(entry: Entry): void {
    const batch = this.findBatch(entry.id);
    if (batch === undefined) return this.set(entry);
    const members = batch.members?.map((member) => member.id === entry.id ? entry : member);
    this.set({ ...batch, members });
  }

  /** Inserts an entry before all entries with a later time. */
  insert(entry: Entry): void {
    const later = [...this.#entries.values()].filter(({ time }) => time > entry.time);
    if (later.length > 0) this.#index = undefined;
    for (const { id } of later) this.#entries.delete(id);
    for (const each of [entry, ...later]) this.set(each);
  }

  /**
   * Creates a batch. Ignores ids of entries that cannot be in the batch, for example because they
   * were removed or have another destination. Does not create an empty batch.
   *
   * @param bytes the length of the batch's line in the journal
   * @returns true if a batch was created
   */
  addBatch(record: NewBatch, bytes: number): boolean {
    const { id, channel, destination, style, file, files } = record;
    const members = [...new Set(record.members)].map((member) => this.#entries.get(member))
      .filter((entry) => entry !== undefined)
      .filter((entry) => canBeBatched(entry) && entry.channel === channel && entry.destination === destination)
      // The wait is over, because only entries that are due are put into a batch.
      .map((entry): Entry => ({ ...entry, wait: undefined }));
    if (members.length === 0 || this.find(id) !== undefined) return false;
    const forced = members.every((member) => member.forced) ? true : undefined;
    const attempts = members.reduce((most, member) => Math.max(most, member.attempts), 0);
    const batch = withMembers(
      {
        ...{ id, time: 0, channel, destination, notification: undefined, expires: 0, bytes, attempts, forced },
        ...{ style, file, files },
      },
      members,
    );
    const memberIds = new Set(members.map((member) => member.id));
    this.#rebuild((entry) => [memberIds.has(entry.id) ? batch : entry]);
    for (const member of members) this.#batchIds.set(member.id, id);
    return true;
  }

  /**
   * Removes an entry, a batch with all of its members, or one member of a batch. If the last member
   * of a batch is removed, the batch is removed.
   *
   * @returns all entries that were removed
   */
  remove(id: string): Entry[] {
    const batch = this.findBatch(id);
    if (batch !== undefined) return this.#removeMember(batch, id);
    const entry = this.#entries.get(id);
    if (entry === undefined) return [];
    this.#delete(entry);
    if (entry.members === undefined) return [entry];
    for (const member of entry.members) this.#batchIds.delete(member.id);
    return [entry, ...entry.members];
  }

  /**
   * Moves a member out of its batch, to the position before the batch.
   *
   * @returns the batch if it was removed because it has no more members; otherwise undefined
   */
  takeOutOfBatch(member: Entry): Entry | undefined {
    const batch = this.findBatch(member.id);
    if (batch === undefined) return undefined;
    this.#replace(batch.id, [member, batch]);
    return this.#removeMember(batch, member.id).find((removed) => removed.id === batch.id);
  }

  /**
   * Makes an entry due now. If the entry is a batch or a member of a batch, the batch and all of
   * its members become due.
   */
  retry(entry: Entry, expires: number): void {
    const retried = (one: Entry): Entry => ({ ...one, expires, dead: undefined, wait: undefined, forced: true });
    const batch = this.findBatch(entry.id) ?? (entry.members ? entry : undefined);
    if (batch?.members === undefined) return this.set(retried(entry));
    const members = batch.members.map((member) => entry === batch || member.id === entry.id ? retried(member) : member);
    this.set(withMembers(retried(batch), members));
  }

  /** Replaces a batch with entries. */
  dissolve(batch: Entry, entries: readonly Entry[]): void {
    for (const { id } of batch.members ?? []) this.#batchIds.delete(id);
    this.#replace(batch.id, entries);
  }

  #removeMember(batch: Entry, id: string): Entry[] {
    const members = batch.members ?? [];
    const left = members.filter((member) => member.id !== id);
    this.#batchIds.delete(id);
    if (left.length > 0) this.set(withMembers(batch, left));
    else this.#delete(batch);
    return [...members.filter((member) => member.id === id), ...(left.length > 0 ? [] : [batch])];
  }

  #delete(entry: Entry): void {
    this.#entries.delete(entry.id);
    this.#index?.remove(entry);
  }

  #replace(id: string, entries: readonly Entry[]): void {
    this.#rebuild((entry) => entry.id === id ? entries : [entry]);
  }

  #rebuild(replace: (entry: Entry) => readonly Entry[]): void {
    this.#entries = new Map([...this.#entries.values()].flatMap(replace).map((entry) => [entry.id, entry]));
    this.#index = undefined;
  }
}

/**
 * Returns a batch with new members. The batch gets the time of its oldest member and the latest
 * expiry time of its members.
 */
function withMembers(batch: Entry, members: readonly Entry[]): Entry {
  const time = members.reduce((oldest, member) => Math.min(oldest, member.time), Infinity);
  const expires = members.reduce((latest, member) => Math.max(latest, member.expires), 0);
  return { ...batch, members, time, expires };
}
