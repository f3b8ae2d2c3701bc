/** The checks of a Telegram channel (Bot API, "getMe", "getChat"). */

import { ResponseError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import { isWord } from "../../runtime/http.ts";
import { type Check, type CheckContext, failure, type Found, ok } from "../check.ts";
import { HEAD_ROOT, probeServer } from "../http_checks.ts";
import { callBot } from "./bot.ts";
import type { TelegramSettings } from "./settings.ts";

/** Creates the checks. */
export function createChecks(context: CheckContext, settings: TelegramSettings): readonly Check[] {
  const call = (method: string, parameters?: Readonly<Record<string, unknown>>) =>
    callBot(context.runtime, settings, { method, parameters, ...context.limits });
  return [
    ...probeServer(context, settings.server, HEAD_ROOT).checks,
    {
      name: "bot",
      needs: ["connection"],
      async *look() {
        try {
          const me = await call("getMe");
          const name = isObject(me) && isWord(me.username) ? `@${me.username}` : "a bot";
          yield ok(`the token belongs to ${name}`);
        } catch (error) {
          yield refusalFinding(error, "credentials");
        }
      },
    },
    {
      name: "chat",
      needs: ["bot"],
      async *look() {
        const known: string[] = [];
        for (const chat of settings.chat) {
          try {
            await call("getChat", { chat_id: chat });
            known.push(chat);
          } catch (error) {
            const found = refusalFinding(error, "destination");
            yield { ...found, message: `chat ${chat}: ${found.message}` };
          }
        }
        if (known.length > 0) yield ok(`the bot knows ${known.join(", ")}`);
      },
    },
  ];
}

/** Converts a refusal that the user can fix to a finding. Rethrows any other error. */
function refusalFinding(error: unknown, failureClass: ResponseError["failureClass"]): Found {
  if (error instanceof ResponseError && error.failureClass === failureClass) return failure(error.message, error.hint);
  throw error;
}
