/** How entries ended that somebody watches, while they are watched. */

/** How one ended. `spared`: it was a fallback, and what it stood in for was delivered. */
export type FinalState =
  | { readonly state: "delivered"; readonly receipt: string }
  | { readonly state: "dead"; readonly reason: string }
  | { readonly state: "dropped" }
  | { readonly state: "superseded"; readonly by: string }
  | { readonly state: "cancelled" };

/** The endings by id. */
export class FinalStates {
  readonly #watched = new Map<string, FinalState | undefined>();

  /** From now on remembers how an entry ends; or how it ended, where that is known. */
  watch(id: string, settlement?: FinalState): void {
    this.#watched.set(id, settlement);
  }

  /** Nobody asks any more how these ended. */
  unwatch(ids: Iterable<string>): void {
    for (const id of ids) this.#watched.delete(id);
  }

  /** How a watched entry ended; undefined while it has not. */
  of(id: string): FinalState | undefined {
    return this.#watched.get(id);
  }

  /** An entry ended. */
  conclude(id: string, settlement: FinalState): void {
    if (this.#watched.has(id)) this.#watched.set(id, settlement);
  }

  /** Takes over what others watch and know. */
  take(others: FinalStates): void {
    for (const [id, settlement] of others.#watched) this.watch(id, settlement);
  }
}
