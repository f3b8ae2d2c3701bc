/** A loopback server of the Telegram Bot API. */

import { parseJsonObject } from "../base/fields.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, waitMs } from "./faults.ts";
import { matchRoute, type Route } from "./routes.ts";
import { type Call, type LoopbackOptions, LoopbackServer } from "./server.ts";
import {
  type NewTelegramMessage,
  parseFileMessage,
  parseTextMessage,
  telegramError,
  type TelegramMessage,
  tooManyRequests,
} from "./telegram_messages.ts";

/** The name of a fault (a simulated error) of {@linkcode LoopbackTelegram}. */
export type TelegramFaultName =
  | CommonFaultName
  | "500"
  | "429-retry-after"
  | "unauthorized"
  | "bot-blocked"
  | "chat-not-found"
  | "cannot-parse-entities"
  | "image-process-failed"
  | "ok-without-message";

const TELEGRAM_FAULTS: Readonly<Record<TelegramFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(telegramError(500, "Internal Server Error")),
  "429-retry-after": {
    acts: false,
    outcome: (details) => tooManyRequests(Math.ceil(waitMs(details) / 1000)),
  },
  "unauthorized": instead(telegramError(401, "Unauthorized")),
  "bot-blocked": instead(telegramError(403, "Forbidden: bot was blocked by the user")),
  "chat-not-found": instead(telegramError(400, "Bad Request: chat not found")),
  "cannot-parse-entities": instead(
    telegramError(400, 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0'),
  ),
  "image-process-failed": instead(telegramError(400, "Bad Request: IMAGE_PROCESS_FAILED")),
  "ok-without-message": instead(jsonAnswer(200, { ok: true })),
};

/**
 * The name of an endpoint of {@linkcode LoopbackTelegram}. It appears in the request log, and in
 * the option `on` of a fault.
 */
export type TelegramRouteName = "sendMessage" | "sendPhoto" | "sendDocument" | "getMe" | "getChat";

/** The settings of a {@linkcode LoopbackTelegram}. */
export interface TelegramOptions extends LoopbackOptions {
  /**
   * The token of the server's only bot. @default {"123456:AAloopback-token_0123456789abcdefghi"}
   */
  readonly token?: string;
  /** The ids of the chats to which the bot may write. @default ["1001"] */
  readonly chats?: readonly string[];
  /**
   * The number of messages that a chat accepts per minute. A message above this limit gets status
   * 429. @default {20}
   */
  readonly perMinute?: number;
}

const ROUTES: readonly Route<TelegramRouteName>[] = [
  { name: "sendMessage", method: "POST", path: "/:bot/sendMessage" },
  { name: "sendPhoto", method: "POST", path: "/:bot/sendPhoto" },
  { name: "sendDocument", method: "POST", path: "/:bot/sendDocument" },
  { name: "getMe", method: "GET", path: "/:bot/getMe" },
  { name: "getMe", method: "POST", path: "/:bot/getMe" },
  { name: "getChat", method: "POST", path: "/:bot/getChat" },
];

interface Store {
  readonly token: string;
  readonly chats: Set<string>;
  readonly moved: Map<string, string>;
  readonly blocked: Set<string>;
  readonly perMinute: number;
  readonly messages: TelegramMessage[];
  readonly now: () => number;
}

/**
 * A Bot API server on 127.0.0.1 with one bot. It is as strict as Telegram about HTML, the length of
 * texts and the rate of messages. If a client sends a message twice, the server stores two
 * messages, as Telegram would.
 */
export class LoopbackTelegram extends LoopbackServer<TelegramFaultName, TelegramRouteName> {
  /** The token of the server's bot. */
  readonly token: string;
  readonly #store: Store;

  private constructor(store: Store, options: TelegramOptions) {
    const handle = (call: Call<TelegramRouteName>) => answer(call, store);
    super({ faults: TELEGRAM_FAULTS, defaultRoute: "sendMessage", route, handle }, options);
    this.token = store.token;
    this.#store = store;
  }

  /**
   * Starts a Bot API server without messages.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: TelegramOptions = {}): Promise<LoopbackTelegram> {
    const { token = "123456:AAloopback-token_0123456789abcdefghi", chats = ["1001"], perMinute = 20 } = options;
    const { now = Date.now } = options;
    const store = { token, chats: new Set(chats), moved: new Map(), blocked: new Set<string>(), messages: [] };
    return Promise.try(() => new LoopbackTelegram({ ...store, perMinute, now }, options));
  }

  /** Returns all messages of a chat, in order. */
  messages(chat: string): readonly TelegramMessage[] {
    return this.#store.messages.filter((message) => message.chat === chat);
  }

