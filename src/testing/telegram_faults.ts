/** The faults of a Bot API server, and the form of its answers. */

import { type Answer, jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, instead, waitMs } from "./common_faults.ts";
import type { FaultPlan } from "./faults.ts";

/** The name of a fault of {@linkcode LoopbackTelegram}. */
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

/** What each fault does. */
export const TELEGRAM_FAULTS: Readonly<Record<TelegramFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(telegramError(500, "Internal Server Error")),
  "429-retry-after": {
    acts: false,
    outcome(details) {
      const seconds = Math.ceil(waitMs(details) / 1000);
      return telegramError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
    },
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

/** An error in Telegram's form: `{ok, error_code, description, parameters}`. */
export function telegramError(error_code: number, description: string, parameters?: object): Answer {
  return jsonAnswer(error_code, { ok: false, error_code, description, ...parameters && { parameters } });
}

/** What a method gives back: `{ok, result}`. */
export function telegramResult(result: object): Answer {
  return jsonAnswer(200, { ok: true, result });
}
