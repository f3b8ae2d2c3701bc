/** A Telegram bot: how its configuration is read, and how its methods are called (Bot API, "Making requests"). */

import type { Fields } from "../../base/fields.ts";
import { exchange, type HttpRequest, type HttpRuntime } from "../../runtime/http.ts";
import type { Secret } from "../../base/secret.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { ParseContext } from "../kind.ts";
import { secretField } from "../fields/secret.ts";
import { serverField } from "../fields/server.ts";
import { readAnswer } from "./response.ts";

/** Telegram's own server. */
export const DEFAULT_SERVER = "https://api.telegram.org";

/** A bot's token. */
export const TOKEN_REGEXP = /^[1-9]\d{0,18}:[-_A-Za-z0-9]{1,60}$/;

/** A chat: a number other than zero, or a name. */
export const CHAT_REGEXP = /^(-?[1-9]\d{0,18}|@[A-Za-z]\w{3,31})$/;

/** Where a bot is, and what proves that it is ours. */
export interface TelegramBot {
  readonly baseUrl: string;
  readonly token: Secret;
}

/**
 * Reads `server`, and `token` or `tokenFile`.
 *
 * @throws {ConfigError} when one of them cannot be used
 */
export function botFields(fields: Fields, context: ParseContext): TelegramBot {
  return {
    baseUrl: serverField(fields, "server", context, { fallback: DEFAULT_SERVER }),
    token: secretField(fields, "token", context, (text) => {
      return TOKEN_REGEXP.test(text) ? undefined : "it does not look like 123456789:AA…, as BotFather gives it";
    }),
  };
}

/**
 * Reads `chat`: one, or a list of different ones.
 *
 * @throws {ConfigError} when it is missing or cannot be used
 */
export function chatsField(fields: Fields): readonly string[] {
  const chats = [fields.value("chat") ?? []].flat().map((chat) => typeof chat === "number" ? String(chat) : chat);
  const isChat = (chat: unknown) => typeof chat === "string" && CHAT_REGEXP.test(chat);
  if (chats.length > 0 && chats.every(isChat) && new Set(chats).size === chats.length) return chats.map(String);
  throw fields.error(
    "chat",
    "it must be a chat's number or the @name of a public one, or a list of them",
    "the bot hears its chats' numbers by getUpdates, once somebody wrote to it",
  );
}

/** Where in Telegram: a chat, or the topic of a forum in it. As a destination it is `chat`, or `chat/thread`. */
export interface TelegramPlace {
  readonly chat: string;
  readonly thread?: number;
}

/**
 * Reads `chat`, and `thread` beside it.
 *
 * @returns them as destinations
 * @throws {ConfigError} when one of them cannot be used
 */
export function placesField(fields: Fields): readonly string[] {
  const chats = chatsField(fields);
  const thread = fields.integer("thread", 1, Number.MAX_SAFE_INTEGER);
  if (thread === undefined) return chats;
  if (chats.length === 1) return [`${chats[0]}/${thread}`];
  throw fields.error("thread", "there are several chats, and a thread belongs to one", "make a channel of each");
}

/** Reads a destination. */
export function placeOf(destination: string): TelegramPlace {
  const [chat, thread] = destination.split("/");
  return thread === undefined ? { chat } : { chat, thread: Number(thread) };
}

/** A call of one of its methods. */
export interface BotCall extends Pick<HttpRequest, "timeoutMs" | "signal"> {
  /** `sendMessage`, `getMe` */
  readonly method: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The parameters, where a file is one of them. */
  readonly form?: FormData;
}

/**
 * Calls a method of the bot.
 *
 * @returns its result, which depends on the method
 * @throws what an exchange throws
 * @throws {ResponseError | NotTheServiceError} when there is none
 */
export async function callBot(
  runtime: HttpRuntime,
  { baseUrl, token }: TelegramBot,
  { method, parameters = {}, form, timeoutMs, signal }: BotCall,
): Promise<unknown> {
  const answer = await exchange(runtime, {
    method: "POST",
    url: `${baseUrl}/bot${token.reveal()}/${method}`,
    hidesUrl: true,
    headers: { ...(form ? {} : { "Content-Type": "application/json" }), "User-Agent": USER_AGENT },
    body: form ?? JSON.stringify(parameters),
    timeoutMs,
    signal,
  });
  return readAnswer(answer, { host: new URL(baseUrl).host, now: runtime.now() });
}