  /** Changes a group into a supergroup. The supergroup has a new id. */
  upgrade(chat: string, supergroup: string): void {
    this.#store.chats.delete(chat);
    this.#store.chats.add(supergroup);
    this.#store.moved.set(chat, supergroup);
  }

  /** Removes the bot from a chat. */
  block(chat: string): void {
    this.#store.blocked.add(chat);
  }
}

function route(method: string, path: string): TelegramRouteName | undefined {
  const match = matchRoute(ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

/** Answers a request. A wrong token gets status 401. A path without a token gets status 404. */
async function answer(call: Call<TelegramRouteName>, store: Store): Promise<Answer> {
  await call.ready();
  const [, token, method] = /^\/bot([^/]*)\/(.*)$/.exec(call.path) ?? [];
  if (token === undefined || !token.includes(":")) return telegramError(404, "Not Found");
  if (token !== store.token) return telegramError(401, "Unauthorized");
  if (method === "getMe") return telegramResult({ id: 123456, is_bot: true, username: "loopback_bot" });
  if (call.route === undefined) return telegramError(404, "Not Found: method not found");
  if (call.route === "sendPhoto" || call.route === "sendDocument") return await answerFile(call, store);
  const isJson = /^application\/json\b/.test(call.headers.get("content-type") ?? "");
  const body = isJson ? parseJsonObject(new TextDecoder().decode(call.bytes)) : undefined;
  if (body === undefined) return telegramError(400, "Bad Request: can't parse JSON object");
  const chat = String(body.chat_id ?? "");
  const refusal = checkChat(chat, store);
  if (refusal !== undefined) return refusal;
  return call.route === "getChat"
    ? telegramResult({ id: chat, type: "group" })
    : checkRate(chat, store) ?? accept(parseTextMessage(body), store);
}

async function answerFile(call: Call<TelegramRouteName>, store: Store): Promise<Answer> {
  const form = await new Response(call.bytes, { headers: { "content-type": call.headers.get("content-type") ?? "" } })
    .formData().catch(() => undefined);
  if (form === undefined) return telegramError(400, "Bad Request: can't parse the form");
  const chat = String(form.get("chat_id") ?? "");
  const kind = call.route === "sendPhoto" ? "photo" : "document";
  return checkChat(chat, store) ?? checkRate(chat, store) ?? accept(await parseFileMessage(form, kind), store);
}

/** Returns an error answer if the bot cannot write to a chat. */
function checkChat(chat: string, { moved, blocked, chats }: Store): Answer | undefined {
  if (chat === "") return telegramError(400, "Bad Request: chat_id is empty");
  const supergroup = moved.get(chat);
  if (supergroup !== undefined) {
    const parameters = { migrate_to_chat_id: Number(supergroup) };
    return telegramError(400, "Bad Request: group chat was upgraded to a supergroup chat", parameters);
  }
  if (blocked.has(chat)) return telegramError(403, "Forbidden: bot was kicked from the group chat");
  return chats.has(chat) ? undefined : telegramError(400, "Bad Request: chat not found");
}

/** Returns an error answer if a chat has reached its rate limit. */
function checkRate(chat: string, { messages, perMinute, now }: Store): Answer | undefined {
  const lastMinute = messages.filter((message) => message.chat === chat && message.date > now() / 1000 - 60);
  if (lastMinute.length < perMinute) return undefined;
  return tooManyRequests(Math.ceil((lastMinute[0]?.date ?? 0) + 60 - now() / 1000));
}

function accept(sent: NewTelegramMessage | Answer, { messages, now }: Store): Answer {
  if ("status" in sent) return sent;
  const message = { id: messages.length + 1, date: Math.floor(now() / 1000), ...sent };
  messages.push(message);
  return telegramResult({ message_id: message.id, date: message.date, chat: { id: message.chat }, text: message.text });
}

/** Creates a success in Telegram's format: `{ok, result}`. */
function telegramResult(result: object): Answer {
  return jsonAnswer(200, { ok: true, result });
}
