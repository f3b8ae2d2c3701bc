/** Telegram chats by a bot (Bot API, "sendMessage", "Making requests"). */

import { ResponseError } from "../../base/errors.ts";
import { type Fields, isObject } from "../../base/fields.ts";
import type { Incident } from "../../queue/incidents.ts";
import { cutToFit, renderHtml, renderPlain } from "../../notification/render.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ConnectionConfig } from "../fields/connection.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "../kind.ts";
import { renderMessage } from "../message.ts";
import { serverFields } from "../fields/server.ts";
import { MovedError, notLikeTelegram } from "./response.ts";
import {
  type BotCall,
  botFields,
  callBot,
  CHAT_REGEXP,
  DEFAULT_SERVER,
  placeOf,
  placesField,
  type TelegramBot,
  type TelegramPlace,
  TOKEN_REGEXP,
} from "./bot.ts";
import { toTelegramHtml } from "./html.ts";

/** The longest text, in UTF-16 code units after the entities were parsed. */
export const MAX_TELEGRAM_CHARS = 4096;

const CHAT_SCHEMA = { pattern: CHAT_REGEXP.source, not: { const: 0 } };

/** How a Telegram channel is configured. */
export interface TelegramConfig extends ConnectionConfig {
  /** May be left out where the channel is called `telegram`. */
  readonly kind?: "telegram";
  /** The bot's token, as BotFather gives it; this or `tokenFile`. */
  readonly token?: string;
  /** A file that holds the token and nothing else, and that other users cannot read. */
  readonly tokenFile?: string;
  /** A chat's number, or the `@name` of a public one; a list for several. */
  readonly chat: string | number | readonly (string | number)[];
  /** The topic of a forum, `message_thread_id`; for a single chat. */
  readonly thread?: number;
  /** A Bot API server of one's own, without a path. @default {"https://api.telegram.org"} */
  readonly server?: string;
  /** Permits plain http to another host. @default {false} */
  readonly insecureHttp?: boolean;
}

/** The kind `telegram`: `token` or `tokenFile`, `chat`, `thread`, `server`. */
export const telegramKind: ChannelKind = {
  kind: "telegram",
  speaksHttp: true,
  fields: {
    ...serverFields("server", DEFAULT_SERVER, { isRequired: false }),
    token: {
      isRequired: true,
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "the bot's token, as BotFather gives it",
        examples: ["123456789:AAtoken"],
        pattern: TOKEN_REGEXP.source,
      },
    },
    chat: {
      isRequired: true,
      schema: {
        type: ["string", "integer", "array"],
        description: "a chat's number, the @name of a public one, or a list of them",
        examples: [-1001234567890, "@alerts", [1001, "@alerts"]],
        ...CHAT_SCHEMA,
        items: { type: ["string", "integer"], ...CHAT_SCHEMA },
        minItems: 1,
        uniqueItems: true,
      },
    },
    thread: {
      schema: {
        type: "integer",
        description: "the topic of a forum, for a single chat",
        examples: [42],
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
      },
    },
  },
  rules: [{ not: { required: ["thread"], properties: { chat: { type: "array", minItems: 2 } } } }],
  destination: { keys: ["chat", "thread"], read: placesField },
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const bot = botFields(fields, context);
    const places = placesField(fields);
    fields.end();
    return (channelContext) => new TelegramChannel(name, places, bot, channelContext);
  },
};

class TelegramChannel implements Channel {
  readonly kind = "telegram";
  readonly isIdempotent = false;
  readonly attachmentMode = "separate";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #bot: TelegramBot;
  readonly #context: ChannelContext;
  /** Groups that became supergroups, by their old numbers. */
  readonly #moved = new Map<string, string>();

  constructor(name: string, places: readonly string[], bot: TelegramBot, context: ChannelContext) {
    this.name = name;
    this.destinations = places;
    this.#bot = bot;
    this.#context = context;
  }

  /**
   * Telegram cannot be asked what a bot has sent: what may have arrived can only be sent again. What it refuses with 400 it has not sent, so that the
   * formatted text may be followed by the plain one at once.
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

  /** Sends to where a chat is now: a group that became a supergroup has another number. */
  async #post(envelope: Envelope, text: object, options: SendOptions): Promise<Receipt> {
    const { chat, thread } = placeOf(envelope.destination);
    try {
      return await this.#request({ chat: this.#moved.get(chat) ?? chat, thread }, envelope, text, options);
    } catch (error) {
      if (!(error instanceof MovedError) || this.#moved.has(chat)) throw error;
      this.#moved.set(chat, error.chat);
      this.#context.warn(`Telegram's chat ${chat} is now ${error.chat}: write that into channel ${this.name}`);
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
    const call = (call: BotCall) => callBot(runtime, this.#bot, { ...call, signal });
    const result = file === undefined
      ? await call({
        method: "sendMessage",
        parameters: {
          ...parameters,
          ...text,
          // In a chat of another number the messages have other numbers too.
          ...(chat === placeOf(destination).chat ? replyTo(incident) : {}),
          link_preview_options: { is_disabled: true },
        },
        timeoutMs,
      })
      : await (await import("./upload.ts")).sendFile({ file, files, timeoutMs, parameters, call });
    const id = isObject(result) ? result.message_id : undefined;
    if (Number.isSafeInteger(id)) return { id: String(id), possibleDuplicate: inDoubt !== undefined };
    throw notLikeTelegram(new URL(this.#bot.baseUrl).host, { status: 200 });
  }

  /** What is too long with its form goes out plain before anything is cut. */
  async #texts({ notification }: Envelope, { late, replaced }: SendOptions): Promise<{ html?: string; plain: string }> {
    const { identity, runtime, warn } = this.#context;
    const options = { identity, lateAt: late ? runtime.now() : undefined, replaced };
    const message = await renderMessage(notification, warn);
    const { html, length } = toTelegramHtml(renderHtml(notification, options, message.html));
    const whole = (text: string) => renderPlain(notification, options, text);
    const plain = whole(cutToFit(message.text, (text) => whole(text).length <= MAX_TELEGRAM_CHARS));
    return length <= MAX_TELEGRAM_CHARS ? { html, plain } : { plain };
  }
}

/** Whoever resolves something, or says it once more, answers whoever said it first, as long as that is there. */
function replyTo(incident: Incident | undefined) {
  if (incident === undefined || !/^[1-9]\d{0,15}$/.test(incident.receipt)) return {};
  return { reply_parameters: { message_id: Number(incident.receipt), allow_sending_without_reply: true } };
}
