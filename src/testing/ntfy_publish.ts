/** Reading what is published to an ntfy server, by the two ways that it offers. */

import { parseJsonObject } from "../base/fields.ts";
import type { Answer } from "./answer.ts";
import { ntfyError, type NtfyMessage } from "./ntfy_answers.ts";
import type { Call } from "./server.ts";

/** A message before the server gave it an id and a time. */
export type NtfyDraft = Omit<NtfyMessage, "id" | "time" | "expires" | "event">;

/** A message as long as this is taken for an attachment, which a server with default settings does not allow. */
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

/** Reads a POST or PUT of JSON to `/`. Like the server itself it skips names that it does not know. */
export function readJsonDraft({ bytes }: Call): NtfyDraft | Answer {
  if (bytes.length > 2 * NTFY_MESSAGE_LIMIT_BYTES) return ntfyError(41303);
  const body = parseJsonObject(new TextDecoder().decode(bytes));
  if (body === undefined) return ntfyError(40024);
  const given = Object.entries(body).filter(([, value]) => value !== null);
  if (given.some(([name, value]) => JSON_TYPES[name]?.(value) === false)) return ntfyError(40024);
  const text = (name: string) => String(body[name] ?? "");
  return draft({
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

/** How much a server takes as a file, and where it keeps it. */
export interface FileKeeping {
  /** Undefined for a server that takes none, which is the default of the real one. */
  readonly maxBytes: number | undefined;
  /** In seconds since 1970. */
  readonly expires: number;
  readonly url: string;
}

/**
 * Reads a POST or PUT to `/{topic}`, with everything else in headers or in the query. The body is the message as plain text, or a file: when it has a name, is no
 * text, or is too long for a message.
 */
export function readTextDraft(
  { bytes, headers, query }: Call,
  topic: string,
  keeping: FileKeeping,
): NtfyDraft | Answer {
  const params = new URLSearchParams(query);
  const read = (...names: string[]) => {
    const values = names.map((name) => headers.get(`x-${name}`) ?? headers.get(name) ?? params.get(name));
    return values.find((value) => value !== null)?.trim() ?? "";
  };
  const text = textOf(bytes);
  const name = read("filename", "file", "f");
  const isFile = name !== "" || text === undefined || bytes.length >= NTFY_MESSAGE_LIMIT_BYTES;
  if (isFile && keeping.maxBytes === undefined) {
    return ntfyError(name === "" && bytes.length < NTFY_MESSAGE_LIMIT_BYTES ? 40011 : 40014);
  }
  if (isFile && bytes.length > (keeping.maxBytes ?? 0)) return ntfyError(41301);
  const called = name || "attachment.bin";
  const message = isFile ? read("message", "m") || `You received a file: ${called}` : text || read("message", "m");
  const { expires, url } = keeping;
  const kept = { name: called, type: headers.get("content-type") ?? "", size: bytes.length, expires, url };
  const result = draft({
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
  return isFile && !("status" in result) ? { ...result, attachment: kept } : result;
}

/** Undefined when it is no text. */
function textOf(bytes: Uint8Array): string | undefined {
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

function draft({ topic, message, markdown, sequenceId, ...fields }: Fields): NtfyDraft | Answer {
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

/** 0 when there is none, undefined when it is no priority. */
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
