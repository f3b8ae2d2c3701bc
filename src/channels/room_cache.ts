/**
 * What channels find out once and want to know the next time: the room behind an alias, the direct chat with a person. It is no queue: whatever is lost here
 * can be found out again.
 *
 * @module
 */

/** How long to wait for one's turn, and for whom. */
export interface TurnOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A memory that all processes with the same state directory share. */
export interface RoomCache {
  /** What is remembered under a key; undefined for nothing. Whoever asks checks what it is: people can edit the file. */
  get(key: string): unknown;
  /** Remembers a value that is JSON, or forgets with `undefined`. It is on the disk when this resolves, as far as the disk takes it. */
  remember(key: string, value: unknown): Promise<void>;
  /**
   * Runs work while nobody else who shares the memory runs any this way.
   *
   * @throws {Error} when it does not come to one's turn in time
   */
  withLock<Result>(work: () => Promise<Result>, options: TurnOptions): Promise<Result>;
}

/** A memory that ends with its process, for whoever has no state directory. */
export function inMemoryRoomCache(): RoomCache {
  const values = new Map<string, unknown>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    get: (key) => values.get(key),
    remember(key, value) {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
      return Promise.resolve();
    },
    withLock(work) {
      const turn = last.then(work, work);
      last = turn.catch(() => {});
      return turn;
    },
  };
}
