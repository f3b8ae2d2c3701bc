/**
 * What a caller says, as a readonly value. Everything foreign becomes a {@linkcode Notification} through
 * {@linkcode createNotification}; behind it nothing is checked again.
 *
 * @module
 */

import { InvalidNotificationError } from "../base/errors.ts";
import { isMention, MENTION_PROBLEM, ROOM_MENTION } from "../matrix/ids.ts";

/** How much it matters, from least to most. */
export type Severity = "info" | "warning" | "error" | "critical";

/** The severities, from least to most. */
export const SEVERITIES: readonly Severity[] = ["info", "warning", "error", "critical"];

/** How a message is written: plain text, text to be shown verbatim, Markdown, or HTML. */
export type Format = "text" | "code" | "markdown" | "html";

/** The formats. */
export const FORMATS: readonly Format[] = ["text", "code", "markdown", "html"];

/** A file that belongs to a notification. What is in it lies in the state directory, until nobody needs it any more. */
export interface Attachment {
  /** How it is called for its readers: no path, and nothing that cannot be seen. */
  readonly name: string;
  /** Its media type: `image/png`. */
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  /** Of an image, in pixels. */
  readonly width?: number;
  /** Of an image, in pixels. */
  readonly height?: number;
  /** What its content is called in the state directory. */
  readonly content: string;
}

/** A file to be attached: by its path or by its bytes. */
export interface AttachmentInput {
  /** Where it is. It is read before the notification is taken, and may be gone afterwards. */
  readonly path?: string;
  /** What is in it, instead of a path; at most 32 MiB. */
  readonly bytes?: Uint8Array;
  /** How it is called for its readers. @default the last part of the path */
  readonly name?: string;
  /** Its media type. @default what its content and its name tell */
  readonly type?: string;
}

/** One notification. */
export interface Notification {
  /** Who speaks: the name of a script or a service. */
  readonly origin?: string;
  /** One line, never empty. */
  readonly subject: string;
  /** The body; may be empty. */
  readonly message: string;
  /** How the message is written. */
  readonly format: Format;
  /** An absolute URL. */
  readonly link?: string;
  /** Whether it should arrive without a sound or a push. */
  readonly silent: boolean;
  /** How much it matters. */
  readonly severity: Severity;
  /** When it was said, milliseconds since 1970. */
  readonly time: number;
  /** What it is about, for whoever relates notifications to each other. */
  readonly key?: string;
  /** Whether it says that what its key is about is over. */
  readonly resolves?: true;
  /** Whom it is for, where a room has more members: user ids (`@name:example.org`), or `@room`. */
  readonly mentions?: readonly string[];
  /** When it stops being worth delivering, milliseconds since 1970. */
  readonly expires: number;
  /** The files that come with it. */
  readonly attachments?: readonly Attachment[];
  /** The file that it is, where a service takes each by itself: its text went before it. */
  readonly file?: Attachment;
  /** The files that a channel cannot carry, as people read of them: `report.pdf (12.0 KiB)`. The text says that they are not there. */
  readonly unsent?: readonly string[];
}

/** What is said of a notification; what is left out has its default. */
export interface NotificationInput {
  /** One line; line breaks become spaces. At most 1 KiB of UTF-8. */
  readonly subject: string;
  /** The body, at most 56 KiB of UTF-8. @default {""} */
  readonly message?: string;
  /** How the message is written. @default {"text"} */
  readonly format?: Format;
  /** An absolute URL. */
  readonly link?: string;
  /** Whether it should arrive without a sound or a push. @default {false} */
  readonly silent?: boolean;
  /** How much it matters. @default {"info"} */
  readonly severity?: Severity;
  /** Who speaks, at most 1 KiB of UTF-8. */
  readonly origin?: string;
  /** What it is about, at most 1 KiB of UTF-8. */
  readonly key?: string;
  /**
   * Whether it says that what its key is about is over. Its subject says so then, and after how long; a Matrix room sees it with the first of that key.
   *
   * @default {false}
   */
  readonly resolves?: boolean;
  /** Whom it is for: user ids (`@name:example.org`), or `@room` for everybody. Only Matrix rooms know them. @default nobody */
  readonly mentions?: readonly string[];
  /** How long it is worth delivering, milliseconds. @default {1209600000} (14 days) */
  readonly ttlMs?: number;
  /** Files that come with it, at most 10. @default none */
  readonly attachments?: readonly AttachmentInput[];
}

/** The longest subject, origin or key, in UTF-8 bytes. */
export const MAX_SUBJECT_BYTES = 1024;

/** A caller who means more people means the room. */
export const MAX_MENTIONS = 10;

/**
 * The longest message that is accepted, in UTF-8 bytes; channels may cut it further and say so. With everything doubled by JSON it still fits into a line of the
 * queue.
 */
export const MAX_MESSAGE_BYTES: number = 56 * 1024;

/** The largest file that is taken, in bytes; services may take less. */
export const MAX_FILE_BYTES: number = 32 * 2 ** 20;

/** How many files a notification may have. */
export const MAX_FILES = 10;

/** How long a notification is worth delivering by default: 14 days. */
export const DEFAULT_TTL_MS: number = 14 * 86_400_000;

/**
 * Checks and normalises: trims, replaces control characters and lone surrogates (Synapse answers those with 500 for ever), and fills in defaults. Files are
 * not looked at: that is for whoever keeps them.
 *
 * @param now when it is said, milliseconds since 1970
 * @throws {InvalidNotificationError} when something is empty, too long or of the wrong form
 *
 * @example A subject alone is enough
 * ```ts
 * import { createNotification } from "./notification.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(createNotification({ subject: "Disk\nfull" }, 0).subject, "Disk full");
 * ```
 */
