/** Sends a file to a Telegram chat (Bot API, "sendPhoto", "sendDocument", "Sending files"). */

import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import { ResponseError } from "../../base/errors.ts";
import type { Attachment } from "../../notification/notification.ts";
import type { FileReader } from "../kind.ts";
import { type BotCall, MovedError } from "./bot.ts";

/** The largest photo, in bytes. A larger photo is sent as a document. */
const MAX_PHOTO_BYTES = 10 * 2 ** 20;

/** The largest sum of width and height of a photo, in pixels. */
const MAX_PHOTO_PIXELS = 10_000;

/** The largest ratio of the sides of a photo. */
const MAX_PHOTO_RATIO = 20;

const PHOTO_TYPES: readonly string[] = ["image/jpeg", "image/png", "image/webp"];

/** A file, with the values that are needed to send it. */
export interface FileCall {
  readonly file: Attachment;
  readonly files: FileReader;
  readonly timeoutMs: number;
  /** The parameters of every message to the chat. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Calls a method of the bot. */
  readonly call: (call: Pick<BotCall, "method" | "form" | "timeoutMs">) => Promise<unknown>;
}

/**
 * Sends a file, as a photo if possible. If Telegram refuses the photo, the file is sent as a
 * document immediately.
 *
 * @returns the sent message, as Telegram describes it
 * @throws {ResponseError} with the class `rejected` if Telegram refuses the file
 * @throws any error of `call`
 */
export async function sendFile({ file, files, timeoutMs, parameters, call }: FileCall): Promise<unknown> {
  const blob = new File([await files.read(file)], file.name, { type: file.type });
  const send = async (method: "sendPhoto" | "sendDocument", name: "photo" | "document") => {
    const form = new FormData();
    for (const [key, value] of Object.entries(parameters)) form.set(key, String(value));
    form.set(name, blob);
    return await call({ method, form, timeoutMs: timeoutWithAttachments(timeoutMs, [file]) });
  };
  if (isPhoto(file)) {
    try {
      return await send("sendPhoto", "photo");
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }
  try {
    return await send("sendDocument", "document");
  } catch (error) {
    if (!isRefused(error)) throw error;
    // The chat has already accepted the text of the notification, so the cause of this error is the
    // file.
    throw new ResponseError(`Cannot send ${file.name}: ${error.message}`, {
      status: error.status,
      failureClass: "rejected",
    });
  }
}

function isPhoto({ type, size, width = 0, height = 0 }: Attachment): boolean {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  return PHOTO_TYPES.includes(type) && size <= MAX_PHOTO_BYTES && short > 0 && short + long <= MAX_PHOTO_PIXELS &&
    long <= MAX_PHOTO_RATIO * short;
}

function isRefused(error: unknown): error is ResponseError {
  return error instanceof ResponseError && error.status === 400 && !(error instanceof MovedError);
}
