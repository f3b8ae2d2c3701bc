/** A loopback Matrix homeserver. */

import { Accounts, Delegation, Logins } from "./accounts.ts";
import { HOMESERVER_FAULTS, type HomeserverFaultName } from "./homeserver_faults.ts";
import { handle, type HomeserverRouteName, route } from "./homeserver_routes.ts";
import type { HomeserverState } from "./homeserver_state.ts";
import type {
  HomeserverOptions,
  HomeserverSoftware,
  LoopbackUser,
  RoomEvent,
  RoomOptions,
  TransactionScope,
  UpgradeOptions,
} from "./homeserver_types.ts";
import { MediaRepository, type UploadedMedia } from "./media.ts";
import { RateLimiter } from "./rate_limit.ts";
import { Rooms, upgradeRoom } from "./rooms.ts";
import { LoopbackServer } from "./server.ts";
import { Transactions } from "./transactions.ts";

const SCOPES: Readonly<Record<HomeserverSoftware, TransactionScope>> = {
  Synapse: "device",
  Dendrite: "token",
  Conduit: "global",
};

/**
 * A homeserver on 127.0.0.1. It checks methods, paths, headers and bodies as strictly as the
 * Client-Server API requires. Synapse, Dendrite and Conduit differ in some points. The option
 * `software` selects which of them the server simulates. Users and rooms are in memory. The server
 * does not support federation or encryption.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LoopbackHomeserver } from "./mod.ts";
 *
 * await using homeserver = await LoopbackHomeserver.start();
 * const alice = homeserver.addUser("alice");
 * const roomId = homeserver.createRoom({ members: [alice.userId] });
 * homeserver.fault("502-after-persisting", { times: 1 });
 * const answer = await fetch(`${homeserver.url}/_matrix/client/v3/rooms/${roomId}/send/m.room.message/1`, {
 *   method: "PUT",
 *   headers: { authorization: `Bearer ${alice.accessToken}` },
 *   body: JSON.stringify({ msgtype: "m.text", body: "It is late" }),
 * });
 * await answer.body?.cancel();
 * assertEquals(answer.status, 502);
 * assertEquals(homeserver.events(roomId).map(({ content }) => content.body), ["It is late"]);
 * ```
 */
