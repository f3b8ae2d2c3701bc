/** What is looked at of a Telegram channel (Bot API, "getMe", "getChat"). */

import { botFields, callBot, chatsField, type TelegramBot } from "../../channels/telegram/bot.ts";
import type { ChannelSource } from "../../config/load.ts";
import { ResponseError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import type { Check } from "../check.ts";
import { type DoctorContext, limitsOf } from "../context.ts";
import { failure, type Found, ok } from "../finding.ts";
import { HTTP_CHECKS, HttpPatient, KNOCK } from "./http.ts";

/** A Telegram channel that is looked at. */
export class TelegramPatient extends HttpPatient {
  readonly chats: readonly string[];
  readonly #bot: TelegramBot;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const bot = botFields(source.fields, source.context);
    super(source, context, { server: bot.baseUrl, hello: KNOCK });
    this.chats = chatsField(source.fields);
    this.#bot = bot;
  }

  /** Calls a method of the bot. @throws what that throws */
  call(method: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return callBot(this.runtime, this.#bot, { method, parameters, ...limitsOf(this.context) });
  }
}

/** The checks. */
export const TELEGRAM_CHECKS: readonly Check<TelegramPatient>[] = [
  ...HTTP_CHECKS,
  {
    name: "bot",
    needs: ["connection"],
    async *look(patient) {
      try {
        const me = await patient.call("getMe");
        yield ok(`the token is ${isObject(me) && typeof me.username === "string" ? `@${me.username}'s` : "a bot's"}`);
      } catch (error) {
        yield refused(error, "credentials", "put the bot's token in its place, as BotFather gives it (/token)");
      }
    },
  },
  {
    name: "chat",
    needs: ["bot"],
    async *look(patient) {
      const known: string[] = [];
      for (const chat of patient.chats) {
        try {
          await patient.call("getChat", { chat_id: chat });
          known.push(chat);
        } catch (error) {
          const { state, message, hint } = refused(
            error,
            "destination",
            "write to the bot first, or add it to the group again",
          );
          yield { state, message: `chat ${chat}: ${message}`, hint };
        }
      }
      if (known.length > 0) yield ok(`the bot knows ${known.join(", ")}`);
    },
  },
];

/** A refusal that somebody can mend; what else failed is thrown on. */
function refused(error: unknown, verdict: ResponseError["failureClass"], hint: string): Found {
  if (error instanceof ResponseError && error.failureClass === verdict) return failure(error.message, hint);
  throw error;
}
