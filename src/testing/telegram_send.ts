/** Reading what a bot sends. */

import type { Answer } from "./answer.ts";
import { telegramError } from "./telegram_faults.ts";
import { parseHtml } from "./telegram_parse.ts";

/** A message as its readers have it. */
export interface TelegramMessage {
  /** The number that the server gave to it. */
  readonly id: number;
  /** When the server took it, in seconds since 1970. */
  readonly date: number;
  /** The chat. */
  readonly chat: string;
  /** The text after the entities were parsed. */
  readonly text: string;
  /** The tags that stood in it. */
  readonly tags: readonly string[];
  /** Whether it came without a sound. */
  readonly silent: boolean;
  /** The topic; undefined outside of forums. */
  readonly thread: number | undefined;
  /** The message that it answers; undefined when it answers none. */
  readonly replyTo: number | undefined;
  /** Whether the server may show previews of its links. */
  readonly hasPreview: boolean;
  /** The file that it is; undefined for a text. */
  readonly file?: TelegramFile;
}

/** A file as its readers have it. */
export interface TelegramFile {
  /** How it was sent: a photo is shown, a document is to be opened. */
  readonly kind: "photo" | "document";
  /** How it was called. */
  readonly name: string;
  /** The media type that it was sent with. */
  readonly type: string;
  /** What is in it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The largest photo, in bytes. */
const MAX_PHOTO_BYTES = 10 * 2 ** 20;

/** The largest document, in bytes. */
const MAX_DOCUMENT_BYTES = 50 * 2 ** 20;

/** Reads the parameters of `sendPhoto` and `sendDocument`: a form with a file. */
export async function readFileDraft(
  form: FormData,
  kind: TelegramFile["kind"],
): Promise<Omit<TelegramMessage, "id" | "date"> | Answer> {
  const file = form.get(kind);
  if (!(file instanceof File)) return telegramError(400, `Bad Request: there is no ${kind} in the request`);
  if (file.size === 0) return telegramError(400, "Bad Request: file must be non-empty");
  if (file.size > (kind === "photo" ? MAX_PHOTO_BYTES : MAX_DOCUMENT_BYTES)) {
    return telegramError(413, "Request Entity Too Large");
  }
  if (kind === "photo" && !/^image\/(png|jpeg|webp)$/.test(file.type)) {
    return telegramError(400, "Bad Request: IMAGE_PROCESS_FAILED");
  }
  const thread = form.get("message_thread_id");
  return {
    chat: String(form.get("chat_id")),
    text: String(form.get("caption") ?? ""),
    tags: [],
    silent: form.get("disable_notification") === "true",
    thread: thread === null ? undefined : Number(thread),
    replyTo: undefined,
    hasPreview: false,
    file: { kind, name: file.name, type: file.type, bytes: await file.bytes() },
  };
}

/** The longest text, in UTF-16 code units after the entities were parsed. */
const MAX_CHARS = 4096;

/** Reads the parameters of `sendMessage`. Names that the server does not know are passed over. */
export function readDraft(body: Record<string, unknown>): Omit<TelegramMessage, "id" | "date"> | Answer {
  const { chat_id, text, parse_mode, message_thread_id: thread, disable_notification, link_preview_options } = body;
  if (typeof text !== "string") return telegramError(400, "Bad Request: message text is empty");
  if (!text.isWellFormed()) return telegramError(400, "Bad Request: strings must be encoded in UTF-8");
  if (parse_mode !== undefined && parse_mode !== "HTML") {
    return telegramError(400, "Bad Request: unsupported parse_mode");
  }
  const parsed = parse_mode === "HTML" ? parseHtml(text) : { text, tags: [] };
  if ("error" in parsed) return telegramError(400, `Bad Request: can't parse entities: ${parsed.error}`);
  if (parsed.text.trim() === "") return telegramError(400, "Bad Request: message text is empty");
  if (parsed.text.length > MAX_CHARS) return telegramError(400, "Bad Request: message is too long");
  if (thread !== undefined && (typeof thread !== "number" || thread < 1)) {
    return telegramError(400, "Bad Request: message thread not found");
  }
  const { reply_parameters: reply = {} } = body;
  const { message_id: replyTo } = isObject(reply) ? reply : {};
  if (!isObject(reply) || (replyTo !== undefined && typeof replyTo !== "number")) {
    return telegramError(400, "Bad Request: can't parse reply parameters JSON object");
  }
  return {
    chat: String(chat_id),
    text: parsed.text.trim(),
    tags: parsed.tags,
    silent: disable_notification === true,
    thread,
    replyTo,
    hasPreview: !isObject(link_preview_options) || link_preview_options.is_disabled !== true,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
