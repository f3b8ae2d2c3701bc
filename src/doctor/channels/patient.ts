/** What all that is looked at of one Matrix channel knows together: each question is asked once. */

import { requireAccount } from "../../accounts/session.ts";
import type { Account } from "../../accounts/account.ts";
import { readKnownRoom, roomKey } from "../../channels/matrix/cached_room.ts";
import { clientField } from "../../channels/matrix/client.ts";
import { withConnection } from "../../config/connection.ts";
import type { ChannelSource } from "../../config/load.ts";
import { exchange, type HttpAnswer } from "../../runtime/http.ts";
import { findDirectRooms, readDirectChats, type Whoami, whoami } from "../../matrix/account.ts";
import { parseRoom } from "../../matrix/ids.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { joinedRooms, resolveAlias } from "../../matrix/rooms.ts";
import { readServerSoftware } from "../../matrix/discovery.ts";
import { RoomCacheFile } from "../../channels/room_cache_file.ts";
import { USER_AGENT } from "../../base/version.ts";
import { type DoctorContext, limitsOf, stateDirOf } from "../context.ts";
import { once } from "../once.ts";

/** A Matrix channel that is looked at. */
export class MatrixPatient {
  readonly source: ChannelSource;
  readonly context: DoctorContext;
  readonly client: MatrixClient;
  /** The account that the configuration names; undefined where it holds a token. */
  readonly user: string | undefined;
  /** Where the channel delivers. */
  readonly rooms: readonly RoomPatient[];
  /** Whom it calls when something is critical. */
  readonly mentions: readonly string[];
  readonly inDoubt: string;
  /** The server's answer to the question for its versions. @throws what an exchange throws */
  readonly versions: () => Promise<HttpAnswer>;
  /** Whom the token speaks for. @throws what a request throws */
  readonly whoami: () => Promise<Whoami>;
  /** The rooms that the account is in. @throws what a request throws */
  readonly joined: () => Promise<readonly string[]>;
  /** What the server is. @throws what a request throws */
  readonly software: () => Promise<string | undefined>;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const { fields } = source;
    const runtime = withConnection(context.runtime, source.connection());
    const client = clientField(fields, source.context)(runtime);
    const limits = limitsOf(context);
    this.source = source;
    this.context = context;
    this.client = client;
    this.user = fields.text("user");
    const rooms = fields.texts("room");
    if (rooms.length === 0) fields.requiredText("room");
    this.rooms = rooms.map((room) => new RoomPatient(room, this));
    this.mentions = fields.texts("mentions");
    this.inDoubt = fields.text("inDoubt") ?? "send";
    this.versions = once(() =>
      exchange(runtime, {
        method: "GET",
        url: `${client.baseUrl}/_matrix/client/versions`,
        headers: { "User-Agent": USER_AGENT },
        ...limits,
      })
    );
    this.whoami = once(() => whoami(client, limits));
    this.joined = once(() => joinedRooms(client, limits));
    this.software = once(() => readServerSoftware(client, limits));
  }

  /**
   * The account as it is kept; undefined where the configuration holds a token.
   *
   * @throws {ConfigError} when nobody is logged in
   */
  account(): Account | undefined {
    return this.user === undefined ? undefined : requireAccount(stateDirOf(this.context), this.user);
  }
}

/** A room of such a channel. */
export class RoomPatient {
  /** As the configuration has it. */
  readonly name: string;
  readonly channel: MatrixPatient;
  /** The room behind what the configuration says; undefined for a chat that nobody has made yet. @throws what a request throws */
  readonly roomId: () => Promise<string | undefined>;

  constructor(name: string, channel: MatrixPatient) {
    this.name = name;
    this.channel = channel;
    this.roomId = once(() => this.#find());
  }

  /** As a delivery finds it, but that no room is made, and none is entered. */
  async #find(): Promise<string | undefined> {
    const { source, context, client } = this.channel;
    const memory = new RoomCacheFile(stateDirOf(context), context.runtime);
    const known = readKnownRoom(memory.get(roomKey(source.name, this.name)));
    const reference = parseRoom(this.name);
    const limits = limitsOf(context);
    if (reference?.kind === "alias") return await resolveAlias(client, reference.alias, limits);
    if (known !== undefined) return known.roomId;
    if (reference?.kind !== "user") return this.name;
    const { userId } = await this.channel.whoami();
    return findDirectRooms(await readDirectChats(client, { userId, ...limits }), reference.userId).at(-1);
  }
}
