/**
 * Finds out if a room is encrypted. matrix-notify does not encrypt messages. Homeservers accept
 * unencrypted messages in encrypted rooms, so only this check detects an encrypted room.
 *
 * ```text
 * before each message   in the cache -> no request
 *                       otherwise: read the state and the name of the room -> cache
 *   "warn"              send the message, and print a warning once in each process
 *   "refuse"            the lane (one destination of one channel) waits
 * ```
 *
 * The encryption of a room cannot be turned off. So only a room without encryption is checked
 * again, after some hours.
 *
 * @module
 */

import { DestinationError } from "../../base/errors.ts";
import { MatrixError } from "../../matrix/errors.ts";
import type { MatrixClient, RequestOptions } from "../../matrix/request.ts";
import { readRoomName, readState } from "../../matrix/room_state.ts";
import { rememberRoomNames, type RoomCache } from "../room_cache.ts";
import { LOOK_EVERY_MS, MAX_RECALLED } from "./room_resolver.ts";
import type { MatrixSettings } from "./settings.ts";

/**
 * The time limit for reading the state of a room before a message is sent, in milliseconds. If the
 * state cannot be read in this time, the policy `warn` sends the message without a warning.
 */
const LOOK_TIMEOUT_MS = 5_000;

/** How to avoid unencrypted messages in an encrypted room. */
export const ENCRYPTED_HINT = "use a room without encryption: matrix-notify room create NAME --invite @you:example.org";

/** Returns the warning about an encrypted room, for commands that prepare the room. */
export function encryptedRoomWarning(room: string): string {
  return `Room ${room} is encrypted, but matrix-notify sends unencrypted messages: homeservers can read them, and ` +
    `clients show a warning (${ENCRYPTED_HINT})`;
}

/** Returns true if a room has the state event that turns encryption on. */
export async function isEncrypted(
  client: MatrixClient,
  options: RequestOptions & { readonly roomId: string },
): Promise<boolean> {
  return await readState(client, { ...options, type: "m.room.encryption" }) !== undefined;
}

/** Applies the policy of a channel for encrypted rooms. */
export class EncryptionGuard {
  readonly #client: MatrixClient;
  readonly #cache: RoomCache;
  readonly #policy: MatrixSettings["encryptedRooms"];
  /**
   * A copy of the cache in memory, by room id. The value of an encrypted room is true. For any
   * other room, the value is the time of the last check. With this copy, the cache file is not
   * read for each message.
   */
  readonly #known = new Map<string, true | number>();
  /** The rooms about which this process has warned. */
  readonly #warned = new Set<string>();

  constructor(client: MatrixClient, cache: RoomCache, policy: MatrixSettings["encryptedRooms"]) {
    this.#client = client;
    this.#cache = cache;
    this.#policy = policy;
  }

  /**
   * Checks the room of a message that is about to be sent.
   *
   * @returns a warning to print after the message was sent; undefined if the room is not encrypted
   * @throws {DestinationError} if the room is encrypted, and the policy is `refuse`
   * @throws any error of the request that reads the state of the room, if the policy is `refuse`
   */
  async check(roomId: string, destination: string, options: RequestOptions): Promise<string | undefined> {
    if (!await this.#isEncrypted(roomId, destination, options)) return undefined;
    if (this.#policy === "warn") return encryptedRoomWarning(destination);
    throw new DestinationError(`Room ${destination} is encrypted, and "encryptedRooms" is "refuse"`, {
      hint: `${ENCRYPTED_HINT}; or set "encryptedRooms" to "warn"`,
    });
  }

  /**
   * Returns true if this process has not warned about a room yet, and remembers the room. `serve`
   * would otherwise log the warning with each message.
   */
  mayWarn(roomId: string): boolean {
    if (this.#warned.has(roomId)) return false;
    if (this.#warned.size >= MAX_RECALLED) this.#warned.clear();
    this.#warned.add(roomId);
    return true;
  }

  async #isEncrypted(roomId: string, destination: string, { timeoutMs, signal }: RequestOptions): Promise<boolean> {
    const key = `encrypted ${roomId}`;
    const now = this.#client.runtime.now();
    const isRecent = (time: unknown) => typeof time === "number" && time <= now && now - time < LOOK_EVERY_MS;
    const isKnown = (value: unknown): value is true | number => value === true || isRecent(value);
    const recent = this.#known.get(roomId);
    if (isKnown(recent)) return recent === true;
    const known = this.#cache.get(key);
    if (isKnown(known)) {
      if (this.#known.size >= MAX_RECALLED) this.#known.clear();
      this.#known.set(roomId, known);
      return known === true;
    }
    try {
      const limits = { timeoutMs: Math.min(timeoutMs, LOOK_TIMEOUT_MS), signal };
      const found = await isEncrypted(this.#client, { roomId, ...limits });
      await this.#cache.remember(key, found || now);
      if (destination.startsWith("!")) await this.#rememberName(roomId, destination, limits);
      return found;
    } catch (error) {
      signal?.throwIfAborted();
      // Ignore the error if the account is not in the room: then the room also refuses the message.
      const isOutside = error instanceof MatrixError && (error.status === 403 || error.status === 404);
      if (this.#policy === "refuse" && !isOutside) throw error;
      return false;
    }
  }

  /**
   * Stores the name of a room, which commands show beside its id. If the name cannot be read, only
   * the id is shown.
   */
  async #rememberName(roomId: string, destination: string, limits: RequestOptions): Promise<void> {
    const name = await readRoomName(this.#client, { roomId, ...limits }).catch(() => undefined);
    if (name !== undefined) await rememberRoomNames(this.#cache, { [destination]: name });
  }
}
