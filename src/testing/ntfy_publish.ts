/** Reading what is published to an ntfy server, by the two ways that it offers. */

import { parseJsonObject } from "../http.ts";
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

/** Reads a POST or PUT of plain text to `/{topic}`, with everything else in headers or in the query. */
export function readTextDraft({ bytes, headers, query }: Call, topic: string): NtfyDraft | Answer {
  const params = new URLSearchParams(query);
  const read = (...names: string[]) => {
    const values = names.map((name) => headers.get(`x-${name}`) ?? headers.get(name) ?? params.get(name));
    return values.find((value) => value !== null)?.trim() ?? "";
  };
  let message = read("message", "m");
  try {
    if (bytes.length > 0) message = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return ntfyError(bytes.length < NTFY_MESSAGE_LIMIT_BYTES ? 40011 : 40014);
  }
  return draft({
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