export function createNotification(input: NotificationInput, now: number): Notification {
  const subject = text("subject", input.subject).replace(/\s+/g, " ").trim();
  if (subject === "") throw new InvalidNotificationError("Cannot send a notification without a subject: it is empty");
  if (input.resolves && !input.key) {
    throw new InvalidNotificationError("Cannot say that something is over: no key says what", {
      hint: "give it the key of what it resolves",
    });
  }
  const ttlMs = input.ttlMs ?? DEFAULT_TTL_MS;
  if (!Number.isFinite(ttlMs) || ttlMs <= 0) {
    throw new InvalidNotificationError(`Cannot use ttl ${ttlMs} ms: it must be more than zero`);
  }
  return {
    ...optional("origin", input.origin),
    subject: limited("subject", subject, MAX_SUBJECT_BYTES),
    message: limited(
      "message",
      text("message", input.message ?? "").replace(/\r\n?/g, "\n").trimEnd(),
      MAX_MESSAGE_BYTES,
    ),
    format: oneOf("format", input.format ?? "text", FORMATS),
    ...(input.link === undefined ? {} : { link: absoluteUrl(input.link) }),
    silent: input.silent ?? false,
    severity: oneOf("severity", input.severity ?? "info", SEVERITIES),
    time: now,
    ...optional("key", input.key),
    ...(input.resolves ? { resolves: true } : {}),
    ...(input.mentions?.length ? { mentions: checkMentions(input.mentions) } : {}),
    expires: Math.min(now + ttlMs, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * Checks a caller's own name for a notification.
 *
 * @throws {InvalidNotificationError} when it is empty or too long, or holds what cannot be printed
 */
export function checkId(id: string | undefined): void {
  if (id === undefined || /^[\x21-\x7e]{1,255}$/.test(id)) return;
  throw new InvalidNotificationError(`Cannot use id "${id}": it must be 1 to 255 visible ASCII characters`, {
    hint: "a UUID is a good one, or a word and a date: backup-2026-11-22",
  });
}

/**
 * Checks mentions and removes duplicates.
 *
 * @throws {InvalidNotificationError} if one is neither a user id nor `@room`, or if there are too many
 */
function checkMentions(mentions: readonly string[]): readonly string[] {
  const unique = [...new Set(mentions)];
  const wrong = unique.find((mention) => typeof mention !== "string" || !isMention(mention));
  if (wrong !== undefined) throw new InvalidNotificationError(`Cannot mention "${wrong}": ${MENTION_PROBLEM}`);
  if (unique.length <= MAX_MENTIONS) return unique;
  throw new InvalidNotificationError(`Cannot mention ${unique.length} users: the limit is ${MAX_MENTIONS}`, {
    hint: `mention ${ROOM_MENTION}: everybody in the room`,
  });
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string") {
    throw new InvalidNotificationError(
      `Cannot use the ${name}: it must be text, not ${value === null ? "null" : typeof value}`,
    );
  }
  return printableText(value);
}

/** A text as a notification holds it. It may have become longer: what stands in the place of a control character is three bytes. */
export function printableText(text: string): string {
  return text.toWellFormed().replace(CONTROL_REGEXP, "\ufffd");
}

/** Control characters, but for tab, line feed and carriage return: terminals obey them, and people do not see them. */
// deno-lint-ignore no-control-regex
const CONTROL_REGEXP = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

function limited(name: string, value: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(value).length;
  if (bytes <= maxBytes) return value;
  throw new InvalidNotificationError(`Cannot send a ${name} of ${bytes} bytes: the limit is ${maxBytes}`, {
    hint: "send its beginning or its end, for example through: head -c 60000",
  });
}

function optional<Name extends string>(name: Name, value: string | undefined): { [_ in Name]?: string } {
  if (value === undefined || value === "") return {};
  return { [name]: limited(name, text(name, value).replace(/\s+/g, " ").trim(), MAX_SUBJECT_BYTES) } as {
    [_ in Name]: string;
  };
}

function oneOf<Value extends string>(name: string, value: string, values: readonly Value[]): Value {
  const found = values.find((known) => known === value);
  if (found !== undefined) return found;
  throw new InvalidNotificationError(`Cannot use ${name} "${value}": it must be one of ${values.join(", ")}`);
}

function absoluteUrl(value: string): string {
  const link = limited("link", text("link", value).trim(), 2 * MAX_SUBJECT_BYTES);
  if (URL.canParse(link) && !/\s/.test(link)) return link;
  throw new InvalidNotificationError(
    `Cannot use link "${link}": it must be an absolute URL such as https://example.org/`,
  );
}

/** Whether a value from a queue is a notification, as far as everybody relies on it. */
export function isNotification(value: unknown): value is Notification {
  if (typeof value !== "object" || value === null) return false;
  const { subject, message, format, severity, silent, link, time, mentions } = value as Record<string, unknown>;
  const { attachments = [], file } = value as Record<string, unknown>;
  return typeof subject === "string" && typeof message === "string" && typeof time === "number" &&
    typeof silent === "boolean" &&
    FORMATS.some((known) => known === format) && SEVERITIES.some((known) => known === severity) &&
    (link === undefined || (typeof link === "string" && URL.canParse(link))) &&
    (mentions === undefined || (Array.isArray(mentions) && mentions.every((one) => typeof one === "string"))) &&
    Array.isArray(attachments) && attachments.every(isAttachment) && (file === undefined || isAttachment(file));
}

function isAttachment(value: unknown): value is Attachment {
  if (typeof value !== "object" || value === null) return false;
  const { name, type, size, content } = value as Record<string, unknown>;
  return typeof name === "string" && typeof type === "string" && typeof size === "number" &&
    typeof content === "string";
}
