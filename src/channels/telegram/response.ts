/** What Telegram's answers mean (Bot API, "Making requests", "ResponseParameters"). */

import { NotTheServiceError, type Refusal, type ResponseClass, ResponseError } from "../../base/errors.ts";
import { isObject, parseJsonObject } from "../../base/fields.ts";
import { type HttpAnswer, MAX_WAIT_MS, parseRetryAfter } from "../../runtime/http.ts";

/** The chat has another number now. */
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
 * Where the status alone means something else in HTTP: a token of the wrong form is 404, a bot that was thrown out of a chat is 403, and every
 * trouble with a chat is 400, as are texts that it cannot use; those we do not send.
 */
const VERDICTS: Readonly<Record<number, ResponseClass>> = {
  400: "destination",
  401: "credentials",
  403: "destination",
  404: "credentials",
  421: "credentials",
};

/**
 * Reads the answer to a call.
 *
 * @returns its result
 * @throws {ResponseError | NotTheServiceError} when nothing was done
 */
export function readAnswer(
  answer: HttpAnswer,
  { host, now }: { readonly host: string; readonly now: number },
): unknown {
  const { status } = answer;
  const json = parseJsonObject(answer.text);
  if (status === 200 && json?.ok === true) return json.result;
  const parameters = isObject(json?.parameters) ? json.parameters : {};
  const retryAfterMs = secondsToMs(parameters.retry_after) ?? parseRetryAfter(answer.headers.get("Retry-After"), now);
  if (json?.ok !== false || json.error_code !== status || typeof json.description !== "string") {
    throw notLikeTelegram(host, { status, retryAfterMs });
  }
  const message = `${host} answered ${status}: ${json.description}`;
  const { migrate_to_chat_id: chat } = parameters;
  if (status === 400 && Number.isSafeInteger(chat)) throw new MovedError(message, String(chat));
  throw new ResponseError(message, { status, retryAfterMs, failureClass: VERDICTS[status] });
}

/** Somebody else answers there. */
export function notLikeTelegram(host: string, refusal: Pick<Refusal, "status" | "retryAfterMs">): NotTheServiceError {
  return new NotTheServiceError(`${host} does not answer like Telegram: ${refusal.status}`, refusal);
}

function secondsToMs(seconds: unknown): number | undefined {
  return typeof seconds === "number" && seconds > 0 ? Math.min(seconds * 1000, MAX_WAIT_MS) : undefined;
}
