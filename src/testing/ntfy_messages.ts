/**
 * The messages and the errors of a loopback ntfy server. This file also parses both forms of a
 * request to publish: JSON to `/`, and a text or a file to `/{topic}` (ntfy, `server/server.go`).
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
  /** The priority, from 1 (min) to 5 (max). Absent if the request set no priority. */
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
  40021: ["invalid request: icon URL is invalid", "https://ntfy.sh/docs/publish/#icons"],
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
 * The default of `message-size-limit`, in bytes (ntfy, `server/config.go`). A text must be shorter
 * than the limit; otherwise it becomes an attachment.
 */
export const NTFY_MESSAGE_LIMIT_BYTES = 4096;

export const TOPIC = /^[-_A-Za-z0-9]{1,64}$/;
export const RESERVED_TOPICS = [
  "docs",
  "static",
  "file",
  "app",
  "metrics",
  "account",
  "settings",
  "signup",
  "login",
  "v1",
];
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

/** The limits of a server, and some data for a new attachment. */
export interface NtfyLimits {
  /** The message-size-limit of the server, in bytes. */
  readonly messageBytes: number;
  /**
   * The maximum size of an attachment, in bytes. Undefined if attachments are not allowed, which is
   * the default of ntfy.
   */
  readonly fileBytes: number | undefined;
  /** The free space for attachments, in bytes. */
  readonly freeBytes: number;
  /** The time at which a new attachment expires, in seconds since 1970. */
  readonly expires: number;
  /** The URL of a new attachment. */
  readonly url: string;
}

/** The parts of a request to publish. A text or a file is in `bytes`. */
export interface Publication {
  readonly topic: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Looks for the parameters `names` in this order, and returns the first value. Returns an empty
   * string if none of them is set.
   */
  readonly read: (...names: string[]) => string;
}

/**
 * Parses a JSON request to `/`. Its size must be less than twice the limit for messages. Ignores
 * unknown fields, as ntfy does.
 */
export function parseJsonPublication({ bytes }: Call, { messageBytes }: NtfyLimits): Publication | Answer {
  if (bytes.length >= 2 * messageBytes) return ntfyError(41303);
  const body = parseJsonObject(new TextDecoder().decode(bytes));
  if (body === undefined) return ntfyError(40024);
  const given = Object.entries(body).filter(([, value]) => value !== null);
  if (given.some(([name, value]) => JSON_TYPES[name]?.(value) === false)) return ntfyError(40024);
  const topic = String(body.topic ?? "");
  if (!TOPIC.test(topic)) return ntfyError(40009);
  const fields = new Map(given.map(([name, value]) => [name.replace("_", "-"), String(value)]));
  if (fields.get("priority") === "0") fields.delete("priority");
  const read: Publication["read"] = (...names) =>
    names.map((name) => fields.get(name)).find((value) => value !== undefined)?.trim() ?? "";
  const message = String(body.message ?? "") || "triggered";
  return {
    topic,
    bytes: new TextEncoder().encode(message),
    read: (...names) => names[0] === "message" ? "" : read(...names),
  };
}

/** Parses a request to `/{topic}`. The parameters are in headers or in the query. */
export function parseTextPublication({ bytes, headers, query }: Call, topic: string): Publication {
  const params = new URLSearchParams(query);
  const read: Publication["read"] = (...names) => {
    const values = names.map((name) => headers.get(`x-${name}`) || headers.get(name) || params.get(name));
    return values.find((value) => value)?.trim() ?? "";
  };
  return { topic, bytes, read };
}

/**
 * Creates the message of a request. The body is normally the text. In three cases, it becomes an
 * attachment: the request contains a file name, the body is not UTF-8, or the body is too long for
 * a message.
 */
export function createMessage(publication: Publication, limits: NtfyLimits): NewNtfyMessage | Answer {
  const { topic, bytes, read } = publication;
  const sequenceId = read("sequence-id");
  if (sequenceId !== "" && !TOPIC.test(sequenceId)) return ntfyError(40049);
  const priority = parsePriority(read("priority", "prio", "p"));
  if (priority === undefined) return ntfyError(40007);
  const icon = read("icon");
  if (icon !== "" && !/^https?:\/\//.test(icon)) return ntfyError(40021);
  const text = decodeUtf8(bytes);
  const name = read("filename", "file", "f");
  const isFile = name !== "" || text === undefined || bytes.length >= limits.messageBytes;
  if (isFile && limits.fileBytes === undefined) return ntfyError(40014);
  if (isFile && bytes.length > Math.min(limits.fileBytes ?? 0, limits.freeBytes)) return ntfyError(41301);
  const fileName = name || (text === undefined ? "attachment.bin" : "attachment.txt");
  const message = isFile ? read("message", "m") || `You received a file: ${fileName}` : text || read("message", "m");
  const tags = read("tags", "tag", "ta").split(",").map((tag) => tag.trim()).filter((tag) => tag !== "");
  const title = read("title", "ti", "t");
  const click = read("click");
  const markdown = ["1", "yes", "true"].includes(read("markdown", "md")) || read("content-type") === "text/markdown";
  const { expires, url } = limits;
  return {
    topic,
    message: message.trim() || "triggered",
    ...sequenceId !== "" && { sequence_id: sequenceId },
    ...title !== "" && { title },
    ...priority !== 0 && { priority },
    ...tags.length > 0 && { tags },
    ...click !== "" && { click },
    ...icon !== "" && { icon },
    ...markdown && { content_type: "text/markdown" },
    ...isFile && { attachment: { name: fileName, type: read("content-type"), size: bytes.length, expires, url } },
  };
}

/** Decodes UTF-8. Returns undefined if the bytes are not UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Parses a priority. Returns 0 for an empty string, and undefined for an unknown priority. */
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
