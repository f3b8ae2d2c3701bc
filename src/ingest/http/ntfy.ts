/**
 * Accepts what clients publish to an ntfy server (ntfy documentation, "Publishing"; ntfy,
 * `server/server.go`): a text or a file to `/{topic}` with parameters in headers or in the query,
 * or JSON to `/`. The topic becomes the origin, so that rules can choose channels by topic.
 *
 * @module
 */

import { firstChars } from "../../base/printable.ts";
import type { AttachmentInput, NotificationInput } from "../../notification/notification.ts";
import { decodeText } from "../../notification/text.ts";
import { decodeWords } from "../mail/headers.ts";
import { readBody } from "./body.ts";
import { fillTemplate, formatActions, parseTags, splitTags } from "./ntfy_extras.ts";
import { splitSubject } from "./notify.ts";
import {
  type Answer,
  headerText,
  idempotencyKey,
  type IncomingNotification,
  type IncomingRequest,
  jsonAnswer,
  type Protocol,
  type Refusal,
} from "./request.ts";
import { isTrue, joinParts, listOf, parseJson, propertyOf, showFields, textOf } from "./values.ts";

/** Matches a path to which clients publish: a topic, and optionally an action or a sequence id. */
const TOPIC_REGEXP =
  /^\/([-_A-Za-z0-9]{1,64})(?:\/(?:publish|send|trigger|(?!(?:json|sse|raw|ws|auth)$)([-_A-Za-z0-9]{1,64})))?$/;

/** Returns the topic of a path; undefined if clients do not publish to this path. */
export function topicOf(path: string): string | undefined {
  return TOPIC_REGEXP.exec(path)?.[1];
}

/** The parameters of a publication. */
interface Publication {
  readonly topic: string;
  /** The text or the file in the body. */
  readonly bytes: Uint8Array;
  /** Returns the value of the first parameter in `names` that is set; empty if none is set. */
  read(...names: string[]): string;
  /** The actions in JSON. @default the value of the parameter `actions` */
  readonly actions?: readonly unknown[];
  /** Fields of JSON that ntfy does not define. */
  readonly others: readonly (readonly [string, unknown])[];
}

/** The protocol of ntfy. */
export const NTFY: Protocol = {
  name: "ntfy",
  read(request, { now }) {
    const publication = readPublication(request);
    const notification = toNotification(publication, request);
    return {
      notifications: [notification],
      answer: ([id = now.toString(16)]) => jsonAnswer(200, toMessage(publication, notification, { id, now })),
    };
  },
  refuse,
};

/** The names of the parameters in JSON. */
const JSON_NAMES: ReadonlySet<string> = new Set([
  ...["topic", "title", "message", "priority", "tags", "click", "icon", "actions", "attach", "markdown", "filename"],
  ...["email", "call", "cache", "firebase", "delay", "sequence_id"],
]);

function readPublication(request: IncomingRequest): Publication {
  const { path, query, headers, body } = request;
  const readParameter: Publication["read"] = (...names) => {
    const given = names.flatMap((name) => [readHeader(headers, `x-${name}`), readHeader(headers, name)]);
    return [...given, ...names.map((name) => query.get(name)?.trim() ?? "")].find((value) => value !== "") ?? "";
  };
  const { json, fields } = path === "/" ? readBody(request, () => false) : {};
  if (typeof json !== "object" || json === null || fields === undefined) {
    const [, topic = "", sequence = ""] = TOPIC_REGEXP.exec(path) ?? [];
    const read: Publication["read"] = (...names) =>
      names.includes("sequence-id") && sequence !== "" ? sequence : readParameter(...names);
    return { topic, bytes: body, read, others: [] };
  }
  const actions = listOf(propertyOf(json, "actions"));
  return {
    topic: readJson(json, "topic"),
    bytes: new TextEncoder().encode(textOf(propertyOf(json, "message"))),
    read(...names) {
      const known = names.map((name) => name.replaceAll("-", "_")).filter((name) => JSON_NAMES.has(name));
      // Skip the message, because it is already in `bytes`. Read missing parameters from headers,
      // because Apprise sends JSON with some parameters in headers.
      const given = known.filter((name) => name !== "message").map((name) => readJson(json, name));
      return given.find((value) => value !== "") ?? readParameter(...names);
    },
    ...actions.length === 0 ? {} : { actions },
    others: Object.entries(json).filter(([name]) => !JSON_NAMES.has(name)),
  };
}

