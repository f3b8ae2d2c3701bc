/**
 * `POST /notify`: our own format. The input is JSON, a form, XML, query parameters or plain text.
 * Many other programs use different field names, and these names are accepted too. A field with an
 * unknown name is shown in the message.
 *
 * @module
 */

import { type AttachmentInput, type Format, FORMATS, type NotificationInput } from "../../notification/notification.ts";
import { parseDuration } from "../../base/duration.ts";
import { type Body, readBody } from "./body.ts";
import {
  headerText,
  idempotencyKey,
  type IncomingNotification,
  type IncomingRequest,
  jsonAnswer,
  type Protocol,
  refuseAsJson,
} from "./request.ts";
import { isTrue, joinParts, listOf, parseJson, severityOf, showFields, textAt, textOf } from "./values.ts";

/** The names that each field can have in a request. Names are compared without case. */
const NAMES = {
  subject: ["subject", "title", "summary"],
  message: ["message", "body", "text", "content", "msg", "description"],
  severity: ["severity", "priority", "level", "type", "messagetype"],
  origin: ["origin", "source", "app"],
  key: ["key", "dedup_key", "fingerprint"],
  resolves: ["resolves", "resolve", "resolved"],
  status: ["status", "state"],
  link: ["link", "url", "click"],
  silent: ["silent"],
  format: ["format"],
  markdown: ["markdown"],
  mentions: ["mentions", "mention"],
  ttl: ["ttl"],
  attachments: ["attachments"],
  id: ["id", "idempotency_key"],
} as const;

type FieldName = keyof typeof NAMES;

/**
 * Ignored fields from scripts for RouterOS. `remove-attach` is only for the router. The other
 * fields name recipients of other services.
 */
const IGNORED_NAMES: ReadonlySet<string> = new Set(["remove-attach", "chatid", "threadid", "replyto"]);

const FIELDS_BY_NAME: ReadonlyMap<string, FieldName> = new Map(
  Object.entries(NAMES).flatMap(([field, names]) =>
    names.map((name): [string, FieldName] => [name, field as FieldName])
  ),
);

/** Matches the words with which a status says that a problem is over. */
const RESOLVED_REGEXP = /^(?:resolved?|ok|up|recovered|recovery|cleared?|closed?|good|healthy)$/i;

/** Returns true if a status says that a problem is over. */
function isResolvedStatus(status: string): boolean {
  return RESOLVED_REGEXP.test(status.trim());
}

/** The known fields of a request by their names, and all other fields. */
interface SortedFields {
  readonly known: ReadonlyMap<FieldName, unknown>;
  readonly others: readonly (readonly [string, unknown])[];
}

/** The fields that Apprise sends, each with its possible names. `version` is the format version. */
const APPRISE_NAMES = [["version"], ["title", "subject"], ["message"], ["type", "messagetype"]];

/**
 * Separates the known fields from the others. If a request contains a field under several names,
 * the first value that is not empty counts.
 */
function sortFields(fields: readonly (readonly [string, unknown])[]): SortedFields {
  const given = new Set(fields.map(([name]) => name.toLowerCase()));
  const isApprise = APPRISE_NAMES.every((names) => names.some((name) => given.has(name)));
  const known = new Map<FieldName, unknown>();
  const others: (readonly [string, unknown])[] = [];
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    const field = FIELDS_BY_NAME.get(lower);
    if (textOf(value).trim() === "" || IGNORED_NAMES.has(lower) || isApprise && lower === "version") continue;
    // Many programs use "type" for other things than a severity.
    const isOther = lower === "type" && severityOf(textOf(value)) === undefined;
    if (field === undefined || known.has(field) || isOther) others.push([name, value]);
    else known.set(field, value);
  }
  return { known, others };
}

/** Our own protocol. */
export const NOTIFY: Protocol = {
  name: "notify",
  read(request) {
    const notification = readNotification(request);
    // The client `uclient-fetch` of OpenWrt accepts only the HTTP statuses 200, 204 and 206
    // (uclient-fetch.c).
    const status = headerText(request.headers, "user-agent").startsWith("uclient-fetch") ? 200 : 202;
    return { notifications: [notification], answer: (ids) => jsonAnswer(status, { ids }) };
  },
  refuse: refuseAsJson,
};

/**
 * Reads a request in our own format. Accepts every input.
 *
 * @param json the parsed body, if the caller has already parsed it as JSON
 */
