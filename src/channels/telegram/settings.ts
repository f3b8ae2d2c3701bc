/** The settings of a Telegram channel. */

import type { Fields } from "../../base/fields.ts";
import { insecureHttp, secret, server } from "../fields/server.ts";
import { integer, setting, type SettingsOf } from "../fields/setting.ts";

const TOKEN_REGEXP = /^[1-9]\d{0,18}:[-_A-Za-z0-9]{1,60}$/;

/** The pattern of a chat: a number other than zero, or a name. */
const CHAT_REGEXP = /^(-?[1-9]\d{0,18}|@[A-Za-z]\w{3,31})$/;

const CHAT_SCHEMA = { pattern: CHAT_REGEXP.source, not: { const: 0 } };

/** The table of settings. */
export const TELEGRAM_SETTINGS = {
  server: server({
    help: "the address of the Bot API server, without a path; change it only for your own server",
    examples: ["https://api.telegram.org"],
    default: "https://api.telegram.org",
  }),
  insecureHttp: insecureHttp(),
  token: secret({
    help: "the token of the bot, from BotFather",
    examples: ["123456789:AAtoken"],
    form: {
      pattern: TOKEN_REGEXP.source,
      problemOf: (text) =>
        TOKEN_REGEXP.test(text) ? undefined : "it must look like 123456789:AA…, the form of a token from BotFather",
    },
  }),
  chat: setting<readonly string[]>({
    help: "the number of a chat, the `@name` of a public chat, or a list of numbers and names",
    examples: [-1001234567890, "@alerts", [1001, "@alerts"]],
    schema: {
      type: ["string", "integer", "array"],
      ...CHAT_SCHEMA,
      items: { type: ["string", "integer"], ...CHAT_SCHEMA },
      minItems: 1,
      uniqueItems: true,
    },
    read: readChats,
  }),
  thread: integer({
    help: "the number of a topic in a forum; allowed only for a single chat",
    examples: [42],
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    optional: true,
  }),
};

/** The parsed settings. */
export type TelegramSettings = SettingsOf<typeof TELEGRAM_SETTINGS>;

function readChats(fields: Fields, key: string): readonly string[] {
  const chats = [fields.value(key) ?? []].flat().map((chat) => typeof chat === "number" ? String(chat) : chat);
  const isChat = (chat: unknown) => typeof chat === "string" && CHAT_REGEXP.test(chat);
  if (chats.length > 0 && chats.every(isChat) && new Set(chats).size === chats.length) return chats.map(String);
  throw fields.error(
    key,
    "it must be the number of a chat, the @name of a public chat, or a list of numbers and names",
    "send the bot a message: getUpdates then shows the number of the chat",
  );
}

/**
 * A chat, or one topic of a chat that is a forum. The destination is written as `chat` or
 * `chat/thread`.
 */
export interface TelegramPlace {
  readonly chat: string;
  readonly thread?: number;
}

/**
 * Lists the destinations.
 *
 * @throws {ConfigError} if there is a thread and more than one chat
 */
export function toDestinations(
  { chat, thread }: Pick<TelegramSettings, "chat" | "thread">,
  fields: Fields,
): readonly string[] {
  if (thread === undefined) return chat;
  if (chat.length === 1) return [`${chat[0]}/${thread}`];
  throw fields.error(
    "thread",
    "there are several chats, but a thread belongs to only one chat",
    "write a separate channel for each chat",
  );
}

/** Parses a destination. */
export function parseDestination(destination: string): TelegramPlace {
  const [chat, thread] = destination.split("/");
  return thread === undefined ? { chat } : { chat, thread: Number(thread) };
}