function readJson(json: object, name: string): string {
  const value = propertyOf(json, name);
  return (Array.isArray(value) ? value.map(textOf).join(",") : textOf(value)).trim();
}

/** Reads a header. Ignores the header `Priority` of browsers and proxies (RFC 9218). */
function readHeader(headers: Headers, name: string): string {
  const value = decodeWords(headerText(headers, name));
  return name === "priority" && /^u=\d(?:,\s*(?:i|\d))?$/.test(value) ? "" : value;
}

function toNotification(
  { topic, bytes, read, actions, others }: Publication,
  request: IncomingRequest,
): IncomingNotification {
  const problems: string[] = [];
  const { symbols, words } = splitTags(read("tags", "tag", "ta"));
  const files = readFile(bytes, read);
  const isMarkdown = isTrue(read("markdown", "md")) || /^text\/markdown\b/i.test(read("content-type"));
  const { title, text } = files.length === 0 ? readTexts(read, decodeText(bytes), problems) : readTexts(read, "", []);
  const attach = read("attach", "a"), fileName = files[0]?.name ?? nameOf(attach, read("filename", "file", "f"));
  const { subject, message } = isMarkdown && title === "" ? { subject: topic, message: text } : splitSubject(
    title,
    text.trim() || (fileName === "" ? "triggered" : `File: ${fileName}`),
  );
  const delay = read("delay", "at", "in");
  if (delay !== "") problems.push(`Cannot delay the notification until "${delay}": it was sent at once`);
  const email = read("email", "e-mail", "mail", "e"), call = read("call");
  if (email !== "") problems.push(`Cannot send a mail to ${email}: configure a channel for it`);
  if (call !== "") problems.push(`Cannot call ${call}: this server makes no phone calls`);
  const click = read("click"), sequence = read("sequence-id", "sid");
  const input: NotificationInput = {
    subject: [...symbols, subject].join(" ").trim(),
    message: joinParts(
      message,
      showFields([
        ["Attachment", attach === "" ? "" : [read("filename", "file", "f"), attach].join(" ").trim()],
        ["Tags", words.join(", ")],
        ...others,
      ]),
      formatActions(actions ?? read("actions", "action")),
    ),
    ...isMarkdown ? { format: "markdown" } : {},
    ...readPriority(read("priority", "prio", "p"), problems),
    ...topic === "" ? {} : { origin: topic },
    ...click === "" ? {} : { link: click },
    ...sequence === "" ? {} : { key: `${topic}/${sequence}` },
    ...files.length === 0 ? {} : { attachments: files },
    ...problems.length === 0 ? {} : { problems },
  };
  const id = idempotencyKey(request);
  return id === undefined ? { input } : { input, id };
}

