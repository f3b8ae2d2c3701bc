/** Matrix rooms. */

import { BeforeSendingError } from "../errors.ts";
import type { Fields } from "../fields.ts";
import { MatrixError } from "../matrix/errors.ts";
import { type RoomMessageContent, sendEvent } from "../matrix/events.ts";
import { parseRoom } from "../matrix/ids.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { joinRoom } from "../matrix/rooms.ts";
import { byteLength, cutToFit, renderHtml, renderPlain } from "../render.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "./channel.ts";
import type { ConnectionConfig } from "./connection_fields.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "./kind.ts";
import { clientField } from "./matrix_client.ts";
import { clearDoubt, type Cleared, type DoubtPolicy } from "./matrix_doubt.ts";
import { formerRoomsSince } from "./matrix_known_room.ts";
import { RoomFinder } from "./matrix_room.ts";
import { volatileMemory } from "./memory.ts";
import { type RenderedMessage, renderMessage } from "./message.ts";
import { serverFields } from "./server_field.ts";

/**
 * An event is at most 65,536 bytes of canonical JSON with its signatures (Client-Server API, "Size limits"); 4 KiB are left to what the server
 * adds.
 */
export const MAX_CONTENT_BYTES: number = 65_536 - 4096;

/** Refusals that membership, or another room, may mend. Dendrite says M_UNSUPPORTED_ROOM_VERSION for a room that it does not know. */
const REFUSALS: ReadonlySet<string> = new Set(["M_FORBIDDEN", "M_NOT_FOUND", "M_UNSUPPORTED_ROOM_VERSION"]);

/** What is wrong with a text that names no room. */
export const ROOM_PROBLEM =
  "it is neither a room id (!…), nor an alias (#name:example.org), nor a user id (@name:example.org)";

/** Where people find what is right. */
export const ROOM_HINT = "in Element: room settings, Advanced, Internal room ID; in a shell, put it in single quotes";

/** How a Matrix channel is configured. */
export interface MatrixConfig extends ConnectionConfig {
  /** May be left out where the channel is called `matrix`. */
  readonly kind?: "matrix";
  /** `https://matrix.example.org`, without a path. May be left out beside `user`. */
  readonly homeserver?: string;
  /** An account that `matrix-notify login` logged in with: `@bot:example.org`. This, `accessToken` or `accessTokenFile`. */
  readonly user?: string;
  /** A token that does not expire. */
  readonly accessToken?: string;
  /** A file that holds the token and nothing else, and that other users cannot read. */
  readonly accessTokenFile?: string;
  /** A room id (`!…`), an alias (`#name:example.org`), or a user id (`@name:example.org`) for the direct chat with that person. */
  readonly room: string;
  /** Permits plain http to another host. @default {false} */
  readonly insecureHttp?: boolean;
  /**
   * What matters more when an earlier try may have arrived and the server cannot tell yet. `send`: that the message comes in time, with a small risk of two.
   * `wait`: that there is one, up to five minutes later. Synapse can always tell. @default {"send"}
   */
  readonly doubt?: "send" | "wait";
}

/** The kind `matrix`: `user`, or `homeserver` with `accessToken` or `accessTokenFile`; `room`. */
export const matrixKind: ChannelKind = {
  kind: "matrix",
  speaksHttp: true,
  fields: {
    ...serverFields("homeserver", "https://matrix.example.org", { unless: "user" }),
    user: {
      schema: {
        type: "string",
        description: "an account that matrix-notify login logged in with; instead of an access token",
        examples: ["@bot:example.org"],
        pattern: "^\\s*@[^:\\s\\u0000]*:[A-Za-z0-9.:[\\]-]+\\s*$",
      },
    },
    accessToken: {
      isRequired: true,
      unless: "user",
      excludes: "user",
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "the account's access token, instead of user",
        examples: ["syt_token"],
        pattern: "^[!-~]+$",
      },
    },
    room: {
      isRequired: true,
      schema: {
        type: "string",
        description: "a room id, an alias, or a person for the direct chat",
        examples: ["#alerts:example.org", "!abc", "@alice:example.org"],
        pattern: "^\\s*[!#@]",
      },
    },
    doubt: {
      schema: {
        type: "string",
        description: "what matters more when nobody can tell whether a try arrived: that it comes in time, or once",
        examples: ["wait", "send"],
        default: "send",
        enum: ["send", "wait"],
      },
    },
  },
  destination: { keys: ["room"], read: (fields) => [roomField(fields)] },
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const openClient = clientField(fields, context);
    const room = roomField(fields);
    const doubt = fields.text("doubt") ?? "send";
    if (doubt !== "send" && doubt !== "wait") throw fields.error("doubt", 'it must be "send" or "wait"');
    fields.end();
    return (channelContext) =>
      new MatrixChannel(name, { room, doubt }, openClient(channelContext.runtime), channelContext);
  },
};

function roomField(fields: Fields): string {
  const room = fields.requiredText("room");
  if (parseRoom(room) === undefined) throw fields.error("room", ROOM_PROBLEM, ROOM_HINT);
  return room;
}

