/**
 * The entries in the order of arrival. Some hang below a digest, which stands in the line for all of them, where the first of them stood.
 *
 * ```text
 * a b c d e  -> gather b c d ->  a D(b c d) e  -> c leaves, or is buried ->  a c† D(b d) e  -> dissolve D ->  a c† b d e
 * ```
 *
 * @module
 */

import { EntryMap } from "./entry_map.ts";
import type { Entry } from "./entry.ts";

/** What a digest is made of. */
type BatchShape = Pick<Entry, "id" | "time" | "channel" | "destination"> & { readonly members: readonly string[] };

/** Live and dead entries. */
export class OrderedEntries {
  #entries = new EntryMap();
  /** Which digest an entry hangs below, by their ids. */
  readonly #below = new Map<string, string>();

  /** Those in the line, digests among them, without what hangs below. */
  values(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** One that stands in the line. */
  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The digest that an entry hangs below. */
  batchOf(id: string): Entry | undefined {
    const digest = this.#below.get(id);
    return digest === undefined ? undefined : this.#entries.get(digest);
  }

  /** One entry, wherever it is. */
  find(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.batchOf(id)?.members?.find((member) => member.id === id);
  }

  /** Puts an entry where it stood, or at the end. */
  set(entry: Entry): void {
    this.#entries.set(entry);
  }

  /** Changes an entry wherever it is, also below a digest. */
  change(entry: Entry): void {
    const digest = this.batchOf(entry.id);
    if (digest === undefined) return this.set(entry);
    const members = digest.members?.map((member) => member.id === entry.id ? entry : member);
    this.set({ ...digest, members });
  }

  /** Puts an entry before all that came in later. */
  insert(entry: Entry): void {
    const later = [...this.#entries.values()].filter(({ time }) => time > entry.time);
    for (const { id } of later) this.#entries.delete(id);
    for (const each of [entry, ...later]) this.set(each);
  }

  /**
   * Has a digest stand for those of its members that wait in its lane; nothing happens when none does.
   *
   * @param bytes the length of its line in the journal
   * @returns whether there is such a digest now
   */
  addBatch(record: BatchShape, bytes: number): boolean {
    const { id, channel, destination } = record;
    const members = [...new Set(record.members)].map((member) => this.#entries.get(member))
      .filter((entry) => entry !== undefined)
      .filter((entry) => canBeBatched(entry) && entry.channel === channel && entry.destination === destination)
      // What it waited for is over, or nobody would gather it.
      .map((entry): Entry => ({ ...entry, wait: undefined }));
    if (members.length === 0 || this.find(id) !== undefined) return false;
    const forced = members.every((member) => member.forced) ? true : undefined;
    const digest = summed(
      { id, time: 0, channel, destination, notification: undefined, expires: 0, bytes, attempts: 0, forced },
      members,
    );
    const gathered = new Set(members.map((member) => member.id));
    this.#entries = new EntryMap(this.#entries.values().map((entry) => gathered.has(entry.id) ? digest : entry));
    for (const member of members) this.#below.set(member.id, id);
    return true;
  }

  /**
   * Takes an entry out of the line, a digest with all of its members, or a member out of its digest, which goes with the last of them.
   *
   * @returns all that are gone
   */
  remove(id: string): Entry[] {
    const digest = this.batchOf(id);
    if (digest !== undefined) return this.#leave(digest, id);
    const entry = this.#entries.get(id);
    if (entry === undefined) return [];
    this.#entries.delete(id);
    for (const member of entry.members ?? []) this.#below.delete(member.id);
    return [entry, ...entry.members ?? []];
  }

  /**
   * Has a member stand in the line again, before its digest.
   *
   * @returns its digest, when it was the last member and the digest is gone
   */
  bringBack(member: Entry): Entry | undefined {
    const digest = this.batchOf(member.id);
    if (digest === undefined) return undefined;
    this.#replace(digest.id, [member, digest]);
    return this.#leave(digest, member.id).find((gone) => gone.id === digest.id);
  }

  /** Somebody asks for an entry, or for a digest with all of its members. Who asks for a member asks for its digest. */
  revive(entry: Entry, expires: number): void {
    const asked = (one: Entry): Entry => ({ ...one, expires, dead: undefined, wait: undefined, forced: true });
    const digest = this.batchOf(entry.id) ?? (entry.members ? entry : undefined);
    if (digest?.members === undefined) return this.set(asked(entry));
    const members = digest.members.map((member) => entry === digest || member.id === entry.id ? asked(member) : member);
    this.set(summed(asked(digest), members));
  }

  /** Puts other entries in the place of a digest. */
  dissolve(digest: Entry, entries: readonly Entry[]): void {
    for (const { id } of digest.members ?? []) this.#below.delete(id);
    this.#replace(digest.id, entries);
  }

  #leave(digest: Entry, id: string): Entry[] {
    const members = digest.members ?? [];
    const left = members.filter((member) => member.id !== id);
    this.#below.delete(id);
    if (left.length > 0) this.set(summed(digest, left));
    else this.#entries.delete(digest.id);
    return [...members.filter((member) => member.id === id), ...(left.length > 0 ? [] : [digest])];
  }

  #replace(id: string, entries: readonly Entry[]): void {
    this.#entries = new EntryMap(this.#entries.values().flatMap((entry) => entry.id === id ? entries : [entry]));
  }
}

/** Whether an entry may still be delivered in another form: nothing of it can have arrived, and it has no files, which no digest carries. */
export function canBeBatched(
  { dead, inFlight, inDoubt, members, noBatch, files }: Pick<
    Entry,
    "dead" | "inFlight" | "inDoubt" | "members" | "noBatch" | "files"
  >,
): boolean {
  return dead === undefined && inFlight === undefined && inDoubt === undefined && members === undefined &&
    noBatch === undefined && files === undefined;
}

/** A digest is as old as the oldest of its members, and worth delivering as long as one of them is. */
function summed(digest: Entry, members: readonly Entry[]): Entry {
  const time = members.reduce((oldest, member) => Math.min(oldest, member.time), Infinity);
  const expires = members.reduce((latest, member) => Math.max(latest, member.expires), 0);
  return { ...digest, members, time, expires };
}
