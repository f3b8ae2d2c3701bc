/** Telegram chats by a bot (Bot API, "sendMessage", "Making requests"). */

import { ConfigError, ResponseError } from "../errors.ts";
import type { Fields } from "../fields.ts";
import { exchange } from "../http.ts";
import { cutToFit, renderHtml, renderPlain } from "../render.ts";
import type { Secret } from "../secret.ts";
import { USER_AGENT } from "../version.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "./channel.ts";
import type { ConnectionConfig } from "./connection_fields.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "./kind.ts";
import { renderMessage } from "./message.ts";
import { secretField } from "./secret_field.ts";
import { serverField, serverFields } from "./server_field.ts";
import { MovedError, readAnswer } from "./telegram_answer.ts";
import { toTelegramHtml } from "./telegram_html.ts";

/** The longest text, in UTF-16 code units after the entities were parsed. */
export const MAX_TELEGRAM_CHARS = 4096;

const DEFAULT_SERVER = "https://api.telegram.org";
const TOKEN_REGEXP = /^[1-9]\d{0,18}:[-_A-Za-z0-9]{1,60}$/;
const TOKEN_PROBLEM = "it does not look like 123456789:AA…, as BotFather gives it";

/** A number other than zero, or a name. */
const CHAT_REGEXP = /^(-?[1-9]\d{0,18}|@[A-Za-z]\w{3,31})$/;
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
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const baseUrl = serverField(fields, "server", context, DEFAULT_SERVER);
    const token = secretField(fields, "token", context);
    const inline = fields.text("token");
    if (inline !== undefined && !TOKEN_REGEXP.test(inline)) throw fields.error("token", TOKEN_PROBLEM);
    const chats = chatsField(fields);
    const thread = fields.integer("thread", 1, Number.MAX_SAFE_INTEGER);
    if (thread !== undefined && chats.length > 1) {
      throw fields.error("thread", "there are several chats, and a thread belongs to one", "make a channel of each");
    }
    fields.end();
    return (channelContext) => new TelegramChannel(name, chats, { baseUrl, token, thread }, channelContext);
  },
};

function chatsField(fields: Fields): readonly string[] {
  const chats = [fields.value("chat") ?? []].flat().map((chat) => typeof chat === "number" ? String(chat) : chat);
  const isChat = (chat: unknown) => typeof chat === "string" && CHAT_REGEXP.test(chat);
  if (chats.length > 0 && chats.every(isChat) && new Set(chats).size === chats.length) return chats.map(String);
  throw fields.error(
    "chat",
    "it must be a chat's number or the @name of a public one, or a list of them",
    "the bot hears its chats' numbers by getUpdates, once somebody wrote to it",
  );
}

interface Bot {
  readonly baseUrl: string;
  readonly token: Secret;
  readonly thread: number | undefined;
}

class TelegramChannel implements Channel {
  readonly kind = "telegram";
  readonly isIdempotent = false;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #bot: Bot;
  readonly #context: ChannelContext;
  /** Groups that became supergroups, by their old numbers. */
  readonly #moved = new Map<string, string>();

  constructor(name: string, chats: readonly string[], bot: Bot, context: ChannelContext) {
    this.name = name;
    this.destinations = chats;
    this.#bot = bot;
    this.#context = context;
  }

  /**
   * Telegram cannot be asked what a bot has sent: what may have arrived can only be sent again. What it refuses with 400 it has not sent, so that the
   * formatted text may be followed by the plain one at once.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
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
    const { destination } = envelope;
    try {
      return await this.#request(this.#moved.get(destination) ?? destination, envelope, text, options);
    } catch (error) {
      if (!(error instanceof MovedError) || this.#moved.has(destination)) throw error;
      this.#moved.set(destination, error.chat);
      this.#context.warn(`Telegram's chat ${destination} is now ${error.chat}: write that into channel ${this.name}`);
      return await this.#request(error.chat, envelope, text, options);
    }
  }

  async #request(
    chat: string,
    { notification }: Envelope,
    text: object,
    { doubt, timeoutMs, signal }: SendOptions,
  ): Promise<Receipt> {
    const { runtime } = this.#context;
    const { baseUrl, thread } = this.#bot;
    const answer = await exchange(runtime, {
      method: "POST",
      url: `${baseUrl}/bot${this.#token()}/sendMessage`,
      hidesUrl: true,
      headers: { "Content-Type": "application/json", "User-Agent": USER_AGENT },
      body: JSON.stringify({
        chat_id: chat,
        ...(thread === undefined ? {} : { message_thread_id: thread }),
        ...text,
        disable_notification: notification.silent,
        link_preview_options: { is_disabled: true },
      }),
      timeoutMs,
      signal,
    });
    const id = readAnswer(answer, { host: new URL(baseUrl).host, now: runtime.now() });
    return { id, mayBeTwice: doubt !== undefined };
  }

  #token(): string {
    const token = this.#bot.token.reveal();
    if (TOKEN_REGEXP.test(token)) return token;
    throw new ConfigError(`Cannot use the token of channel ${this.name}: ${TOKEN_PROBLEM}`);
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
