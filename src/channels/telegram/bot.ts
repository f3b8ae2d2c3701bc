/**
 * Calls the methods of a Telegram bot, and reads the answers (Bot API, "Making requests",
 * "ResponseParameters").
 */

import { type ResponseClass, ResponseError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import { USER_AGENT } from "../../base/version.ts";
import { exchangeJson, type HttpRequest, type HttpRuntime, readDuration, type Service } from "../../runtime/http.ts";
import type { TelegramSettings } from "./settings.ts";

/** A call of a method. */
export interface BotCall extends Pick<HttpRequest, "timeoutMs" | "signal"> {
  /** The name of the method: `sendMessage`, `getMe`. */
  readonly method: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The parameters of a call that uploads a file. These calls do not use `parameters`. */
  readonly form?: FormData;
}

/** The error for a chat that has a new number. */
export class MovedError extends ResponseError {
  override name = "MovedError" as const;
  /** The new number. */
  readonly chat: string;

  constructor(message: string, chat: string) {
    super(message, { status: 400, failureClass: "destination" });
    this.chat = chat;
  }
}

/**
 * The failure classes of statuses whose meaning in Telegram differs from HTTP. Telegram answers 404
 * to a malformed token, 403 if the bot was removed from a chat, and 400 to every problem with a
 * chat. Telegram also answers 400 to a text that is not valid, but matrix-notify does not send
 * invalid texts.
 */
const FAILURE_CLASSES: Readonly<Record<number, ResponseClass>> = {
  400: "destination",
  401: "credentials",
  403: "destination",
  404: "credentials",
  421: "credentials",
};

const TOKEN_HINT = "use the token from BotFather (/token)";

const CHAT_HINT = "check the number of the chat; send a message to the bot, or add the bot to the group again";

/** The hints, by status. */
const HINTS: Readonly<Record<number, string>> = {
  400: CHAT_HINT,
  401: TOKEN_HINT,
  403: CHAT_HINT,
  404: TOKEN_HINT,
  413: "a bot can send files of at most 50 MB",
  421: TOKEN_HINT,
};

const TELEGRAM: Service = {
  name: "Telegram",
  isSuccess: ({ status, json }) => status === 200 && json.ok === true,
  readRefusal({ host, status, json, retryAfterMs: headerMs }) {
    const parameters = isObject(json.parameters) ? json.parameters : {};
    const { retry_after: seconds, migrate_to_chat_id: chat } = parameters;
    const retryAfterMs = readDuration(seconds, 1000) || headerMs;
    if (json.ok !== false || json.error_code !== status || typeof json.description !== "string") return undefined;
    if (status === 400 && Number.isSafeInteger(chat)) {
      throw new MovedError(`${host} answered ${status}: ${json.description}`, String(chat));
    }
    return { said: json.description, retryAfterMs, failureClass: FAILURE_CLASSES[status], hint: HINTS[status] };
  },
};

/**
 * Calls a method.
 *
 * @returns the result of the method
 * @throws {MovedError} if the chat has a new number
 * @throws {TransportError | ResponseError | NotTheServiceError} if the call failed
 */
export async function callBot(
  runtime: HttpRuntime,
  { server, token }: Pick<TelegramSettings, "server" | "token">,
  { method, parameters = {}, form, timeoutMs, signal }: BotCall,
): Promise<unknown> {
  const { json } = await exchangeJson(runtime, {
    method: "POST",
    url: `${server}/bot${token.reveal()}/${method}`,
    hidesUrl: true,
    headers: { ...(form ? {} : { "Content-Type": "application/json" }), "User-Agent": USER_AGENT },
    body: form ?? JSON.stringify(parameters),
    timeoutMs,
    signal,
  }, TELEGRAM);
  return json.result;
}
