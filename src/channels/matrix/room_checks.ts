/**
 * The checks of the rooms of a Matrix channel: membership, permissions, mentions, encryption and
 * replacement.
 */

import { findDirectRooms, readDirectChats, userExists, type Whoami } from "../../matrix/account.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { parseRoom, ROOM_MENTION } from "../../matrix/ids.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import {
  type PowerState,
  powerToMentionRoom,
  powerToSend,
  readMembership,
  readReplacement,
  readRoomName,
  readState,
  userPower,
} from "../../matrix/room_state.ts";
import { resolveAlias } from "../../matrix/rooms.ts";
import { syncRooms } from "../../matrix/sync.ts";
import { type Check, type CheckContext, failure, type Found, ok, once, skipped, warning } from "../check.ts";
import { formatDestination, RoomCacheFile } from "../room_cache.ts";
import { ENCRYPTED_HINT, isEncrypted } from "./encryption.ts";
import { readKnownRoom, roomKey } from "./room_resolver.ts";
import type { MatrixSettings } from "./settings.ts";

/** A Matrix channel, with the requests that several checks share. */
export interface MatrixProbe {
  readonly context: CheckContext;
  readonly client: MatrixClient;
  /** Returns the owner of the token. */
  readonly whoami: () => Promise<Whoami>;
  /** Returns the rooms that the account has joined. */
  readonly joined: () => Promise<readonly string[]>;
}

/**
 * Creates the checks of all rooms. If there are several rooms, the name of each check contains its
 * room.
 */
export function createRoomChecks(probe: MatrixProbe, settings: MatrixSettings): readonly Check[] {
  const rooms = settings.room;
  return rooms.flatMap((room) => {
    const checks = new RoomProbe(probe, room).checks(settings);
    if (rooms.length === 1) return checks;
    const names = new Set(checks.map(({ name }) => name));
    const withRoom = (name: string) => names.has(name) ? `${name} ${room}` : name;
    return checks.map((check) => ({ ...check, name: withRoom(check.name), needs: check.needs?.map(withRoom) }));
  });
}

/** One room of a channel. */
class RoomProbe {
  readonly #probe: MatrixProbe;
  /** The room as it is written in the configuration. */
  readonly #name: string;
  /** Returns the room id; undefined for a direct chat that does not exist yet. */
  readonly #roomId: () => Promise<string | undefined>;

  constructor(probe: MatrixProbe, name: string) {
    this.#probe = probe;
    this.#name = name;
    this.#roomId = once(() => this.#findRoomId());
  }

