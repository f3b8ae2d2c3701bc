/** A Matrix homeserver inside the test's own process. */

import { Accounts } from "./accounts.ts";
import { Delegation } from "./delegation.ts";
import { Logins } from "./logins.ts";
import { MediaRepository, type UploadedMedia } from "./media.ts";
import { HOMESERVER_FAULTS, type HomeserverFaultName } from "./homeserver_faults.ts";
import { handle, route } from "./homeserver_handler.ts";
import type { HomeserverRouteName } from "./homeserver_routes.ts";
import type {
  HomeserverOptions,
  HomeserverSoftware,
  LoopbackUser,
  RoomEvent,
  RoomOptions,
  TransactionScope,
  UpgradeOptions,
} from "./homeserver_types.ts";
import { RateLimiter } from "./rate_limit.ts";
import { Rooms } from "./rooms.ts";
import { upgrade } from "./room_upgrade.ts";
import { LoopbackServer } from "./server.ts";
import { Transactions } from "./transactions.ts";
import type { World } from "./world.ts";

const SCOPES: Readonly<Record<HomeserverSoftware, TransactionScope>> = {
  Synapse: "device",
  Dendrite: "token",
  Conduit: "global",
};

/**
 * A homeserver on 127.0.0.1, as strict as the Client-Server API about methods, paths, headers and bodies, with the habits of Synapse,
 * Dendrite or Conduit where these differ. It keeps users and rooms in memory. It has no federation and no encryption.
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
  readonly #world: World;
  readonly #deviceIds = (function* () {
    for (let number = 1;; number++) yield `LOOPBACK${number}`;
  })();

  private constructor(world: World, options: HomeserverOptions) {
    super({ faults: HOMESERVER_FAULTS, defaultRoute: "send", route, handle: (call) => handle(world, call) }, options);
    this.#world = world;
  }

  /**
   * Starts a homeserver without users and rooms. Faults apply to the sending of events unless they say otherwise.
   *
   * @throws {Deno.errors.AddrInUse} when the wanted port is taken
   */
  static start(options: HomeserverOptions = {}): Promise<LoopbackHomeserver> {
    const { software = "Synapse", serverName = "loopback.test", now = Date.now, authorizationServer } = options;
    const delegation = authorizationServer && new Delegation(authorizationServer, serverName, now);
    const transactions = new Transactions(options.transactions ?? SCOPES[software], now);
    const world: World = {
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
    return Promise.try(() => new LoopbackHomeserver(world, options));
  }

  /**
   * Adds a user who is logged in on one device.
   *
   * @param localpart the user id between `@` and the colon
   * @param deviceId the device; by default one that nobody has yet
   * @throws {Error} when there is such a user
   */
  addUser(localpart: string, deviceId: string = this.#deviceIds.next().value ?? ""): LoopbackUser {
    const userId = `@${localpart}:${this.#world.serverName}`;
    const password = `password-of-${localpart}`;
    this.#world.accounts.addUser(userId, password);
    return { userId, deviceId, password, accessToken: this.addToken(userId, { deviceId }) };
  }

  /**
   * Makes a further access token for a user. With the device id of an older token it is what a new login on that device gives, and
   * Dendrite ends the older token by it. Without a device id it is what Synapse's administrators get: a token without device.
   *
   * @throws {Error} when there is no such user
   */
  addToken(userId: string, options: { readonly deviceId?: string } = {}): string {
    return this.#world.accounts.addToken(userId, { deviceId: options.deviceId });
  }

  /**
   * Ends an access token: its requests are answered with 401 `M_UNKNOWN_TOKEN` from now on.
   *
   * @param options with `softLogout` the token has expired and its device lives on; without, which is the default, it is a logout: the
   * device is deleted with its last token, and Synapse's memory of its transactions does not outlive the next restart
   * @throws {Error} when the server never gave out such a token
   */
  revoke(accessToken: string, options: { readonly softLogout?: boolean } = {}): void {
    const gone = this.#world.accounts.revoke(accessToken, options.softLogout ?? false);
    if (gone !== undefined) this.#world.transactions.forgetDevice(gone);
  }

  /**
   * Lets whoever opens the address of a single sign-on be this user from now on, as a browser that is signed in at the identity provider. `GET login` then
   * offers `m.login.sso` and `m.login.token`.
   */
  allowSso(userId: string): void {
    this.#world.logins.ssoUser = userId;
  }

  /** The device ids of a user, in the order in which they came into being. */
  devices(userId: string): readonly string[] {
    return this.#world.accounts.devices(userId).map(({ device_id }) => device_id);
  }

  /**
   * Creates a room.
   *
   * @returns the room id
   * @throws {Error} when it has no members, or when its id or alias is taken
   */
  createRoom(options: RoomOptions): string {
    return this.#world.rooms.create(options).roomId;
  }

  /**
   * Throws a user out of a room.
   *
   * @throws {Error} when there is no such room
   */
  removeMember(roomId: string, userId: string): void {
    this.#world.rooms.leave(this.#room(roomId), userId);
  }

  /**
   * Invites a user into a room, in its creator's name.
   *
   * @throws {Error} when there is no such room
   */
  invite(roomId: string, userId: string): void {
    const room = this.#room(roomId);
    this.#world.rooms.invite(room, userId, { sender: room.creator });
  }

  /**
   * Makes an alias point at a room, whatever it pointed at before.
   *
   * @throws {Error} when there is no such room
   */
  moveAlias(alias: string, roomId: string): void {
    this.#world.rooms.name(this.#room(roomId), alias);
  }

  /**
   * Bans a user from a room.
   *
   * @throws {Error} when there is no such room
   */
  ban(roomId: string, userId: string): void {
    this.#world.rooms.ban(this.#room(roomId), userId);
  }

  /**
   * Replaces a room by a new one, as `POST /rooms/{roomId}/upgrade` does: its name, its alias and its power levels go over, its members do not. Whoever
   * has no power cannot send to the old one any more.
   *
   * @param options who does it, by default the room's creator, and who may join the new one; by default nobody
   * @returns the room id of the new one
   * @throws {Error} when there is no such room
   */
  upgradeRoom(roomId: string, options: UpgradeOptions = {}): string {
    return upgrade(this.#world.rooms, this.#room(roomId), options).roomId;
  }

  /**
   * Forgets what clients sent to a room, as a retention policy has it; its state stays.
   *
   * @throws {Error} when there is no such room
   */
  purge(roomId: string): void {
    this.#world.rooms.purge(this.#room(roomId));
  }

  /**
   * Sets a state event, as a member with enough power could.
   *
   * @throws {Error} when there is no such room
   */
  setState(roomId: string, type: string, content: Readonly<Record<string, unknown>>): void {
    const room = this.#room(roomId);
    this.#world.rooms.append(room, { type, sender: room.creator, content, state_key: "" });
  }

  /**
   * The rooms that there are, in the order of their making.
   *
   * @returns their room ids
   */
  roomIds(): readonly string[] {
    return this.#world.rooms.ids();
  }

  /**
   * Who is in a room, and who may come in.
   *
   * @returns user ids
   * @throws {Error} when there is no such room
   */
  members(roomId: string): { readonly joined: readonly string[]; readonly invited: readonly string[] } {
    const { members, invited } = this.#room(roomId);
    return { joined: [...members], invited: [...invited] };
  }

  /**
   * What clients sent to a room, as its members see it, in order. The events that make the room's state are not among them.
   *
   * @throws {Error} when there is no such room
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

  /** Every file that was uploaded, in order, whether or not an event shows it. */
  uploads(): readonly UploadedMedia[] {
    return this.#world.media.uploads;
  }

  /**
   * Stops if need be and starts on the same port, with the same users and rooms. Faults stay in force.
   *
   * @param options whether transaction ids are `kept` or `lost` in between. By default as the software has it: Synapse keeps those of
   * tokens with a device, Conduit keeps all, Dendrite keeps none
   */
  override async restart(options: { readonly memory?: "kept" | "lost" } = {}): Promise<void> {
    await this.stop();
    if (options.memory === undefined) this.#world.transactions.restart();
    if (options.memory === "lost") this.#world.transactions.forgetAll();
    await super.restart();
  }

  #room(roomId: string): ReturnType<Rooms["create"]> {
    const room = this.#world.rooms.get(roomId);
    if (room === undefined) throw new Error(`Cannot look into the room ${roomId}: there is no such room`);
    return room;
  }
}
