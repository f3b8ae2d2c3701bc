/**
 * A notification as a readonly value. {@linkcode createNotification} checks and repairs all input,
 * so later code does not have to check it.
 *
 * @module
 */

import { formatBytes } from "../base/count.ts";
import { InvalidNotificationError } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { cutEnds, cutToBytes, fitsInBytes } from "./cut.ts";
import {
  limitProblems,
  repairKey,
  repairLine,
  repairLink,
  repairMentions,
  type ReportProblem,
  toLine,
  toText,
} from "./repair.ts";
import { readableLine, readableText } from "./text.ts";

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
 * An attachment of a notification. The content is stored in the state directory until the
 * notification leaves the queue.
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
   * The path of the file. The file is read before the notification is queued. After that, you can
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
  /** The attachment, if this notification only sends one attachment as a separate message. */
  readonly file?: Attachment;
  /**
   * True if `file` contains the whole message of an alert. The alert itself was already sent with a
   * cut message. If the service rejects the file, a note is sent instead. The file does not become
   * a dead letter (an undelivered notification).
   */
  readonly isFullText?: true;
  /**
   * The file with the whole message. Set if the queue has only an excerpt of a long message, or if
   * the channel sends this file because the message is too long for the service.
   */
  readonly fullText?: Attachment;
  /**
   * The names and sizes of attachments that the channel cannot send: `report.pdf (12 KiB)`. The
   * text of the notification shows this list.
   */
  readonly unsent?: readonly string[];
  /**
   * Problems with the data from the caller, one sentence each: `Cannot attach a.log: it is empty`.
   * The text of the notification shows the sentences.
   */
  readonly problems?: readonly string[];
}

/** A notification to send. */
export interface NotificationInput {
  /**
   * The subject. Line breaks are replaced by spaces. If the subject is longer than 1 KiB of UTF-8,
   * it is cut, and the whole subject is put at the beginning of the message. If the subject is
   * empty, the first line of the message is used.
   */
  readonly subject: string;
  /**
   * The text below the subject. If the text is longer than 8 MiB of UTF-8, only its beginning and
   * its end are sent. If a service takes only shorter messages, the service gets a cut text. The
   * whole text is then sent as a file, if the channel can send files.
   *
   * Bytes are decoded as UTF-8. With a byte order mark, UTF-16 is also possible. Bytes that are not
   * valid UTF-8 are read as Latin-1.
   * @default {""}
   */
  readonly message?: string | Uint8Array;
  /** The format of the message. @default {"text"} */
  readonly format?: Format;
  /**
   * An absolute URL that is shown as a link, at most 2 KiB. If the value cannot be used as a link,
   * the notification shows the value in a note.
   */
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
   * True if the notification resolves the incident that has the same key. The words "✅ Resolved"
   * and the duration of the incident are added to the subject. In a Matrix room, the message refers
   * to the first notification of the incident.
   *
   * @default {false}
   */
  readonly resolves?: boolean;
  /**
   * The users to mention: Matrix user ids (`@name:example.org`), or `@room` for all users in the
   * room. At most 10. Only Matrix channels use this field.
   * @default none
   */
  readonly mentions?: readonly string[];
  /**
   * The time from now until the notification expires, in milliseconds. @default {1209600000} (14
   * days)
   */
  readonly ttlMs?: number;
  /**
   * The files to attach, at most 10. If a file cannot be attached, the notification shows the name
   * of the file instead.
   * @default none
   */
  readonly attachments?: readonly AttachmentInput[];
  /**
   * Problems that the notification shows below its message, one sentence each. Example: the caller
   * could not read a part of the data.
   * @default none
   */
  readonly problems?: readonly string[];
}

/** The subject of a notification that has neither a subject nor a message. */
const NO_SUBJECT = "(no subject)";

/**
 * The maximum length of a message, in UTF-8 bytes. A channel may cut a message to a shorter length.
 * The channel then adds a note about the cut. If the channel can send files, it also sends the
 * whole message as a file.
 */
export const MAX_MESSAGE_BYTES: number = 8 * 2 ** 20;

/**
 * The maximum length of a message in the queue, in UTF-8 bytes. A longer message is stored as a
 * file. A message of this length fits into a line of the journal (the queue file), even if escape
 * sequences of JSON double its length.
 */