class MatrixChannel implements Channel {
  readonly kind = "matrix";
  readonly isIdempotent = true;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #policy: DoubtPolicy;
  readonly #client: MatrixClient;
  readonly #context: ChannelContext;
  readonly #rooms: RoomFinder;

  constructor(
    name: string,
    { room, doubt }: { readonly room: string; readonly doubt: DoubtPolicy },
    client: MatrixClient,
    context: ChannelContext,
  ) {
    this.name = name;
    this.destinations = [room];
    this.#policy = doubt;
    this.#client = client;
    this.#context = context;
    this.#rooms = new RoomFinder(client, name, context.memory ?? volatileMemory());
  }

  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { destination } = envelope;
    const { txnId, doubt, timeoutMs, signal } = options;
    const content = await this.#content(envelope, options);
    const room = await beforeSending(() => this.#rooms.find(destination, { timeoutMs, signal }));
    const sending = { content, destination, txnId, doubt, timeoutMs, signal };
    // An earlier try went to the room that the destination had then.
    let mayBeTwice = false;
    for (const roomId of doubt === undefined ? [] : formerRoomsSince(room, doubt.since)) {
      const cleared = await this.#clear({ ...sending, roomId });
      if ("eventId" in cleared) return { id: cleared.eventId, via: "read-back" };
      mayBeTwice ||= cleared.mayBeTwice;
    }
    const receipt = await this.#deliver({ ...sending, roomId: room.roomId });
    return mayBeTwice && receipt.via !== "read-back" ? { ...receipt, mayBeTwice } : receipt;
  }

  /** Reads a room back if need be, and puts the event into it. A room that refuses it may have been replaced: then into the next one. */
  async #deliver(sending: Sending, isLast = false): Promise<Receipt> {
    const { roomId, destination, timeoutMs, signal } = sending;
    const cleared = await this.#clear(sending);
    if ("eventId" in cleared) return { id: cleared.eventId, via: "read-back" };
    try {
      return { id: await this.#put(sending), mayBeTwice: cleared.mayBeTwice };
    } catch (error) {
      if (isLast || !isRefusal(error)) throw error;
      const moved = await this.#rooms.moved(destination, { roomId, error }, { timeoutMs, signal });
      if (moved !== undefined) return await this.#deliver({ ...sending, roomId: moved.roomId }, true);
      return { id: await this.#enterAndPut(sending, error), mayBeTwice: cleared.mayBeTwice };
    }
  }

  async #clear({ doubt, ...where }: Sending): Promise<Cleared> {
    if (doubt === undefined) return { mayBeTwice: false };
    return await beforeSending(() => clearDoubt(this.#client, { ...where, doubt, policy: this.#policy }));
  }

  #put({ content, roomId, txnId, timeoutMs, signal }: Sending): Promise<string> {
    return sendEvent(this.#client, content, { roomId, txnId, timeoutMs, signal });
  }

  /** A room that refuses us may have invited us: it is joined once, and asked once more. What it said first is what counts. */
  async #enterAndPut(sending: Sending, refusal: MatrixError): Promise<string> {
    const { roomId, timeoutMs, signal } = sending;
    try {
      await joinRoom(this.#client, roomId, { timeoutMs, signal });
    } catch {
      throw signal?.aborted ? signal.reason : refusal;
    }
    return await this.#put(sending);
  }

  /** The text matters more than its form: a message that is too long with both goes out plain before anything is cut. */
  async #content({ notification }: Envelope, { txnId, late, replaced }: SendOptions): Promise<RoomMessageContent> {
    const { identity, runtime, warn } = this.#context;
    const options = { identity, lateAt: late ? runtime.now() : undefined, replaced };
    const plain = (text: string): RoomMessageContent => ({
      msgtype: notification.silent ? "m.notice" : "m.text",
      body: renderPlain(notification, options, text),
      "m.mentions": {},
      "dev.matrix-notify.id": txnId,
    });
    const formatted = ({ text, html }: RenderedMessage): RoomMessageContent => ({
      ...plain(text),
      format: "org.matrix.custom.html",
      formatted_body: renderHtml(notification, options, html),
    });
    const message = await renderMessage(notification, warn, (digest) => fits(formatted(digest)));
    return fits(formatted(message)) ? formatted(message) : plain(cutToFit(message.text, (text) => fits(plain(text))));
  }
}

/** One event, on its way into one room. */
interface Sending extends Pick<SendOptions, "txnId" | "doubt" | "timeoutMs" | "signal"> {
  readonly content: RoomMessageContent;
  readonly destination: string;
  readonly roomId: string;
}

function isRefusal(error: unknown): error is MatrixError {
  return error instanceof MatrixError && REFUSALS.has(error.errcode);
}

/** Runs what comes before the sending: when it fails, nothing was delivered. */
async function beforeSending<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new BeforeSendingError(error);
  }
}

function fits(content: RoomMessageContent): boolean {
  return byteLength(JSON.stringify(content)) <= MAX_CONTENT_BYTES;
}
