/** Sends to Telegram chats as a bot (Bot API, "sendMessage"). */

import { NotTheServiceError, ResponseError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import type { Incident } from "../../queue/incidents.ts";
import { isBatch } from "../../notification/batch.ts";
import type { Notification } from "../../notification/notification.ts";
import { Layout } from "../../notification/render.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { layOutToFit, longestNotes, type RenderedMessage, renderMessage } from "../message.ts";
import { type BotCall, callBot, MovedError } from "./bot.ts";
import { toTelegramHtml } from "./html.ts";
import { parseDestination, type TelegramPlace, type TelegramSettings } from "./settings.ts";

/** The longest text, in UTF-16 code units, without formatting tags. */
export const MAX_TELEGRAM_CHARS = 4096;

/** A channel that sends to the chats of a bot. */
export class TelegramChannel implements Channel {
  readonly kind = "telegram";
  readonly isIdempotent = false;
  readonly attachmentMode = "separate";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: TelegramSettings;
  readonly #context: ChannelContext;
  /** The new numbers of groups that became supergroups, by their old numbers. */
  readonly #moved = new Map<string, string>();

  constructor({ name, destinations, settings }: ChannelSetup<TelegramSettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = destinations;
    this.#settings = settings;
    this.#context = context;
  }

  /**
   * Sends a message. A bot cannot read its own messages, so the channel cannot check whether an
   * earlier attempt arrived. If the outcome is unknown, the message is sent again. If Telegram
   * refuses the formatted text with status 400, the plain text is sent immediately.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    if (envelope.notification.file !== undefined) return await this.#post(envelope, {}, options);
    const { html, plain } = await this.#texts(envelope, options);
    if (html !== undefined) {
      try {
        return await this.#post(envelope, { text: html, parse_mode: "HTML" }, options);
      } catch (error) {
        if (!(error instanceof ResponseError) || error.status !== 400) throw error;
      }
    }
    return await this.#post(envelope, { text: plain }, options);
  }

  /** Sends to a chat. If the chat became a supergroup, sends to the new number of the chat. */
  async #post(envelope: Envelope, text: object, options: SendOptions): Promise<Receipt> {
    const { chat, thread } = parseDestination(envelope.destination);
    try {
      return await this.#request({ chat: this.#moved.get(chat) ?? chat, thread }, envelope, text, options);
    } catch (error) {
      if (!(error instanceof MovedError) || this.#moved.has(chat)) throw error;
      this.#moved.set(chat, error.chat);
      this.#context.warn(
        `Telegram gave the chat ${chat} the new number ${error.chat}: change the number in the configuration of channel ${this.name}`,
      );
      return await this.#request({ chat: error.chat, thread }, envelope, text, options);
    }
  }

  async #request(
    { chat, thread }: TelegramPlace,
    { notification: { silent, file }, destination }: Envelope,
    text: object,
    { incident, inDoubt, timeoutMs, signal }: SendOptions,
  ): Promise<Receipt> {
    const { runtime, files } = this.#context;
    const parameters = {
      chat_id: chat,
      ...(thread === undefined ? {} : { message_thread_id: thread }),
      disable_notification: silent,
    };
    const call = (call: BotCall) => callBot(runtime, this.#settings, { ...call, signal });
    const result = file === undefined
      ? await call({
        method: "sendMessage",
        parameters: {
          ...parameters,
          ...text,
          // If a chat gets a new number, its old messages also get new numbers. These numbers are
          // unknown, so the message is not sent as a reply.
          ...(chat === parseDestination(destination).chat ? replyTo(incident) : {}),
          link_preview_options: { is_disabled: true },
        },
        timeoutMs,
      })
      : await (await import("./upload.ts")).sendFile({ file, files, timeoutMs, parameters, call });
    const id = isObject(result) ? result.message_id : undefined;
    if (Number.isSafeInteger(id)) return { id: String(id), possibleDuplicate: inDoubt !== undefined };
    const { host } = new URL(this.#settings.server);
    throw new NotTheServiceError(`${host} does not answer like Telegram: 200`, { status: 200 });
  }

  /**
   * Returns true if a notification fits into one message. A batch (several notifications in one
   * message) must fit both as formatted text and as plain text, because Telegram may refuse the
   * formatted text.
   */
  hasRoomFor(notification: Notification, { text, html }: RenderedMessage): boolean {
    const { identity, titleTemplate } = this.#context;
    const layout = new Layout(notification, { identity, titleTemplate, ...longestNotes(notification) });
    const isTooLong = isBatch(notification) && toTelegramHtml(layout.html(html)).length > MAX_TELEGRAM_CHARS;
    return !isTooLong && layout.plain(text).length <= MAX_TELEGRAM_CHARS;
  }

  /**
   * Returns the formatted text and the plain text. If the formatted text is too long, it is left
   * out. If the plain text is too long, it is cut.
   */
  async #texts({ notification }: Envelope, { late, replaced }: SendOptions): Promise<{ html?: string; plain: string }> {
    const { identity, titleTemplate, runtime, warn } = this.#context;
    const options = { identity, titleTemplate, lateAt: late ? runtime.now() : undefined, replaced };
    const message = await renderMessage(notification, warn);
    const layout = new Layout(notification, options);
    const { html, length } = toTelegramHtml(layout.html(message.html));
    const plain = layOutToFit(notification, message.text, {
      layout: (text) => layout.plain(text),
      fits: (whole) => whole.length <= MAX_TELEGRAM_CHARS,
      maxUnits: MAX_TELEGRAM_CHARS,
    });
    return length <= MAX_TELEGRAM_CHARS ? { html, plain } : { plain };
  }
}

/**
 * Returns the parameters for a reply to the first message of an incident. If the first message was
 * deleted, the new message is not a reply.
 */
function replyTo(incident: Incident | undefined) {
  if (incident === undefined || !/^[1-9]\d{0,15}$/.test(incident.receipt)) return {};
  return { reply_parameters: { message_id: Number(incident.receipt), allow_sending_without_reply: true } };
}
