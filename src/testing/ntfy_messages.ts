/**
 * The messages and the errors of a loopback ntfy server. Also parses both forms of publishing: JSON
 * to `/`, and a text or a file to `/{topic}`.
 */

import { parseJsonObject } from "../base/fields.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import type { Call } from "./server.ts";

/** A message as an ntfy server returns it. */
export interface NtfyMessage {
  /** The id that the server created. It has 12 letters and digits. */
  readonly id: string;
  /** The time at which the server accepted the message, in seconds since 1970. */
  readonly time: number;
  /** The time at which the server will delete the message, in seconds since 1970. */
  readonly expires: number;
  /** The type of the event. Always `"message"`. */
  readonly event: "message";
  /** The topic. */
  readonly topic: string;
  /** The text. It is the word `triggered` if the request did not contain a text. */
  readonly message: string;
  /**
   * The id of a sequence of messages. Clients show only the newest message of each sequence. Absent
   * by default.
   */
  readonly sequence_id?: string;
  /** The title, if any. */
  readonly title?: string;
  /** The priority, from 1 (min) to 5 (max). Absent for the default, 3. */
  readonly priority?: number;
  /** The tags, if any. */
  readonly tags?: readonly string[];
  /** The URL that opens when a user taps the message, if any. */
  readonly click?: string;
  /** The URL of the icon, if any. */
  readonly icon?: string;
  /** The value `text/markdown` if the text is Markdown. Absent if the text is not Markdown. */
  readonly content_type?: string;
  /** The attachment, if any. */
  readonly attachment?: NtfyAttachment;
}

/** An attachment of a message. */
export interface NtfyAttachment {
  /** The file name. */
  readonly name: string;
  /** The media type. */
  readonly type: string;
  /** The size in bytes. */
  readonly size: number;
  /** The time at which the server will delete the file, in seconds since 1970. */
  readonly expires: number;
  /** The URL for downloads. */
  readonly url: string;
}

/**
 * The errors of ntfy, by their five-digit codes. The first three digits of a code are the HTTP
 * status.
 */
const ERRORS = {
  40007: ["invalid priority parameter", "https://ntfy.sh/docs/publish/#message-priority"],
  40008: ["invalid since parameter", "https://ntfy.sh/docs/subscribe/api/#fetch-cached-messages"],
  40009: ["invalid request: topic invalid", ""],
  40010: ["invalid request: topic name is not allowed", ""],
  40011: ["invalid message: message must be UTF-8 encoded", ""],
  40014: ["invalid request: attachments not allowed", "https://ntfy.sh/docs/config/#attachments"],
  40024: ["invalid request: request body must be valid JSON", ""],
  40049: ["invalid request: sequence ID invalid", "https://ntfy.sh/docs/publish/#updating-deleting-notifications"],
  40101: ["unauthorized", "https://ntfy.sh/docs/publish/#authentication"],
  40301: ["forbidden", "https://ntfy.sh/docs/publish/#authentication"],
  40401: ["page not found", ""],
  41301: ["attachment too large, or bandwidth limit reached", "https://ntfy.sh/docs/publish/#limitations"],
  41303: ["JSON body too large", ""],
  42901: ["limit reached: too many requests", "https://ntfy.sh/docs/publish/#limitations"],
  42905: ["limit reached: daily bandwidth reached", "https://ntfy.sh/docs/publish/#limitations"],
  42908: ["limit reached: daily message quota reached", "https://ntfy.sh/docs/publish/#limitations"],
  50001: ["internal server error", ""],
} as const;

/** Creates an error in ntfy's format: `{code, http, error, link}`. */
export function ntfyError(code: keyof typeof ERRORS, headers: Readonly<Record<string, string>> = {}): Answer {
  const [error, link] = ERRORS[code];
  const http = Math.floor(code / 100);
  return jsonAnswer(http, { code, http, error, ...link !== "" && { link } }, headers);
}

/** A published message, without the fields that the server adds. */
export type NewNtfyMessage = Omit<NtfyMessage, "id" | "time" | "expires" | "event">;

/**
 * The smallest size, in bytes, at which a text becomes an attachment. With default settings, the
 * server does not allow attachments, and rejects a text of this size.
 */
export const NTFY_MESSAGE_LIMIT_BYTES = 4096;

const TOPIC = /^[-_A-Za-z0-9]{1,64}$/;
const RESERVED = ["docs", "static", "file", "app", "metrics", "account", "settings", "signup", "login", "v1"];
const PRIORITY_NAMES = ["min", "low", "default", "high", "max"];
const JSON_TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  topic: isString,
  title: isString,
  message: isString,
  priority: Number.isInteger,
  tags: (value) => Array.isArray(value) && value.every(isString),
  click: isString,
  icon: isString,
  markdown: (value) => typeof value === "boolean",
  sequence_id: isString,
};

