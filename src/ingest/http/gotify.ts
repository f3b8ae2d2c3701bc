/**
 * Accepts the messages that clients send to a Gotify server (Gotify API documentation, "POST
 * /message" and "Message Extras"; gotify/server, `api/message.go`).
 *
 * @module
 */

import { firstChars } from "../../base/printable.ts";
import type { NotificationInput } from "../../notification/notification.ts";
import { readBody } from "./body.ts";
import { splitSubject } from "./notify.ts";
import {
  type Answer,
  idempotencyKey,
  type IncomingRequest,
  jsonAnswer,
  type Protocol,
  type Refusal,
  REFUSALS,
} from "./request.ts";
import { entriesOf, joinParts, propertyOf, showFields, textAt, textOf } from "./values.ts";

/** The fields of a message. */
const NAMES: ReadonlySet<string> = new Set(["message", "title", "priority", "extras", "appid", "id", "date"]);

/** The protocol of Gotify. */
export const GOTIFY: Protocol = {
  name: "gotify",
  read(request, { now }) {
    const fields = readFields(request);
    const id = idempotencyKey(request);
    const input = toInput(fields);
    return {
      notifications: [id === undefined ? { input } : { input, id }],
      answer: ([id = now.toString(16)]) => jsonAnswer(200, toMessage(fields, { id, now })),
    };
  },
  refuse,
};

type MessageFields = ReadonlyMap<string, unknown>;

/** Reads the fields of JSON, a form or the query. A body without fields is the message. */
function readFields(request: IncomingRequest): MessageFields {
  const { fields, text } = readBody(request, (name) => NAMES.has(name));
  const query = [...request.query].filter(([name]) => name !== "token");
  return new Map([...query, ...text.trim() === "" ? [] : [["message", text] as const], ...fields ?? []]);
}

function toInput(fields: MessageFields): NotificationInput {
  const extras = fields.get("extras");
  const display = propertyOf(extras, "client::display"), notification = propertyOf(extras, "client::notification");
  const action = propertyOf(propertyOf(extras, "android::action"), "onReceive");
  const isMarkdown = /^text\/markdown\b/i.test(textAt(display, "contentType"));
  const link = textAt(propertyOf(notification, "click"), "url") || textAt(action, "intentUrl");
  const others = [...entriesOf(extras)]
    .filter(([name]) => !["client::display", "client::notification", "android::action"].includes(name));
  const title = textOf(fields.get("title")).trim(), text = textOf(fields.get("message"));
  const { subject, message } = isMarkdown && title === ""
    ? { subject: "Gotify", message: text }
    : splitSubject(title, text);
  const rest = [...fields].filter(([name]) => !NAMES.has(name));
  return {
    subject,
    message: joinParts(
      message,
      showFields([["Image", textAt(notification, "bigImageUrl")], ...others, ...rest]),
    ),
    ...isMarkdown ? { format: "markdown" } : {},
    ...readPriority(textOf(fields.get("priority"))),
    ...link === "" ? {} : { link },
  };
}

/**
 * Reads a priority. The clients of Gotify make no sound for priorities up to 3. They show a message
 * with priority 8 or more on top of the screen.
 */
function readPriority(text: string): Pick<NotificationInput, "severity" | "silent" | "problems"> {
  const priority = Number(text.trim() === "" ? 5 : text);
  if (Number.isNaN(priority)) return { problems: [`Cannot use priority "${text}": it is not a number`] };
  if (priority <= 3) return { silent: true };
  return priority >= 10 ? { severity: "critical" } : priority >= 8 ? { severity: "error" } : {};
}

/** Creates the message that a Gotify server returns. */
function toMessage(fields: MessageFields, { id, now }: { readonly id: string; readonly now: number }): object {
  const number = parseInt(id.replaceAll("-", "").slice(0, 8), 16);
  const extras = fields.get("extras");
  return {
    // Clients expect a positive number of 32 bits.
    id: number >>> 1 || 1,
    appid: 1,
    message: firstChars(textOf(fields.get("message")), MAX_ECHO_CHARS).toWellFormed(),
    title: firstChars(textOf(fields.get("title")), MAX_ECHO_CHARS).toWellFormed(),
    priority: Number(textOf(fields.get("priority"))) || 0,
    ...typeof extras === "object" && extras !== null && JSON.stringify(extras).length <= MAX_ECHO_CHARS
      ? { extras }
      : {},
    date: new Date(now).toISOString(),
  };
}

/** The maximum length of a text in the answer. A router reads only short answers. */
const MAX_ECHO_CHARS = 4096;

/** Creates an error in the format of Gotify (`error/handler.go`). */
function refuse(refusal: Refusal): Answer {
  const { status, text } = REFUSALS[refusal];
  const errorDescription = status === 401
    ? "you need to provide a valid access token or user credentials to access this api"
    : text;
  return jsonAnswer(status, { error: STATUS_TEXTS[status], errorCode: status, errorDescription });
}

/** The names of the status codes (RFC 9110, section 15). */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  408: "Request Timeout",
  413: "Request Entity Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};
