/** Sends to Matrix rooms. */

import { DestinationError, InvalidNotificationError, NotSentError } from "../../base/errors.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { type MediaContent, type RoomMessageContent, sendEvent } from "../../matrix/events.ts";
import { parseRoom, ROOM_HINT, ROOM_PROBLEM } from "../../matrix/ids.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { joinRoom } from "../../matrix/rooms.ts";
import type { Attachment, Notification } from "../../notification/notification.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { createClient } from "./client.ts";
import { longestNotes, type RenderedMessage } from "../message.ts";
import {
  contentHasRoomFor,
  contentOf,
  type ContentOptions,
  isSurelyShort,
  MAX_CONTENT_BYTES,
  mentionsOf,
  ownFields,
} from "./content.ts";
import { type EarlierDelivery, findEarlierDelivery } from "./deduplicate.ts";
import { EncryptionGuard } from "./encryption.ts";
import { maxBytesWithRelation, type Related, relatedContent, relatedTo } from "./relations.ts";
import { formerRoomsSince, type KnownRoom, RoomResolver } from "./room_resolver.ts";
import type { MatrixSettings } from "./settings.ts";
import { inMemoryRoomCache } from "../room_cache.ts";

/** An example of a transaction id, used to measure the size of a message. */
const ANY_TXN_ID = "00000000-0000-4000-8000-000000000000";

/** A channel that sends to the rooms of one homeserver. */
export class MatrixChannel implements Channel {
  readonly kind = "matrix";
  readonly isIdempotent = true;
  readonly attachmentMode = "separate";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: MatrixSettings;
  readonly #client: MatrixClient;
  readonly #context: ChannelContext;
  readonly #rooms: RoomResolver;
  readonly #encryption: EncryptionGuard;

  constructor({ name, destinations, settings }: ChannelSetup<MatrixSettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = destinations;
    this.#settings = settings;
    const cache = context.roomCache ?? inMemoryRoomCache();
    this.#client = createClient(settings, context.runtime, cache);
    this.#context = context;
    this.#rooms = new RoomResolver(this.#client, name, cache);
    this.#encryption = new EncryptionGuard(this.#client, cache, settings.encryptedRooms);
  }

  /**
   * Identifies the account: the user id, or the homeserver and the access token. Undefined if the
   * token cannot be read.
   */
  get account(): string | undefined {
    const { homeserver, user, accessToken } = this.#settings;
    if (user !== undefined) return user.userId;
    try {
      return `${homeserver?.baseUrl} ${accessToken?.reveal()}`;
    } catch {
      return undefined;
    }
  }

