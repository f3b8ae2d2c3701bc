/**
 * A notification as a readonly value. {@linkcode createNotification} checks all input, so that
 * later code does not have to check it.
 *
 * @module
 */

import { InvalidNotificationError } from "../base/errors.ts";
import { isMention, MENTION_PROBLEM, ROOM_MENTION } from "../matrix/ids.ts";

/** The severity of a notification. The values are sorted from the lowest to the highest. */
export type Severity = "info" | "warning" | "error" | "critical";

/** The severities, from the lowest to the highest. */
export const SEVERITIES: readonly Severity[] = ["info", "warning", "error", "critical"];

/**
 * The format of a message: plain text, program output or code (shown unchanged in a fixed-width
 * font), Markdown, or HTML.
 */
export type Format = "text" | "code" | "markdown" | "html";

/** All formats. */
export const FORMATS: readonly Format[] = ["text", "code", "markdown", "html"];

/**
 * An attachment of a notification. Its content is stored in the state directory until the
 * notification is no longer in the queue.
 */
export interface Attachment {
  /** The file name, without folders and invisible characters. */
  readonly name: string;
  /** The media type: `image/png`. */
  readonly type: string;
  /** The size, in bytes. */
  readonly size: number;
  /** The width in pixels, if the attachment is an image. */
  readonly width?: number;
  /** The height in pixels, if the attachment is an image. */
  readonly height?: number;
  /** The name of the stored content in the state directory. */
  readonly content: string;
}

/** A file to attach. Give either its path or its bytes. */
export interface AttachmentInput {
  /**
   * The path of the file. The file is read before the notification is queued. Afterwards you can
   * delete the file.
   */
  readonly path?: string;
  /** The content, if you do not give a path. At most 32 MiB. */
  readonly bytes?: Uint8Array;
  /** The file name that readers see. @default the last part of the path */
  readonly name?: string;
  /** The media type. @default detected from the content and the name */
  readonly type?: string;
}

/** A notification. */
export interface Notification {
  /** The script or service that sends the notification. */
  readonly origin?: string;
  /** The subject: one line, never empty. */
  readonly subject: string;
  /** The text below the subject; may be empty. */
  readonly message: string;
  /** The format of the message. */
  readonly format: Format;
  /** An absolute URL that is shown as a link. */
  readonly link?: string;
  /** True if the notification arrives without a sound or a push notification. */
  readonly silent: boolean;
  /** The severity. */
  readonly severity: Severity;
  /** The time when the notification was created, in milliseconds since 1970. */
  readonly time: number;
  /** The key of the incident that the notification belongs to. */
  readonly key?: string;
  /** True if the notification resolves the incident with its key. */
  readonly resolves?: true;
  /**
   * The users to mention: Matrix user ids (`@name:example.org`), or `@room` for all users in the
   * room.
   */
  readonly mentions?: readonly string[];
  /** The time when the notification expires, in milliseconds since 1970. */
  readonly expires: number;
  /** The attachments. */
  readonly attachments?: readonly Attachment[];
  /**
   * The attachment that this notification shows, if it was created to send one attachment as a
   * separate message.
   */
  readonly file?: Attachment;
  /**
   * The names and sizes of attachments that the channel cannot send: `report.pdf (12.0 KiB)`. The
   * text of the notification shows this list.
   */
  readonly unsent?: readonly string[];
}

/** A notification to send. */
export interface NotificationInput {
  /** The subject, at most 1 KiB of UTF-8. Line breaks are replaced by spaces. */
  readonly subject: string;
  /** The text below the subject, at most 56 KiB of UTF-8. @default {""} */
  readonly message?: string;
  /** The format of the message. @default {"text"} */
  readonly format?: Format;
  /** An absolute URL that is shown as a link. */
  readonly link?: string;
  /** True if the notification arrives without a sound or a push notification. @default {false} */
  readonly silent?: boolean;
  /** The severity. @default {"info"} */
  readonly severity?: Severity;
  /** The script or service that sends the notification, at most 1 KiB of UTF-8. */
  readonly origin?: string;
  /** The key of the incident that the notification belongs to, at most 1 KiB of UTF-8. */
  readonly key?: string;
  /**
   * True if the notification resolves the incident with its key. The words "✅ Resolved" and the
   * duration of the incident are added to the subject. In a Matrix room, the message refers to the
   * first notification of the incident.
   *
   * @default {false}
   */
  readonly resolves?: boolean;
  /**
   * The users to mention: Matrix user ids (`@name:example.org`), or `@room` for all users in the
   * room. Only Matrix channels use this field. @default none
   */
  readonly mentions?: readonly string[];
  /**
   * The time from now until the notification expires, in milliseconds. @default {1209600000} (14
   * days)
   */
  readonly ttlMs?: number;
  /** The files to attach, at most 10. @default none */
  readonly attachments?: readonly AttachmentInput[];
}

