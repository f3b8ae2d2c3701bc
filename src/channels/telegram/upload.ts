/** A file in a Telegram chat (Bot API, "sendPhoto", "sendDocument", "Sending files"). */

import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import { ResponseError } from "../../base/errors.ts";
import type { Attachment } from "../../notification/notification.ts";
import type { FileReader } from "../kind.ts";
import { MovedError } from "./response.ts";
import type { BotCall } from "./bot.ts";

/** Larger photos it does not take: they go as documents. */
const MAX_PHOTO_BYTES = 10 * 2 ** 20;

/** Width and height of a photo together, in pixels. */
const MAX_PHOTO_PIXELS = 10_000;

/** Neither side of a photo may be so many times the other. */
const MAX_PHOTO_RATIO = 20;

const PHOTO_TYPES: readonly string[] = ["image/jpeg", "image/png", "image/webp"];

/** How a file goes out. */
export interface FileCall {
  readonly file: Attachment;
  readonly files: FileReader;
  readonly timeoutMs: number;
  /** What every message to the chat says. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Calls a method of the bot. */
  readonly call: (call: Pick<BotCall, "method" | "form" | "timeoutMs">) => Promise<unknown>;
}

/**
 * Sends a file, as a photo where it can be one. What is refused as a photo is not sent, so that it may follow at once as what it is.
 *
 * @returns the message
 * @throws {ResponseError} when the file is refused for good; what is behind it goes on
 * @throws whatever `call` throws
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
    // The chat took the text before it.
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