  checkDestination(room: string): void {
    if (parseRoom(room) !== undefined) return;
    throw new InvalidNotificationError(`Cannot use room "${room}": ${ROOM_PROBLEM}`, { hint: ROOM_HINT });
  }

  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    try {
      return await this.#send(envelope, options);
    } catch (error) {
      throw withRoomHint(error, envelope.destination, this.name);
    }
  }

  async #send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { destination, notification } = envelope;
    const { txnId, inDoubt, timeoutMs, signal } = options;
    const room = await beforeSending(() => this.#rooms.find(destination, { timeoutMs, signal }));
    const contents = await this.#contents(notification, room, options);
    const isFile = notification.file !== undefined;
    const sending = { ...contents, isFile, destination, txnId, inDoubt, timeoutMs, signal };
    // An earlier attempt may have sent the message to a former room (a room that was replaced
    // later).
    let possibleDuplicate = false;
    for (const roomId of inDoubt === undefined ? [] : formerRoomsSince(room, inDoubt.since)) {
      const cleared = await this.#clear({ ...sending, roomId });
      if ("eventId" in cleared) return { id: cleared.eventId, via: "read-back" };
      possibleDuplicate ||= cleared.possibleDuplicate;
    }
    const receipt = await this.#deliver({ ...sending, roomId: room.roomId });
    return possibleDuplicate && receipt.via !== "read-back" ? { ...receipt, possibleDuplicate } : receipt;
  }

  async #contents(
    notification: Notification,
    room: KnownRoom,
    options: SendOptions,
  ): Promise<Pick<Sending, "content" | "related">> {
    const { file } = notification;
    if (file !== undefined) return { content: this.#uploading(file, notification, options), related: undefined };
    const how = this.#contentOptions(notification, options);
    const content = await contentOf(notification, how);
    const related = await beforeSending(() => this.#relate(notification, room, options));
    return {
      content: () => Promise.resolve(content),
      related: related && { roomId: room.roomId, content: await relatedContent(notification, related, how) },
    };
  }

  /**
   * Sends a message to a room. If the outcome of an earlier attempt is unknown, first looks in the
   * room for the event of the earlier attempt. If the room refuses the message, checks whether
   * the destination has moved to another room, and sends the message to the other room. If there is
   * no other room, joins the room that refused the message, and sends the message again.
   */
  async #deliver(sending: Sending, isLast = false): Promise<Receipt> {
    const { roomId, destination, timeoutMs, signal } = sending;
    const cleared = await this.#clear(sending);
    if ("eventId" in cleared) return { id: cleared.eventId, via: "read-back" };
    try {
      return { id: await this.#put(sending), possibleDuplicate: cleared.possibleDuplicate };
    } catch (error) {
      if (isLast || !isRefusal(error)) throw error;
      const moved = await this.#rooms.moved(destination, { roomId, error }, { timeoutMs, signal });
      if (moved !== undefined) return await this.#deliver({ ...sending, roomId: moved.roomId }, true);
      return { id: await this.#enterAndPut(sending, error), possibleDuplicate: cleared.possibleDuplicate };
    }
  }

  async #clear(sending: Sending): Promise<EarlierDelivery> {
    const { inDoubt } = sending;
    if (inDoubt === undefined) return { possibleDuplicate: false };
    return await beforeSending(() =>
      findEarlierDelivery(this.#client, { ...sending, inDoubt, policy: this.#settings.inDoubt })
    );
  }

  /** Sends a message to a room. Warns once in each process if the room is encrypted. */
  async #put(sending: Sending): Promise<string> {
    const warning = await beforeSending(() => this.#checkEncryption(sending));
    const eventId = await this.#putEvent(sending);
    // For a file, the warning was already printed when the text of the notification was sent.
    if (warning !== undefined && !sending.isFile && this.#encryption.mayWarn(sending.roomId)) {
      this.#context.warn(warning);
    }
    return eventId;
  }

  async #checkEncryption({ roomId, destination, timeoutMs, signal }: Sending): Promise<string | undefined> {
    try {
      return await this.#encryption.check(roomId, destination, { timeoutMs, signal });
    } catch (error) {
      // Before the next attempt, look for a new room of the destination. The new room may be
      // unencrypted.
      if (error instanceof DestinationError) await this.#rooms.lookAgain(destination);
      throw error;
    }
  }

  async #putEvent({ content, related, roomId, txnId, timeoutMs, signal }: Sending): Promise<string> {
    const put = (content: RoomMessageContent | MediaContent) =>
      sendEvent(this.#client, content, { roomId, txnId, timeoutMs, signal });
    if (related?.roomId !== roomId) return await put(await content());
    try {
      return await put(related.content);
    } catch (error) {
      // The related event may be in a former room. Synapse then answers 400, so send the message
      // without the relation.
      if (!(error instanceof MatrixError) || error.status !== 400) throw error;
      return await put(await content());
    }
  }

  /**
   * Returns a function whose first call uploads a file. Later calls return the same result. If the
   * room already contains the message, the function is never called.
   */
  #uploading(
    file: Attachment,
    notification: Notification,
    { txnId, timeoutMs, signal }: SendOptions,
  ): Sending["content"] {
    const { files } = this.#context;
    const own = ownFields(notification, txnId);
    let uploaded: Promise<MediaContent> | undefined;
    const upload = async () => {
      const { uploadedContent } = await import("./upload.ts");
      return await uploadedContent(this.#client, file, { files, own, timeoutMs, signal });
    };
    return () => uploaded ??= beforeSending(upload);
  }

  /**
   * Joins a room that refused the message, and sends the message again. The account can join if it
   * was invited to the room. If the account cannot join, throws `refusal`.
   */
  async #enterAndPut(sending: Sending, refusal: MatrixError): Promise<string> {
    const { roomId, timeoutMs, signal } = sending;
    try {
      await joinRoom(this.#client, roomId, { timeoutMs, signal });
    } catch {
      throw signal?.aborted ? signal.reason : refusal;
    }
    return await this.#put(sending);
  }

  hasRoomFor(notification: Notification, message: RenderedMessage): boolean {
    const maxBytes = maxBytesWithRelation(notification, this.#settings.related);
    if (isSurelyShort(notification, message, maxBytes)) return true;
    return contentHasRoomFor(notification, message, {
      ...this.#contentOptions(notification, { txnId: ANY_TXN_ID, late: false }),
      ...longestNotes(notification),
      maxBytes,
    });
  }

  #relate(
    notification: Notification,
    room: KnownRoom,
    { incident, timeoutMs, signal }: SendOptions,
  ): Promise<Related | undefined> {
    const policy = this.#settings.related;
    return relatedTo(this.#client, notification, { policy, incident, room, timeoutMs, signal });
  }

  #contentOptions(
    notification: Notification,
    { txnId, late, replaced }: Pick<SendOptions, "txnId" | "late" | "replaced">,
  ): ContentOptions {
    const { identity, titleTemplate, runtime, warn } = this.#context;
    return {
      identity,
      titleTemplate,
      txnId,
      lateAt: late ? runtime.now() : undefined,
      replaced,
      mentions: mentionsOf(notification, this.#settings.mentions),
      maxBytes: MAX_CONTENT_BYTES,
      warn,
    };
  }
}

/** One event for one room. */
interface Sending extends Pick<SendOptions, "txnId" | "inDoubt" | "timeoutMs" | "signal"> {
  readonly content: () => Promise<RoomMessageContent | MediaContent>;
  /**
   * The content with its relation (reply, thread or edit), and the room of the related event.
   * Undefined if the event has no relation.
   */
  readonly related: { readonly content: RoomMessageContent; readonly roomId: string } | undefined;
  /** True if the event shows a file. The text of the notification is in another event. */
  readonly isFile: boolean;
  readonly destination: string;
  readonly roomId: string;
}

/**
 * Checks whether the room refused the message. After a refusal, the channel tries to join this room
 * or to use another room.
 */
function isRefusal(error: unknown): error is MatrixError {
  return error instanceof MatrixError && error.failureClass === "destination";
}

/**
 * Adds a hint to the error of a room that refused the message. Returns any other error unchanged.
 */
function withRoomHint(error: unknown, destination: string, channel: string): unknown {
  if (error instanceof NotSentError) return new NotSentError(withRoomHint(error.cause, destination, channel));
  if (!isRefusal(error) || error.hint !== undefined) return error;
  const list = `matrix-notify room list${channel === "matrix" ? "" : ` --channel ${channel}`}`;
  const hints = {
    "@": "check the user id; the account must be allowed to invite this person",
    "#": error.status === 404
      ? `check the alias; to list the rooms of the account, run: ${list}`
      : `invite the account to the room, or raise the account's power level; to list its rooms, run: ${list}`,
    "!":
      `check the room id, invite the account to the room, or raise the account's power level; to list its rooms, run: ${list}`,
  };
  const [sign] = destination;
  const hint = sign === "@" || sign === "#" ? hints[sign] : hints["!"];
  const { status, errcode, failureClass, retryAfterMs, softLogout } = error;
  return new MatrixError(error.message, { status, errcode, failureClass, retryAfterMs, softLogout, hint }, {
    cause: error.cause,
  });
}

/**
 * Runs a step that is necessary before the message is sent. If the step fails, throws a
 * NotSentError (the message was not delivered).
 */
async function beforeSending<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new NotSentError(error);
  }
}
