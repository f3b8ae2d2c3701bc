/** Matrix rooms. */

import { BeforeSendingError } from "../errors.ts";
import type { Fields } from "../fields.ts";
import { MatrixError } from "../matrix/errors.ts";
import { type RoomMessageContent, sendEvent, type SendEventOptions } from "../matrix/events.ts";
import { parseRoom } from "../matrix/ids.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { joinRoom, resolveAlias } from "../matrix/rooms.ts";
import { byteLength, cutToFit, renderHtml, renderPlain } from "../render.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "./channel.ts";
import type { ConnectionConfig } from "./connection_fields.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "./kind.ts";
import { clearDoubt, type DoubtPolicy } from "./matrix_doubt.ts";
import { clientField } from "./matrix_client.ts";
import { renderMessage } from "./message.ts";
import { serverFields } from "./server_field.ts";

/**
 * An event is at most 65,536 bytes of canonical JSON with its signatures (Client-Server API, "Size limits"); 4 KiB are left to what the server
 * adds.
 */
export const MAX_CONTENT_BYTES: number = 65_536 - 4096;

/** Refusals that membership may mend. Dendrite says M_UNSUPPORTED_ROOM_VERSION for a room that it does not know. */
const JOIN_ERRCODES: ReadonlySet<string> = new Set(["M_FORBIDDEN", "M_NOT_FOUND", "M_UNSUPPORTED_ROOM_VERSION"]);

/** What is wrong with a text that names no room. */
export const ROOM_PROBLEM = "it is neither a room id (!…) nor an alias (#name:example.org)";

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
  /** A room id (`!…`) or an alias (`#name:example.org`). */
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
        description: "a room id or an alias",
        examples: ["#alerts:example.org", "!abc"],
        pattern: "^[!#]",
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
  rules: [{
    if: { required: ["user"] },
    then: { properties: { accessToken: false, accessTokenFile: false } },
    else: { required: ["homeserver"], anyOf: [{ required: ["accessToken"] }, { required: ["accessTokenFile"] }] },
  }],
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const openClient = clientField(fields, context);
    const room = fields.requiredText("room");
    if (parseRoom(room) === undefined) throw fields.error("room", ROOM_PROBLEM, ROOM_HINT);
    const doubt = fields.text("doubt") ?? "send";
    if (doubt !== "send" && doubt !== "wait") throw fields.error("doubt", 'it must be "send" or "wait"');
    fields.end();
    return (channelContext) =>
      new MatrixChannel(name, { room, doubt }, openClient(channelContext.runtime), channelContext);
  },
};

class MatrixChannel implements Channel {
  readonly kind = "matrix";
  readonly isIdempotent = true;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #policy: DoubtPolicy;
  readonly #client: MatrixClient;
  readonly #context: ChannelContext;
  /** Rooms that aliases were found to point at, asked for once a process. */
  readonly #rooms = new Map<string, string>();

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
  }

  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, doubt, timeoutMs, signal } = options;
    const content = await this.#content(envelope, options);
    const roomId = await beforeSending(() => this.#roomId(envelope.destination, options));
    const where = { roomId, txnId, timeoutMs, signal };
    const cleared = doubt &&
      await beforeSending(() => clearDoubt(this.#client, { ...where, doubt, policy: this.#policy }));
    if (cleared && "eventId" in cleared) return { id: cleared.eventId, via: "read-back" };
    return { id: await this.#put(content, where), mayBeTwice: cleared?.mayBeTwice };
  }

  /** A room that refuses us may have invited us: it is joined once, and asked once more. What it said first is what counts. */
  async #put(content: RoomMessageContent, where: SendEventOptions): Promise<string> {
    try {
      return await sendEvent(this.#client, content, where);
    } catch (error) {
      if (!(error instanceof MatrixError) || !JOIN_ERRCODES.has(error.errcode)) throw error;
      try {
        await joinRoom(this.#client, where.roomId, where);
      } catch {
        throw where.signal?.aborted ? where.signal.reason : error;
      }
      return await sendEvent(this.#client, content, where);
    }
  }

  async #roomId(destination: string, { timeoutMs, signal }: SendOptions): Promise<string> {
    if (destination.startsWith("!")) return destination;
    const known = this.#rooms.get(destination) ?? await resolveAlias(this.#client, destination, { timeoutMs, signal });
    this.#rooms.set(destination, known);
    return known;
  }

  /** The text matters more than its form: a message that is too long with both goes out plain before anything is cut. */
  async #content({ notification }: Envelope, { txnId, late, replaced }: SendOptions): Promise<RoomMessageContent> {
    const { identity, runtime, warn } = this.#context;
    const options = { identity, lateAt: late ? runtime.now() : undefined, replaced };
    const message = await renderMessage(notification, warn);
    const plain = (text: string): RoomMessageContent => ({
      msgtype: notification.silent ? "m.notice" : "m.text",
      body: renderPlain(notification, options, text),
      "m.mentions": {},
      "dev.matrix-notify.id": txnId,
    });
    const formatted: RoomMessageContent = {
      ...plain(message.text),
      format: "org.matrix.custom.html",
      formatted_body: renderHtml(notification, options, message.html),
    };
    return fits(formatted) ? formatted : plain(cutToFit(message.text, (text) => fits(plain(text))));
  }
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
