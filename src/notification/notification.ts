/**
 * A notification: what the caller says, as a readonly value. {@linkcode createNotification} checks
 * all input; code behind it does not check again.
 *
 * @module
 */

import { InvalidNotificationError } from "../base/errors.ts";
import { isMention, MENTION_PROBLEM, ROOM_MENTION } from "../matrix/ids.ts";

/** How much a notification matters, from least to most. */
export type Severity = "info" | "warning" | "error" | "critical";

/** The severities, from least to most. */
export const SEVERITIES: readonly Severity[] = ["info", "warning", "error", "critical"];

/** How a message is written: plain text, verbatim text, Markdown, or HTML. */
export type Format = "text" | "code" | "markdown" | "html";

/** The formats. */
export const FORMATS: readonly Format[] = ["text", "code", "markdown", "html"];

/**
 * A file of a notification. Its content is in the state directory for as long as an entry needs it.
 */
export interface Attachment {
  /** Its file name, safe to show: without folders and invisible characters. */
  readonly name: string;
  /** Its media type: `image/png`. */
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  /** Of an image, in pixels. */
  readonly width?: number;
  /** Of an image, in pixels. */
  readonly height?: number;
  /** The name of its content in the state directory. */
  readonly content: string;
}

/** A file to attach, by its path or by its bytes. */
export interface AttachmentInput {
  /**
   * Its path. The file is read before the notification is queued, and may be removed afterwards.
   */
  readonly path?: string;
  /** Its content instead of a path, at most 32 MiB. */
  readonly bytes?: Uint8Array;
  /** Its name for the readers. @default the last part of the path */
  readonly name?: string;
  /** Its media type. @default detected from its content and its name */
  readonly type?: string;
}

/** A notification. */
export interface Notification {
  /** The script or service that sends it. */
  readonly origin?: string;
  /** One line, never empty. */
  readonly subject: string;
  /** The body; may be empty. */
  readonly message: string;
  /** How the message is written. */
  readonly format: Format;
  /** An absolute URL. */
  readonly link?: string;
  /** `true`: it arrives without a sound or a push. */
  readonly silent: boolean;
  /** How much it matters. */
  readonly severity: Severity;
  /** When it was created, milliseconds since 1970. */
  readonly time: number;
  /** The incident that it belongs to. */
  readonly key?: string;
  /** `true`: it resolves the incident of its key. */
  readonly resolves?: true;
  /** The users that it mentions: Matrix user ids (`@name:example.org`), or `@room`. */
  readonly mentions?: readonly string[];
  /** When it expires, milliseconds since 1970. */
  readonly expires: number;
  /** Its attachments. */
  readonly attachments?: readonly Attachment[];
  /**
   * Set if it is itself an attachment, for a service where each is a message of its own after the
   * text.
   */
  readonly file?: Attachment;
  /** The attachments that its channel cannot take: `report.pdf (12.0 KiB)`. The text lists them. */
  readonly unsent?: readonly string[];
}

/** A notification to send. */
export interface NotificationInput {
  /** One line; line breaks become spaces. At most 1 KiB of UTF-8. */
  readonly subject: string;
  /** The body, at most 56 KiB of UTF-8. @default {""} */
  readonly message?: string;
  /** How the message is written. @default {"text"} */
  readonly format?: Format;
  /** An absolute URL. */
  readonly link?: string;
  /** `true`: it arrives without a sound or a push. @default {false} */
  readonly silent?: boolean;
  /** How much it matters. @default {"info"} */
  readonly severity?: Severity;
  /** The script or service that sends it, at most 1 KiB of UTF-8. */
  readonly origin?: string;
  /** The incident that it belongs to, at most 1 KiB of UTF-8. */
  readonly key?: string;
  /**
   * `true`: it resolves the incident of its key. Its subject says so, with the duration of the
   * incident. In a Matrix room it relates to the first notification of the incident.
   *
   * @default {false}
   */
  readonly resolves?: boolean;
  /**
   * The users to mention: Matrix user ids (`@name:example.org`), or `@room` for all. Only Matrix
   * uses them. @default none
   */
  readonly mentions?: readonly string[];
  /** How long after its creation it expires, milliseconds. @default {1209600000} (14 days) */
  readonly ttlMs?: number;
  /** Files to attach, at most 10. @default none */
  readonly attachments?: readonly AttachmentInput[];
}

/** The longest subject, origin or key, in UTF-8 bytes. */
export const MAX_SUBJECT_BYTES = 1024;

/** The most mentions of a notification. For more people there is `@room`. */
export const MAX_MENTIONS = 10;

/**
 * The longest message, in UTF-8 bytes. A line of the journal has room for it even if JSON escapes
 * double it. Channels may cut it further, with a note.
 */
export const MAX_MESSAGE_BYTES: number = 56 * 1024;

/** The largest attachment, in bytes. Services may take less. */
export const MAX_FILE_BYTES: number = 32 * 2 ** 20;

/** The most attachments of a notification. */
export const MAX_FILES = 10;

/** When a notification expires by default: after 14 days. */
export const DEFAULT_TTL_MS: number = 14 * 86_400_000;

/**
 * Checks a notification, normalises its texts and fills in defaults. It replaces control
 * characters, and lone surrogates, to which Synapse responds with 500 for ever. It does not read
 * attachments (attachments/source.ts does).
 *
 * @param now milliseconds since 1970
 * @throws {InvalidNotificationError} if a text is empty, too long or malformed
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
 * @throws {InvalidNotificationError} if it is empty, too long, or contains a character that is not
 * visible ASCII
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
 * @throws {InvalidNotificationError} if one is neither a user id nor `@room`, or if there are too
 * many
 */
function checkMentions(mentions: readonly string[]): readonly string[] {
  const unique = [...new Set(mentions)];
  const wrong = unique.find((mention) => typeof mention !== "string" || !isMention(mention));
  if (wrong !== undefined) throw new InvalidNotificationError(`Cannot mention "${wrong}": ${MENTION_PROBLEM}`);
  if (unique.length <= MAX_MENTIONS) return unique;
  throw new InvalidNotificationError(`Cannot mention ${unique.length} users: the limit is ${MAX_MENTIONS}`, {
    hint: `mention ${ROOM_MENTION} instead: all users in the room`,
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
 * Replaces characters that cannot be shown. The text may become longer in bytes: a replacement
 * character has three.
 */
export function printableText(text: string): string {
  return text.toWellFormed().replace(CONTROL_REGEXP, "\ufffd");
}

/**
 * Control characters except tab, line feed and carriage return: people do not see them, and
 * terminals obey them.
 */
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

/** True if a value from the queue is a notification, as far as other code relies on it. */
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
