/**
 * The messages and the errors of a loopback Bot API server. This file also parses HTML, and the
 * parameters of `sendMessage`, `sendPhoto` and `sendDocument`.
 */

import { isObject } from "../base/fields.ts";
import { type Answer, jsonAnswer } from "./answer.ts";

/** Creates an error in Telegram's format: `{ok, error_code, description, parameters}`. */
export function telegramError(error_code: number, description: string, parameters?: object): Answer {
  return jsonAnswer(error_code, { ok: false, error_code, description, ...parameters && { parameters } });
}

/**
 * Creates the error for too many requests. The waiting time is in the body and in `Retry-After`.
 */
export function tooManyRequests(seconds: number): Answer {
  const error = telegramError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
  return { ...error, headers: { ...error.headers, "retry-after": String(seconds) } };
}

/** A message in a chat. */
export interface TelegramMessage {
  /** The number of the message. */
  readonly id: number;
  /** The time at which the server accepted the message, in seconds since 1970. */
  readonly date: number;
  /** The chat id. */
  readonly chat: string;
  /** The text without tags. */
  readonly text: string;
  /** The HTML tags that were in the text. */
  readonly tags: readonly string[];
  /** True if clients must not play a sound for the message. */
  readonly silent: boolean;
  /** The topic of a forum. Undefined if the chat is not a forum. */
  readonly thread: number | undefined;
  /** The number of the message to which this message replies, if any. */
  readonly replyTo: number | undefined;
  /** True if link previews are enabled. */
  readonly hasPreview: boolean;
  /** The file, if any. */
  readonly file?: TelegramFile;
}

/** A file in a chat. */
export interface TelegramFile {
  /** The kind of the file. Clients show a photo in the chat, and offer a document for download. */
  readonly kind: "photo" | "document";
  /** The file name. */
  readonly name: string;
  /** The media type. */
  readonly type: string;
  /** The content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const MAX_PHOTO_BYTES = 10 * 2 ** 20;
const MAX_DOCUMENT_BYTES = 50 * 2 ** 20;

/** A message without the fields that the server adds. */
export type NewTelegramMessage = Omit<TelegramMessage, "id" | "date">;

/** Parses the form of a request to `sendPhoto` or `sendDocument`. The form contains a file. */
export async function parseFileMessage(
  form: FormData,
  kind: TelegramFile["kind"],
): Promise<NewTelegramMessage | Answer> {
  const file = form.get(kind);
  if (!(file instanceof File)) return telegramError(400, `Bad Request: there is no ${kind} in the request`);
  if (file.size === 0) return telegramError(400, "Bad Request: file must be non-empty");
  if (file.size > (kind === "photo" ? MAX_PHOTO_BYTES : MAX_DOCUMENT_BYTES)) {
    return telegramError(413, "Request Entity Too Large");
  }
  if (kind === "photo" && !/^image\/(png|jpeg|webp)$/.test(file.type)) {
    return telegramError(400, "Bad Request: IMAGE_PROCESS_FAILED");
  }
  const caption = String(form.get("caption") ?? "");
  if (caption.length > MAX_CAPTION_CHARS) return telegramError(400, "Bad Request: message caption is too long");
  const thread = form.get("message_thread_id");
  return {
    chat: String(form.get("chat_id")),
    text: caption,
    tags: [],
    silent: form.get("disable_notification") === "true",
    thread: thread === null ? undefined : Number(thread),
    replyTo: undefined,
    hasPreview: false,
    file: { kind, name: file.name, type: file.type, bytes: await file.bytes() },
  };
}

/**
 * The maximum length of a text without its tags, in UTF-16 code units. Telegram does not document
 * how its servers count. TDLib (Telegram's public client library) counts code points. Counting
 * UTF-16 code units is stricter.
 */
const MAX_CHARS = 4096;

/** The maximum length of a caption, in UTF-16 code units. */
const MAX_CAPTION_CHARS = 1024;

/** Parses the parameters of `sendMessage`. Unknown parameters are ignored. */
export function parseTextMessage(body: Record<string, unknown>): NewTelegramMessage | Answer {
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

/** The result of parsing HTML: an error, or the text without its tags and a list of its tags. */
export type ParsedHtml = { readonly text: string; readonly tags: readonly string[] } | { readonly error: string };

const TAGS: ReadonlySet<string> = new Set([
  ...["a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "tg-spoiler", "tg-emoji", "tg-time"],
  ...["span", "pre", "code", "blockquote"],
]);

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/**
 * Parses HTML as the Bot API does (section "HTML style" of its documentation). Each tag must be
 * known, correctly nested and closed. Every `<` starts a tag.
 */
export function parseHtml(source: string): ParsedHtml {
  const open: string[] = [];
  const tags: string[] = [];
  let text = "", at = 0;
  for (const [token] of source.matchAll(/<[^>]*>?|[^<]+/g)) {
    const offset = at;
    at += new TextEncoder().encode(token).length;
    if (!token.startsWith("<")) {
      text += decode(token);
      continue;
    }
    if (!token.endsWith(">")) return { error: `Unclosed start tag at byte offset ${offset}` };
    const [, slash, name = ""] = /^<(\/?)([^\s>]*)/.exec(token) ?? [];
    const tag = name.toLowerCase();
    if (slash === "/") {
      const expected = open.pop();
      if (expected === undefined) return { error: `Unexpected end tag at byte offset ${offset}` };
      if (tag !== "" && tag !== expected) {
        return { error: `Unmatched end tag at byte offset ${offset}, expected "</${expected}>", found "</${tag}>"` };
      }
      continue;
    }
    if (!TAGS.has(tag)) return { error: `Unsupported start tag "${tag}" at byte offset ${offset}` };
    const problem = findAttributeProblem(tag, token.slice(1 + name.length, -1));
    if (problem !== undefined) return { error: `${problem} at byte offset ${offset}` };
    open.push(tag);
    tags.push(tag);
  }
  const last = open.at(-1);
  return last === undefined ? { text, tags } : { error: `Can't find end tag corresponding to start tag "${last}"` };
}

function findAttributeProblem(tag: string, attributes: string): string | undefined {
  const rest = attributes.replace(/\s+[-a-z]+(\s*=\s*("[^"]*"|'[^']*'|[-.\w]+))?/gi, "").trim();
  if (rest !== "") return `Empty attribute name in the tag "${tag}"`;
  if (tag !== "span" || /class\s*=\s*["']?tg-spoiler\b/.test(attributes)) return undefined;
  return 'Tag "span" must have class "tg-spoiler"';
}

/**
 * Decodes numeric HTML entities and the named entities in `ENTITIES`. Does not change other text.
 */
function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot));?/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return code > 0 && code < 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