/** Parses a request to `/` with JSON. Ignores unknown fields, because ntfy ignores them. */
export function parseJsonMessage({ bytes }: Call): NewNtfyMessage | Answer {
  if (bytes.length > 2 * NTFY_MESSAGE_LIMIT_BYTES) return ntfyError(41303);
  const body = parseJsonObject(new TextDecoder().decode(bytes));
  if (body === undefined) return ntfyError(40024);
  const given = Object.entries(body).filter(([, value]) => value !== null);
  if (given.some(([name, value]) => JSON_TYPES[name]?.(value) === false)) return ntfyError(40024);
  const text = (name: string) => String(body[name] ?? "");
  return createMessage({
    topic: text("topic"),
    title: text("title"),
    message: text("message"),
    priority: text("priority") === "0" ? "" : text("priority"),
    tags: Array.isArray(body.tags) ? body.tags.map(String) : [],
    click: text("click"),
    icon: text("icon"),
    markdown: body.markdown === true,
    sequenceId: text("sequence_id"),
  });
}

/** The settings for the attachments of new messages. */
export interface AttachmentStorage {
  /**
   * The maximum size of an attachment, in bytes. Undefined if attachments are not allowed, which is
   * the default of ntfy.
   */
  readonly maxBytes: number | undefined;
  /** The time at which a new attachment expires, in seconds since 1970. */
  readonly expires: number;
  /** The URL of a new attachment. */
  readonly url: string;
}

/**
 * Parses a request to `/{topic}`. The body is the text of the message. The other fields are in
 * headers or query parameters. If the request contains a file name, or if the body is not UTF-8 or
 * is too long for a message, the body becomes an attachment instead of the text.
 */
export function parseTextMessage(
  { bytes, headers, query }: Call,
  topic: string,
  storage: AttachmentStorage,
): NewNtfyMessage | Answer {
  const params = new URLSearchParams(query);
  const read = (...names: string[]) => {
    const values = names.map((name) => headers.get(`x-${name}`) ?? headers.get(name) ?? params.get(name));
    return values.find((value) => value !== null)?.trim() ?? "";
  };
  const text = decodeUtf8(bytes);
  const name = read("filename", "file", "f");
  const isFile = name !== "" || text === undefined || bytes.length >= NTFY_MESSAGE_LIMIT_BYTES;
  if (isFile && storage.maxBytes === undefined) {
    return ntfyError(name === "" && bytes.length < NTFY_MESSAGE_LIMIT_BYTES ? 40011 : 40014);
  }
  if (isFile && bytes.length > (storage.maxBytes ?? 0)) return ntfyError(41301);
  const fileName = name || "attachment.bin";
  const message = isFile ? read("message", "m") || `You received a file: ${fileName}` : text || read("message", "m");
  const { expires, url } = storage;
  const attachment = { name: fileName, type: headers.get("content-type") ?? "", size: bytes.length, expires, url };
  const result = createMessage({
    topic,
    title: read("title", "ti", "t"),
    message,
    priority: read("priority", "prio", "p"),
    tags: read("tags", "tag", "ta").split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
    click: read("click"),
    icon: read("icon"),
    sequenceId: read("sequence-id"),
    markdown: ["1", "yes", "true"].includes(read("markdown", "md")) || headers.get("content-type") === "text/markdown",
  });
  return isFile && !("status" in result) ? { ...result, attachment } : result;
}

/** Decodes UTF-8. Returns undefined if the bytes are not UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

interface Fields {
  readonly topic: string;
  readonly title: string;
  readonly message: string;
  readonly priority: string;
  readonly tags: readonly string[];
  readonly click: string;
  readonly icon: string;
  readonly markdown: boolean;
  readonly sequenceId: string;
}

function createMessage({ topic, message, markdown, sequenceId, ...fields }: Fields): NewNtfyMessage | Answer {
  if (!TOPIC.test(topic)) return ntfyError(40009);
  if (RESERVED.includes(topic)) return ntfyError(40010);
  if (sequenceId !== "" && !TOPIC.test(sequenceId)) return ntfyError(40049);
  const priority = parsePriority(fields.priority);
  if (priority === undefined) return ntfyError(40007);
  if (new TextEncoder().encode(message).length >= NTFY_MESSAGE_LIMIT_BYTES) return ntfyError(40014);
  return {
    topic,
    message: message.trim() || "triggered",
    ...sequenceId !== "" && { sequence_id: sequenceId },
    ...fields.title !== "" && { title: fields.title },
    ...priority !== 0 && { priority },
    ...fields.tags.length > 0 && { tags: fields.tags },
    ...fields.click !== "" && { click: fields.click },
    ...fields.icon !== "" && { icon: fields.icon },
    ...markdown && { content_type: "text/markdown" },
  };
}

/** Parses a priority. Returns 0 for an empty text, and undefined for an unknown priority. */
function parsePriority(text: string): number | undefined {
  const name = text.toLowerCase() === "urgent" ? "max" : text.toLowerCase();
  if (name === "") return 0;
  if (/^[1-5]$/.test(name)) return Number(name);
  const index = PRIORITY_NAMES.indexOf(name);
  return index < 0 ? undefined : index + 1;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
