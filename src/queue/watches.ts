/**
 * The watches of entries. A call that waits for entries watches them, because an entry leaves the
 * queue when it is delivered. The final state of a watched entry is remembered until the last call
 * ends its watch. The watches continue when the journal is read again from its beginning, because
 * the old and the new state of the queue share them.
 *
 * ```text
 * watch(a) ──> the journal is read: a is delivered ──> finalState(a) ──> end of the watch: forget a
 * ```
 *
 * @module
 */

/**
 * The final state of an entry that left the queue or became a dead letter. `cancelled`: the entry
 * is not needed any more. For example, the entry is a fallback, and another channel has already
 * delivered the notification. Or the entry is a file with the whole text of a long notification,
 * and the file was refused.
 */
export type FinalState =
  | { readonly state: "delivered"; readonly receipt: string }
  | { readonly state: "dead"; readonly reason: string }
  | { readonly state: "dropped" }
  | { readonly state: "superseded"; readonly by: string }
  | { readonly state: "cancelled" };

/** An entry that calls wait for. */
interface WatchedEntry {
  /** How many calls watch the entry. */
  watchers: number;
  /** Undefined until the entry has a final state. */
  finalState: FinalState | undefined;
}

/** The entries that calls wait for, and their final states. */
export class Watches {
  readonly #watched = new Map<string, WatchedEntry>();

  /** The number of watched entries. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * Watches entries. Several calls can watch an entry.
   *
   * @param finalState the final state of these entries, if it is already known
   * @returns an object that ends the watch when it is disposed of
   */
  watch(ids: readonly string[], finalState?: FinalState): Disposable {
    for (const id of ids) {
      const known = this.#watched.get(id) ?? { watchers: 0, finalState: undefined };
      known.watchers++;
      known.finalState = finalState ?? known.finalState;
      this.#watched.set(id, known);
    }
    const watch = new DisposableStack();
    watch.defer(() => ids.forEach((id) => this.#unwatch(id)));
    return watch;
  }

  #unwatch(id: string): void {
    const known = this.#watched.get(id);
    if (known !== undefined && --known.watchers === 0) this.#watched.delete(id);
  }

  /** Remembers the final state of an entry, if a call watches the entry. */
  conclude(id: string, finalState: FinalState): void {
    const known = this.#watched.get(id);
    if (known !== undefined) known.finalState = finalState;
  }

  /**
   * Returns the final state of a watched entry. Returns undefined until the entry has a final
   * state.
   */
  finalState(id: string): FinalState | undefined {
    return this.#watched.get(id)?.finalState;
  }
}