export const MAX_QUEUED_BYTES: number = 48 * 1024;

/** The maximum size of an attachment, in bytes. A service may have a lower limit. */
export const MAX_FILE_BYTES: number = 32 * 2 ** 20;

/** The maximum number of attachments of a notification. */
export const MAX_FILES = 10;

/** The default time until a notification expires, in milliseconds: 14 days. */
export const DEFAULT_TTL_MS: number = 14 * 86_400_000;

/**
 * Creates a notification from its input: makes its texts readable and adds default values. A value
 * with a wrong form, such as a link that is not a URL, does not cause an error. Such a value is
 * shortened or left out, and the field `problems` describes the problem. This function does not
 * read attachments; `attachments/source.ts` reads them.
 *
 * @param now the current time, in milliseconds since 1970
 * @param warn a function that is called with each problem, even if the notification does not show
 * the problem
 * @throws {InvalidNotificationError} if an option is wrong: an unknown format or severity, a
 * duration that is not positive, or `resolves` without a key
 *
 * @example Create a notification from a subject
 * ```ts
 * import { createNotification } from "./notification.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(createNotification({ subject: "Disk\nfull" }, 0).subject, "Disk full");
 * ```
 */
export function createNotification(
  input: NotificationInput,
  now: number,
  warn: ReportProblem = () => {},
): Notification {
  if (input.resolves && input.key === undefined) {
    throw new InvalidNotificationError("Cannot resolve an incident: the notification has no key", {
      hint: "give the notification the key of the incident",
    });
  }
  const ttlMs = input.ttlMs ?? DEFAULT_TTL_MS;
  if (!Number.isFinite(ttlMs) || ttlMs <= 0) {
    throw new InvalidNotificationError(`Cannot use ttl ${ttlMs} ms: it must be more than zero`);
  }
  const problems: string[] = [];
  const report = (problem: string) => {
    problems.push(problem);
    warn(problem);
  };
  input.problems?.forEach(report);
  const format = oneOf("format", input.format ?? "text", FORMATS);
  const body = readableBody(input.message, format, warn);
  const wholeSubject = toLine(input.subject);
  const subject = repairLine("subject", wholeSubject, report);
  const isCut = subject !== undefined && subject !== wholeSubject;
  const message = isCut ? `${asParagraph(wholeSubject, format)}\n\n${body}` : body;
  const origin = repairLine("origin", toLine(input.origin), report);
  const link = repairLink(input.link, report);
  const key = repairKey(input.key, report);
  if (input.resolves && key === undefined) report("Cannot resolve an incident: the key is empty");
  const mentions = repairMentions(input.mentions ?? [], report);
  return {
    ...(origin === undefined ? {} : { origin }),
    subject: subject ?? subjectFrom(body, format, warn),
    message: limited(message.trimEnd(), warn),
    format,
    ...(link === undefined ? {} : { link }),
    silent: Boolean(input.silent),
    severity: oneOf("severity", input.severity ?? "info", SEVERITIES),
    time: now,
    ...(key === undefined ? {} : { key }),
    ...(input.resolves && key !== undefined ? { resolves: true } : {}),
    ...(mentions.length === 0 ? {} : { mentions }),
    expires: Math.min(now + ttlMs, Number.MAX_SAFE_INTEGER),
    ...(problems.length === 0 ? {} : { problems: limitProblems(problems) }),
  };
}

/**
 * Makes a message readable. If the message is longer than twice the limit, uses only its beginning
 * and its end, each as long as the limit. To process the whole message would take seconds.
 */
function readableBody(message: NotificationInput["message"], format: Format, warn: ReportProblem): string {
  const isSized = typeof message === "string" || message instanceof Uint8Array;
  if (!isSized || message.length <= 2 * MAX_MESSAGE_BYTES) return readable(toText(message), format);
  warn(LONG_BODY_PROBLEM);
  // `subarray` does not copy the bytes.
  const part = (start: number, end?: number) => {
    return readable(
      toText(typeof message === "string" ? message.slice(start, end) : message.subarray(start, end)),
      format,
    );
  };
  const beginning = part(0, MAX_MESSAGE_BYTES), end = part(-MAX_MESSAGE_BYTES);
  return cutEnds({ beginning, end, total: message.length }, MAX_MESSAGE_BYTES);
}