/** The maximum length of a subject, an origin or a key, in UTF-8 bytes. */
export const MAX_SUBJECT_BYTES = 1024;

/** The maximum number of mentions in a notification. Use `@room` to mention more users. */
export const MAX_MENTIONS = 10;

/**
 * The maximum length of a message, in UTF-8 bytes. With this length, a message fits into a line of
 * the journal (the file of the queue), even if JSON escapes double its length. A channel may cut a
 * message to a shorter length and add a note about the cut.
 */
export const MAX_MESSAGE_BYTES: number = 56 * 1024;

/** The maximum size of an attachment, in bytes. A service may have a lower limit. */
export const MAX_FILE_BYTES: number = 32 * 2 ** 20;

/** The maximum number of attachments of a notification. */
export const MAX_FILES = 10;

/** The default time until a notification expires, in milliseconds: 14 days. */
export const DEFAULT_TTL_MS: number = 14 * 86_400_000;

/**
 * Checks a notification, normalises its texts and adds default values. Replaces control characters
 * and lone surrogates. Synapse always answers a message that contains a lone surrogate with status
 * 500. This function does not read attachments; `attachments/source.ts` reads them.
 *
 * @param now the current time, in milliseconds since 1970
 * @throws {InvalidNotificationError} if a text is empty, too long or malformed
 *
 * @example Create a notification from a subject
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
    throw new InvalidNotificationError("Cannot resolve an incident: the notification has no key", {
      hint: "give it the key of the incident",
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
 * Checks an idempotency key.
 *
 * @throws {InvalidNotificationError} if the key is empty, too long, or contains a character that is
 * not visible ASCII
 */
export function checkId(id: string | undefined): void {
  if (id === undefined || /^[\x21-\x7e]{1,255}$/.test(id)) return;
  throw new InvalidNotificationError(`Cannot use id "${id}": it must be 1 to 255 visible ASCII characters`, {
    hint: "use for example a UUID, or a word and a date: backup-2026-11-22",
  });
}

/**
 * Checks mentions and removes duplicates.
 *
 * @throws {InvalidNotificationError} if a mention is neither a user id nor `@room`, or if there are
 * too many mentions
 */
function checkMentions(mentions: readonly string[]): readonly string[] {
  const unique = [...new Set(mentions)];
  const wrong = unique.find((mention) => typeof mention !== "string" || !isMention(mention));
  if (wrong !== undefined) throw new InvalidNotificationError(`Cannot mention "${wrong}": ${MENTION_PROBLEM}`);
  if (unique.length <= MAX_MENTIONS) return unique;
  throw new InvalidNotificationError(`Cannot mention ${unique.length} users: the limit is ${MAX_MENTIONS}`, {
    hint: `mention ${ROOM_MENTION} instead, which means all users in the room`,
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

/**
 * Replaces characters that cannot be shown. The text may become longer, because a replacement
 * character has three bytes.
 */
export function printableText(text: string): string {
  return text.toWellFormed().replace(CONTROL_REGEXP, "\ufffd");
}

/**
 * Matches control characters except tab, line feed and carriage return. The matched characters are
 * invisible and can control a terminal.
 */
// deno-lint-ignore no-control-regex
const CONTROL_REGEXP = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

function limited(name: string, value: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(value).length;
  if (bytes <= maxBytes) return value;
  throw new InvalidNotificationError(`Cannot send a ${name} of ${bytes} bytes: the limit is ${maxBytes}`, {
    hint: "send only its beginning or its end, for example with: head -c 60000",
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

/**
 * Returns true if a value from the queue is a notification. Checks only the fields that the program
 * cannot work without.
 */
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