  /** Creates the checks `room`, `person`, `power`, `mentions`, `encryption` and `replacement`. */
  checks({ mentions, encryptedRooms }: MatrixSettings): Check[] {
    const inside = (name: string, look: (roomId: string) => Promise<Found>): Check => ({
      name,
      needs: ["room"],
      look: () => this.#lookInside(look),
    });
    return [
      { name: "room", needs: ["account"], look: () => this.#lookForRoom() },
      ...parseRoom(this.#name)?.kind === "user"
        ? [{ name: "person", needs: ["account"], look: () => this.#lookForPerson() }]
        : [],
      inside("power", (roomId) => this.#checkPower(roomId)),
      ...mentions.length === 0 ? [] : [{
        name: "mentions",
        needs: ["room"],
        look: () => this.#lookForMentions(mentions),
      }],
      inside("encryption", (roomId) => this.#checkEncryption(roomId, encryptedRooms)),
      inside("replacement", (roomId) => this.#checkReplacement(roomId)),
    ];
  }

  /** Finds the room id without creating or joining a room. */
  async #findRoomId(): Promise<string | undefined> {
    const { context: { channel, runtime, limits, stateDir }, client, whoami } = this.#probe;
    const cache = new RoomCacheFile(stateDir(), runtime);
    const known = readKnownRoom(cache.get(roomKey(channel, this.#name)));
    const reference = parseRoom(this.#name);
    if (reference?.kind === "alias") return await resolveAlias(client, reference.alias, limits);
    if (known !== undefined) return known.roomId;
    if (reference?.kind !== "user") return this.#name;
    const { userId } = await whoami();
    return findDirectRooms(await readDirectChats(client, { userId, ...limits }), reference.userId).at(-1);
  }

  async *#lookForRoom(): AsyncGenerator<Found> {
    const name = this.#name;
    let roomId;
    try {
      roomId = await this.#roomId();
    } catch (error) {
      const isAlias = name.startsWith("#");
      if (!isAlias || !(error instanceof MatrixError) || error.failureClass === "credentials") throw error;
      if (error.failureClass === "rate-limited") throw error;
      yield failure(
        `${
          error.status === 404 ? "there is no room" : "the homeserver cannot find the room"
        } ${name}: ${error.message}`,
        "check the alias, or use the room id: Element shows it in the settings of the room, under Advanced",
      );
      return;
    }
    const { userId } = await this.#probe.whoami();
    const isInside = roomId !== undefined && (await this.#probe.joined()).includes(roomId);
    if (roomId === undefined) yield ok(`there is no chat with ${name} yet: the first message creates the chat`);
    else if (isInside) {
      yield ok(`${userId} is in ${roomId === name ? await this.#describe(roomId) : `${name} (${roomId})`}`);
    } else yield await this.#explainAbsence(roomId, userId);
  }

  /** Checks whether the person of a direct chat exists and is in the chat. */
  async *#lookForPerson(): AsyncGenerator<Found> {
    const { context: { limits }, client } = this.#probe;
    const person = this.#name;
    const roomId = await this.#roomId();
    const isInside = roomId !== undefined && (await this.#probe.joined()).includes(roomId);
    const membership = isInside ? await readMembership(client, { roomId, userId: person, ...limits }) : undefined;
    if (membership === "join") yield ok(`${person} is in the direct chat`);
    else if (await userExists(client, { userId: person, ...limits }) === false) {
      yield failure(`the user ${person} does not exist`, "check the user id");
    } else if (membership === "invite") {
      yield warning(
        `${person} has not accepted the invite to the direct chat yet, and sees no message until then`,
        `ask ${person} to accept the invite`,
      );
    } else if (isInside) {
      yield warning(
        `${person} has left the direct chat and does not see new messages`,
        "remove the file rooms.json in the state directory: the next message invites the person again",
      );
    } else yield ok(`${person} gets an invite with the first message`);
  }

  /** Formats a room with its name: `Alerts (!id)`. */
  async #describe(roomId: string): Promise<string> {
    const { context: { limits }, client } = this.#probe;
    const name = await readRoomName(client, { roomId, ...limits }).catch(() => undefined);
    return formatDestination(roomId, { [roomId]: name });
  }

  async #explainAbsence(roomId: string, userId: string): Promise<Found> {
    const { context: { channel, limits }, client } = this.#probe;
    const name = this.#name;
    const { invites } = await syncRooms(client, limits);
    const join = `matrix-notify join '${name}' --channel ${channel}`;
    if (invites.some((invite) => invite.roomId === roomId)) {
      return warning(
        `${userId} is invited to ${name}, but has not joined yet: the account joins when the first message is sent`,
        `run: ${join}`,
      );
    }
    const membership = await readMembership(client, { roomId, userId, ...limits }).catch((error) => {
      if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) return undefined;
      throw error;
    });
    // The account can be in the room although the list of joined rooms does not contain the room.
    // For example, `serve` of another matrix-notify returns an incomplete list.
    if (membership === "join") return ok(`${userId} is in ${name} (${roomId})`);
    if (membership === "ban") {
      return failure(`${userId} is banned from ${name}`, "lift the ban, and invite the account again");
    }
    const state = membership === "leave" ? "has left or was removed from" : "is not in";
    return failure(
      `${userId} ${state} ${name}`,
      `check the room id, lift a ban if there is one, invite ${userId}, then run: ${join}`,
    );
  }

  /** Runs a check of the room. The check is skipped if the account is not in the room. */
  async *#lookInside(look: (roomId: string) => Promise<Found>): AsyncGenerator<Found> {
    const roomId = await this.#roomId();
    if (roomId === undefined || !(await this.#probe.joined()).includes(roomId)) {
      yield skipped("not checked: the account is not in the room yet");
    } else yield await look(roomId);
  }

  async #checkPower(roomId: string): Promise<Found> {
    const { userId } = await this.#probe.whoami();
    const state = await this.#readPower(roomId);
    const has = userPower(userId, state), needs = powerToSend("m.room.message", state);
    if (has >= needs) return ok(`${userId} can send messages`);
    return failure(
      `${userId} cannot send messages: its power level is ${has}, but sending needs ${needs}`,
      "raise its power level in the settings of the room, or lower the level for sending messages",
    );
  }

  async *#lookForMentions(mentions: readonly string[]): AsyncGenerator<Found> {
    for (const mention of mentions) {
      yield* this.#lookInside((roomId) =>
        mention === ROOM_MENTION ? this.#checkRoomMention(roomId) : this.#checkUserMention(roomId, mention)
      );
    }
  }

  async #checkRoomMention(roomId: string): Promise<Found> {
    const { userId } = await this.#probe.whoami();
    const state = await this.#readPower(roomId);
    const has = userPower(userId, state), needs = powerToMentionRoom(state);
    if (has >= needs) return ok(`${userId} may mention ${ROOM_MENTION}`);
    return warning(
      `${userId} cannot notify ${ROOM_MENTION}: its power level is ${has}, but notifying everyone needs ${needs}`,
      "raise its power level in the settings of the room, lower the level for notifying everyone, or mention users",
    );
  }

  async #checkUserMention(roomId: string, userId: string): Promise<Found> {
    const { context: { limits }, client } = this.#probe;
    if (await readMembership(client, { roomId, userId, ...limits }) === "join") {
      return ok(`${userId} is in the room and can be mentioned`);
    }
    return warning(
      `${userId} is mentioned, but is not in the room`,
      `invite ${userId} to the room, or mention another user`,
    );
  }

  async #checkEncryption(roomId: string, policy: MatrixSettings["encryptedRooms"]): Promise<Found> {
    const { context: { limits }, client } = this.#probe;
    if (!await isEncrypted(client, { roomId, ...limits })) return ok("the room is not encrypted");
    if (policy === "refuse") {
      return failure(
        'the room is encrypted, and its notifications wait, because "encryptedRooms" is "refuse"',
        ENCRYPTED_HINT,
      );
    }
    return warning(
      "the room is encrypted, but matrix-notify sends unencrypted messages: homeservers can read them, and clients show a warning",
      ENCRYPTED_HINT,
    );
  }

  async #checkReplacement(roomId: string): Promise<Found> {
    const { context: { channel, limits }, client, joined } = this.#probe;
    const next = await readReplacement(client, { roomId, ...limits });
    if (next === undefined) return ok("the room was not replaced");
    if ((await joined()).includes(next.roomId)) {
      return ok(`the room was replaced by ${next.roomId}; messages are sent to the new room`);
    }
    const via = next.via.map((server) => ` --via ${server}`).join("");
    return warning(
      `the room was replaced by ${next.roomId}, which the account has not joined: messages are sent to the new room as soon as the account can join it`,
      `run: matrix-notify join '${next.roomId}'${via} --channel ${channel}`,
    );
  }

  async #readPower(roomId: string): Promise<PowerState> {
    const { context: { limits }, client } = this.#probe;
    const read = (type: string) => readState(client, { roomId, type, ...limits });
    return { create: await read("m.room.create"), powerLevels: await read("m.room.power_levels") };
  }
}