export class LoopbackHomeserver extends LoopbackServer<HomeserverFaultName, HomeserverRouteName> {
  readonly #state: HomeserverState;
  readonly #deviceIds = (function* () {
    for (let number = 1;; number++) yield `LOOPBACK${number}`;
  })();

  private constructor(state: HomeserverState, options: HomeserverOptions) {
    super({ faults: HOMESERVER_FAULTS, defaultRoute: "send", route, handle: (call) => handle(state, call) }, options);
    this.#state = state;
  }

  /**
   * Starts a homeserver without users and rooms. By default, faults (simulated errors) apply to
   * requests that send events.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: HomeserverOptions = {}): Promise<LoopbackHomeserver> {
    const { software = "Synapse", serverName = "loopback.test", now = Date.now, authorizationServer } = options;
    const delegation = authorizationServer && new Delegation(authorizationServer, serverName, now);
    const transactions = new Transactions(options.transactions ?? SCOPES[software], now);
    const state: HomeserverState = {
      software,
      serverName,
      now,
      accounts: new Accounts(software, now, delegation),
      delegation,
      logins: new Logins(now, options),
      rooms: new Rooms(now),
      media: new MediaRepository(options.maxUploadBytes),
      transactions,
      accountData: new Map(),
      displayNames: new Map(),
      firstSyncs: new Map(),
      limiter: new RateLimiter(options.rateLimit, now),
    };
    return Promise.try(() => new LoopbackHomeserver(state, options));
  }

  /**
   * Adds a user who is logged in on one device.
   *
   * @param localpart the part of the user id between `@` and the colon
   * @param deviceId the device id; by default, a new id
   * @throws {Error} if the user already exists
   */
  addUser(localpart: string, deviceId: string = this.#deviceIds.next().value ?? ""): LoopbackUser {
    const userId = `@${localpart}:${this.#state.serverName}`;
    const password = `password-of-${localpart}`;
    this.#state.accounts.addUser(userId, password);
    return { userId, deviceId, password, accessToken: this.addToken(userId, { deviceId }) };
  }

  /**
   * Creates another access token for a user. If the device already has a token, this method
   * simulates a new login on the device. Dendrite then revokes the older token. If `deviceId` is
   * missing, the token belongs to no device, like a token that an administrator of Synapse created.
   *
   * @throws {Error} if the user does not exist
   */
  addToken(userId: string, options: { readonly deviceId?: string } = {}): string {
    return this.#state.accounts.addToken(userId, { deviceId: options.deviceId });
  }

  /**
   * Revokes an access token. All later requests with this token get status 401 and
   * `M_UNKNOWN_TOKEN`.
   *
   * @param options with `softLogout`, the token expires, but its device still exists. Without
   * `softLogout`, this method simulates a logout, and removes the device if it has no other token.
   * After a device is removed, Synapse loses the device's transaction ids at the next restart
   * @throws {Error} if the token is unknown
   */
  revoke(accessToken: string, options: { readonly softLogout?: boolean } = {}): void {
    const removed = this.#state.accounts.revoke(accessToken, options.softLogout ?? false);
    if (removed !== undefined) this.#state.transactions.removeDevice(removed);
  }

  /**
   * Enables single sign-on. A browser that opens the URL of single sign-on logs in as this user.
   * `GET login` also lists `m.login.sso` and `m.login.token`.
   */
  allowSso(userId: string): void {
    this.#state.logins.ssoUser = userId;
  }

  /** Lists the device ids of a user, oldest first. */
  devices(userId: string): readonly string[] {
    return this.#state.accounts.devices(userId).map(({ device_id }) => device_id);
  }

  /**
   * Creates a room.
   *
   * @returns the room id
   * @throws {Error} if `members` is empty, or if the room id or the alias already exists
   */
  createRoom(options: RoomOptions): string {
    return this.#state.rooms.create(options).roomId;
  }

  /**
   * Removes a user from a room.
   *
   * @throws {Error} if the room does not exist
   */
  removeMember(roomId: string, userId: string): void {
    this.#state.rooms.leave(this.#room(roomId), userId);
  }

  /**
   * Invites a user to a room. The invite comes from the creator of the room.
   *
   * @throws {Error} if the room does not exist
   */
  invite(roomId: string, userId: string): void {
    const room = this.#room(roomId);
    this.#state.rooms.invite(room, userId, { sender: room.creator });
  }

  /**
   * Makes an alias point to a room.
   *
   * @throws {Error} if the room does not exist
   */
  moveAlias(alias: string, roomId: string): void {
    this.#state.rooms.setAlias(this.#room(roomId), alias);
  }

  /**
   * Bans a user from a room.
   *
   * @throws {Error} if the room does not exist
   */
  ban(roomId: string, userId: string): void {
    this.#state.rooms.ban(this.#room(roomId), userId);
  }

  /**
   * Replaces a room with a new room, as `POST /rooms/{roomId}/upgrade` does. The new room gets the
   * name, the alias and the power levels of the old room, but not its members. After the
   * upgrade, users with a low power level cannot send to the old room.
   *
   * @returns the room id of the new room
   * @throws {Error} if the room does not exist
   */
  upgradeRoom(roomId: string, options: UpgradeOptions = {}): string {
    return upgradeRoom(this.#state.rooms, this.#room(roomId), options).roomId;
  }

  /**
   * Deletes all messages of a room, as a retention policy would. Does not delete the state events
   * of the room.
   *
   * @throws {Error} if the room does not exist
   */
  purge(roomId: string): void {
    this.#state.rooms.purge(this.#room(roomId));
  }

  /**
   * Sends a state event to a room. The sender is the creator of the room.
   *
   * @throws {Error} if the room does not exist
   */
  setState(roomId: string, type: string, content: Readonly<Record<string, unknown>>): void {
    const room = this.#room(roomId);
    this.#state.rooms.append(room, { type, sender: room.creator, content, state_key: "" });
  }

  /**
   * Lists all rooms, oldest first.
   *
   * @returns their room ids
   */
  roomIds(): readonly string[] {
    return this.#state.rooms.ids();
  }

  /**
   * Lists the members and the invited users of a room.
   *
   * @returns user ids
   * @throws {Error} if the room does not exist
   */
  members(roomId: string): { readonly joined: readonly string[]; readonly invited: readonly string[] } {
    const { members, invited } = this.#room(roomId);
    return { joined: [...members], invited: [...invited] };
  }

  /**
   * Lists the messages of a room in order, without state events.
   *
   * @throws {Error} if the room does not exist
   */
  events(roomId: string): readonly RoomEvent[] {
    return this.#room(roomId).timeline
      .filter(({ state_key }) => state_key === undefined)
      .map(({ event_id, sender, origin_server_ts, type, content }) => ({
        event_id,
        sender,
        origin_server_ts,
        type,
        content,
      }));
  }

  /** Returns all uploaded files, in order. */
  uploads(): readonly UploadedMedia[] {
    return this.#state.media.uploads;
  }

  /**
   * Stops the server, and starts it again on the same port. The users and rooms still exist. Faults
   * stay active.
   *
   * @param options with `memory: "kept"`, the server keeps all transaction ids; with `memory:
   * "lost"`, the server loses all transaction ids. The default depends on the software: Synapse
   * keeps the ids of tokens with a device, Conduit keeps all ids, and Dendrite loses all ids
   */
  override async restart(options: { readonly memory?: "kept" | "lost" } = {}): Promise<void> {
    await this.stop();
    if (options.memory === undefined) this.#state.transactions.restart();
    if (options.memory === "lost") this.#state.transactions.clear();
    await super.restart();
  }

  #room(roomId: string): ReturnType<Rooms["create"]> {
    const room = this.#state.rooms.get(roomId);
    if (room === undefined) throw new Error(`Cannot find the room ${roomId}: it does not exist`);
    return room;
  }
}