/**
 * Makes a text readable. In HTML, a carriage return is a line break. In other formats, the text
 * after a carriage return overwrites the line, as in a terminal.
 */
function readable(message: string, format: Format): string {
  return readableText(format === "html" ? message.replace(/\r\n?/g, "\n") : message).trimEnd();
}

/** The length of the first part of a message, in characters. Only this part can give a subject. */
const MAX_SEARCHED_CHARS = 64 * 1024;

/** Returns a subject for a notification without one: the first line of its message. */
function subjectFrom(message: string, format: Format, warn: ReportProblem): string {
  const start = message.slice(0, MAX_SEARCHED_CHARS);
  const text = format === "html" ? start.replace(/<[^<>]*>/g, " ") : start;
  const line = text.split("\n").map(readableLine).find((line) => line !== "");
  warn(
    `The subject is empty: ${line === undefined ? `"${NO_SUBJECT}" is used` : "the first line of the body is used"}`,
  );
  return line === undefined ? NO_SUBJECT : repairLine("subject", line, () => {}) ?? NO_SUBJECT;
}

function asParagraph(line: string, format: Format): string {
  return format === "html" ? `<p>${line.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</p>` : line;
}

/** Cuts a message that is too long. A note in the message shows how many bytes are missing. */
function limited(message: string, warn: ReportProblem): string {
  if (fitsInBytes(message, MAX_MESSAGE_BYTES)) return message;
  warn(LONG_BODY_PROBLEM);
  return cutToBytes(message, MAX_MESSAGE_BYTES);
}

/** Describes the problem of a body that was cut. */
export const LONG_BODY_PROBLEM = `Cannot send the whole body: it is larger than ${formatBytes(MAX_MESSAGE_BYTES)}`;

function oneOf<Value extends string>(name: string, value: string, values: readonly Value[]): Value {
  const found = values.find((known) => known === value);
  if (found !== undefined) return found;
  throw new InvalidNotificationError(`Cannot use ${name} "${value}": it must be one of ${values.join(", ")}`);
}

/** Adds problems to those that a notification shows. */
export function withProblems(notification: Notification, more: readonly string[]): Notification {
  if (more.length === 0) return notification;
  return { ...notification, problems: limitProblems([...notification.problems ?? [], ...more]) };
}

/** Returns the number of characters in all texts of a notification, except the names of files. */
export function countChars(notification: Notification): number {
  const { subject, message, origin, link, key, mentions = [], unsent = [], problems = [] } = notification;
  let chars = 0;
  for (const text of [subject, message, origin, link, key, ...mentions, ...unsent, ...problems]) {
    chars += text?.length ?? 0;
  }
  return chars;
}

/**
 * Returns true if a value from the queue is a notification. Checks only the fields that are
 * necessary for delivery.
 */
export function isNotification(value: unknown): value is Notification {
  if (!isObject(value)) return false;
  const { subject, message, format, severity, silent, link, time, expires, mentions, problems } = value;
  const { attachments = [], file, fullText } = value;
  return typeof subject === "string" && typeof message === "string" && typeof time === "number" &&
    typeof expires === "number" && typeof silent === "boolean" &&
    FORMATS.some((known) => known === format) && SEVERITIES.some((known) => known === severity) &&
    (link === undefined || (typeof link === "string" && URL.canParse(link))) &&
    (mentions === undefined || (Array.isArray(mentions) && mentions.every((one) => typeof one === "string"))) &&
    (problems === undefined || (Array.isArray(problems) && problems.every((one) => typeof one === "string"))) &&
    Array.isArray(attachments) && attachments.every(isAttachment) &&
    [file, fullText].every((one) => one === undefined || isAttachment(one));
}

/** Returns true if a value from the queue is an attachment. */
export function isAttachment(value: unknown): value is Attachment {
  if (!isObject(value)) return false;
  const { name, type, size, content } = value;
  return typeof name === "string" && typeof type === "string" && typeof size === "number" &&
    typeof content === "string";
}