export function readNotification(request: IncomingRequest, json?: Body): IncomingNotification {
  const body = json?.json === undefined ? readBody(request, (name) => FIELDS_BY_NAME.has(name)) : json;
  const query = [...request.query].filter(([name]) => name !== "token" && name !== "auth");
  const { known, others } = sortFields([...body.fields ?? [], ...query]);
  const text = (field: FieldName) => textOf(known.get(field)).trim();
  const problems: string[] = [];
  const { subject, message } = splitSubject(text("subject"), messageOf(body, known, others));
  const given = text("severity"), status = text("status");
  const severity = severityOf(given) ?? severityOfPriority(given);
  if (given !== "" && severity === undefined) problems.push(`Cannot use severity "${given}": it is not known`);
  const key = text("key");
  const resolves = key !== "" && (isTrue(known.get("resolves")) || isResolvedStatus(status));
  const ttl = text("ttl"), ttlMs = readTtl(ttl);
  if (ttl !== "" && ttlMs === undefined) problems.push(`Cannot use ttl "${ttl}": it is not a duration`);
  const format = readFormat(text("format"), known.get("markdown"), problems);
  const link = text("link"), origin = text("origin");
  const files = [...body.files, ...readAttachments(known.get("attachments"), problems)];
  const input: NotificationInput = {
    subject,
    message,
    ...format === undefined ? {} : { format },
    ...severity === undefined ? {} : { severity },
    ...origin === "" ? {} : { origin },
    ...link === "" ? {} : { link },
    ...key === "" ? {} : { key },
    ...resolves ? { resolves } : {},
    ...isTrue(known.get("silent")) ? { silent: true } : {},
    ...known.has("mentions") ? { mentions: readMentions(known.get("mentions")) } : {},
    ...ttlMs === undefined ? {} : { ttlMs },
    ...files.length === 0 ? {} : { attachments: files },
    ...problems.length === 0 ? {} : { problems },
  };
  const id = idempotencyKey(request) ?? (text("id") || undefined);
  return id === undefined ? { input } : { input, id };
}

function messageOf(
  { text }: Body,
  known: SortedFields["known"],
  others: SortedFields["others"],
): string {
  // The status is shown, because it can mean more than "resolved".
  const rest = showFields([...known.has("status") ? [["status", known.get("status")] as const] : [], ...others]);
  return joinParts(textOf(known.get("message")), text, rest);
}

/** The longest first line that becomes the subject, in UTF-16 code units. */
const MAX_SUBJECT_LINE = 200;

/**
 * If the subject is empty, the first line of the message becomes the subject. If the first line is
 * too long or the message is JSON, the subject stays empty and the message stays complete.
 */
export function splitSubject(subject: string, message: string): { readonly subject: string; readonly message: string } {
  if (subject !== "") return { subject, message };
  const trimmed = message.trimStart(), end = (trimmed.indexOf("\n") + 1) || trimmed.length;
  const first = trimmed.slice(0, end).trim();
  if (first.length > MAX_SUBJECT_LINE || isJson(message)) return { subject: "", message };
  return { subject: first, message: trimmed.slice(end).replace(/^(?:[ \t]*\n)+/, "") };
}

/** Reads a priority of ntfy: a number from 1 to 5. */
function severityOfPriority(text: string): NotificationInput["severity"] {
  if (!/^[1-5]$/.test(text)) return undefined;
  return (["info", "info", "info", "warning", "critical"] as const)[Number(text) - 1];
}

/**
 * Returns true if a text is JSON. Every text that begins with `{` counts as JSON, even if its end
 * is missing. A text that begins with `[` must be valid JSON, because many other texts also begin
 * with `[`, such as `[host] Disk full`.
 */
function isJson(text: string): boolean {
  return /^\s*\{/.test(text) || /^\s*\[/.test(text) && parseJson(text) !== undefined;
}

function readFormat(format: string, markdown: unknown, problems: string[]): Format | undefined {
  const known = FORMATS.find((known) => known === format.toLowerCase());
  if (format !== "" && known === undefined) problems.push(`Cannot use format "${format}": it is not known`);
  return known ?? (isTrue(markdown) ? "markdown" : undefined);
}

/** Reads files of JSON in the format of Apprise: `[{"filename": "a.txt", "base64": "…"}]`. */
function readAttachments(value: unknown, problems: string[]): readonly AttachmentInput[] {
  return listOf(value).flatMap((file) => {
    const name = textAt(file, "filename") || textAt(file, "name") || "attachment";
    const content = textAt(file, "base64") || textAt(file, "content");
    try {
      return [{ name, bytes: Uint8Array.fromBase64(content) }];
    } catch {
      problems.push(`Cannot attach ${name}: its content is not base64`);
      return [];
    }
  });
}

function readMentions(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(textOf) : textOf(value).split(/[\s,]+/);
}

/** Reads a duration, or a number of seconds. Returns undefined if the text is neither. */
function readTtl(text: string): number | undefined {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  return ms !== undefined && ms > 0 && Number.isFinite(ms) ? ms : undefined;
}