/** Returns the name of a file at an address. */
function nameOf(address: string, given: string): string {
  return address === "" ? "" : given || (/^[^?#]*\/([^/?#]+)/.exec(address)?.[1] ?? address);
}

/** Reads the title and the message. The body is the message, or JSON for a template. */
function readTexts(
  read: Publication["read"],
  body: string,
  problems: string[],
): { readonly title: string; readonly text: string } {
  const title = read("title", "t"), given = read("message", "m").replaceAll("\\n", "\n");
  const template = read("template", "tpl");
  if (/^(?:|0|no|false)$/i.test(template)) return { title, text: body === "" ? given : body };
  const json = parseJson(body);
  const [filledTitle, filledText] = [title, given].map((text) => fillTemplate(text, json));
  if (isTrue(template) && filledTitle !== undefined && filledText !== undefined) {
    return { title: filledTitle, text: filledText === "" ? body : filledText };
  }
  problems.push(`Cannot apply the template ${isTrue(template) ? "" : `${template} `}of ntfy: the whole text is shown`);
  return { title: title.includes("{{") ? "" : title, text: body };
}

/** Returns the body as a file, if the request names a file or if the bytes are not text. */
function readFile(bytes: Uint8Array, read: Publication["read"]): readonly AttachmentInput[] {
  const name = read("filename", "file", "f");
  if (bytes.length === 0 || read("attach", "a") !== "") return [];
  // Only a text in UTF-16 can contain a byte 0. Such a text begins with a byte order mark.
  const isBinary = bytes.includes(0) &&
    !/^(?:\u00ff\u00fe|\u00fe\u00ff)/.test(String.fromCharCode(...bytes.subarray(0, 2)));
  return name !== "" || isBinary ? [{ name: name || "attachment.bin", bytes }] : [];
}

const PRIORITIES: Readonly<Record<string, Pick<NotificationInput, "severity" | "silent">>> = {
  "": {},
  "1": { silent: true },
  "2": { silent: true },
  "3": {},
  "4": { severity: "warning" },
  "5": { severity: "critical" },
};

const PRIORITY_NAMES = ["min", "low", "default", "high", "max"];

/** Returns the number of a priority; a priority that is not known stays as it is. */
function priorityNumber(given: string): string {
  const name = given.toLowerCase() === "urgent" ? "max" : given.toLowerCase();
  return PRIORITY_NAMES.includes(name) ? String(PRIORITY_NAMES.indexOf(name) + 1) : name;
}

function readPriority(given: string, problems: string[]): Pick<NotificationInput, "severity" | "silent"> {
  const number = priorityNumber(given);
  if (Object.hasOwn(PRIORITIES, number)) return PRIORITIES[number];
  // In JSON, 0 means the default priority.
  if (number !== "0") problems.push(`Cannot use priority "${given}": it is not known`);
  return {};
}

/** Creates the message that an ntfy server returns. */
function toMessage(
  { topic, read, bytes }: Publication,
  { input }: IncomingNotification,
  { id, now }: { readonly id: string; readonly now: number },
): object {
  const title = echo(read("title", "t")), click = echo(read("click")), [file] = input.attachments ?? [];
  const priority = priorityNumber(read("priority", "prio", "p"));
  const text = file === undefined
    ? decodeText(bytes.subarray(0, MAX_ECHO_CHARS)).trim() || read("message", "m")
    : read("message", "m") || `You received a file: ${file.name}`;
  const tags = parseTags(echo(read("tags", "tag", "ta")));
  const time = Math.floor(now / 1000);
  return {
    id: id.replaceAll("-", "").slice(0, 12),
    time,
    expires: time + 12 * 3600,
    event: "message",
    topic: echo(topic) || "notify",
    ...title === "" ? {} : { title },
    message: echo(text) || "triggered",
    ...Object.hasOwn(PRIORITIES, priority) && priority !== "" ? { priority: Number(priority) } : {},
    ...tags.length === 0 ? {} : { tags },
    ...click === "" ? {} : { click },
    ...file?.bytes === undefined ? {} : { attachment: { name: file.name, size: file.bytes.length, url: "" } },
    ...input.format === "markdown" ? { content_type: "text/markdown" } : {},
  };
}

/** The maximum length of a text in the answer: the `message-size-limit` of ntfy. */
const MAX_ECHO_CHARS = 4096;

function echo(text: string): string {
  return firstChars(text, MAX_ECHO_CHARS).toWellFormed();
}

/** The errors of ntfy (`server/errors.go`). */
const ERRORS: Readonly<Record<Refusal, readonly [code: number, error: string, link: string]>> = {
  "unauthorized": [40101, "unauthorized", "https://ntfy.sh/docs/publish/#authentication"],
  "no-token": [40101, "unauthorized", "https://ntfy.sh/docs/publish/#authentication"],
  "forbidden": [40301, "forbidden", "https://ntfy.sh/docs/publish/#authentication"],
  "too-slow": [40801, "the request did not arrive in time", ""],
  "too-large": [41301, "attachment too large, or bandwidth limit reached", "https://ntfy.sh/docs/publish/#limitations"],
  "too-many": [42901, "limit reached: too many requests", "https://ntfy.sh/docs/publish/#limitations"],
  "unavailable": [50001, "internal server error", ""],
  "failed": [50001, "internal server error", ""],
};

function refuse(refusal: Refusal): Answer {
  const [code, error, link] = ERRORS[refusal];
  const http = Math.floor(code / 100);
  return jsonAnswer(http, { code, http, error, ...link === "" ? {} : { link } });
}
