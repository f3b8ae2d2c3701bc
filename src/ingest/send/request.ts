/**
 * Reads a request to send a notification. The request comes from a program on this host, as a form,
 * JSON or plain text. The fields have the same names as the options of `matrix-notify send`.
 *
 * ```text
 * curl -d 'subject=Disk full' …                     a form
 * curl -F 'subject=Load' -F attach=@graph.png …     a form with files
 * curl --json '{"subject": "Disk full"}' …          JSON
 * df | curl -H 'Content-Type: text/plain' -T - …    a text: the message
 * ```
 *
 * @module
 */

import { formatBytes } from "../../base/count.ts";
import { parseDuration } from "../../base/duration.ts";
import { InvalidNotificationError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import {
  type AttachmentInput,
  type Format,
  FORMATS,
  type NotificationInput,
  SEVERITIES,
  type Severity,
} from "../../notification/notification.ts";
import { readFormParts } from "../http/body.ts";
import { hasTooManyValues, MAX_JSON_VALUES } from "../http/values.ts";

/** A request to send. */
export interface SendRequest {
  readonly input: NotificationInput;
  readonly options: SendOptions;
}

/** The options of a request, as in `matrix-notify send`. */
export interface SendOptions {
  readonly channels?: readonly string[];
  readonly room?: string;
  readonly id?: string;
  readonly waitMs?: number;
  readonly untilDelivered?: boolean;
}

/** The fields of a request, by name. A field can be given several times. */
type Values = ReadonlyMap<string, readonly unknown[]>;

/** The names of the fields. */
const NAMES: readonly string[] = [
  ...["subject", "message", "format", "severity", "link", "silent", "origin", "key", "resolve", "mention", "ttl"],
  ...["problem", "channel", "room", "id", "wait", "require"],
];

/**
 * Reads a request.
 *
 * @param contentType the header `Content-Type`; empty for a plain text
 * @throws {InvalidNotificationError} if a field is unknown or its value cannot be used
 */
export function readSendRequest(body: Uint8Array<ArrayBuffer>, contentType: string): SendRequest {
  const type = contentType.split(";")[0].trim().toLowerCase();
  if (type === "multipart/form-data") return readMultipart(body, contentType);
  const isForm = type === "application/x-www-form-urlencoded";
  if (!isForm && type !== "application/json") return toRequest(new Map([["message", [body]]]), []);
  if (body.length > MAX_TEXT_BYTES) throw tooMany(formatBytes(MAX_TEXT_BYTES), "send a long message as a file");
  const text = new TextDecoder().decode(body);
  return toRequest(isForm ? readForm(text) : readJson(text), []);
}

/**
 * The maximum size of JSON and of a form without files, in bytes. A message of 8 MiB fits, even if
 * escape sequences double its length. Reading such a body takes several times its size in memory.
 */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

/**
 * The maximum number of fields of a form. Millions of fields would block the server.
 * `readFormParts()` returns at most 1000 parts, so 1000 parts can be too many.
 */
const MAX_FIELDS = 999;

function readForm(text: string): Values {
  if (text.split("&", MAX_FIELDS + 1).length > MAX_FIELDS) throw tooMany(`${MAX_FIELDS} fields`);
  const values = new Map<string, readonly unknown[]>();
  for (const [name, value] of new URLSearchParams(text)) values.set(name, [...values.get(name) ?? [], value]);
  return values;
}

function readMultipart(body: Uint8Array, contentType: string): SendRequest {
  const parts = readFormParts(contentType, body);
  if (parts.length === 0) throw new InvalidNotificationError("Cannot read the request: its form is not valid");
  if (parts.length > MAX_FIELDS) throw tooMany(`${MAX_FIELDS} fields`);
  const values = new Map<string, readonly unknown[]>();
  const attachments: AttachmentInput[] = [];
  for (const { name = "", fileName, type, bytes } of parts) {
    if (fileName === undefined) values.set(name, [...values.get(name) ?? [], new TextDecoder().decode(bytes)]);
    else if (name === "notification") {
      for (const [key, all] of readJson(new TextDecoder().decode(bytes))) values.set(key, all);
    } else if (name === "message") values.set(name, [bytes]);
    else if (name === "attach") attachments.push({ bytes, name: fileName, type });
    else throw new InvalidNotificationError(`Cannot use the file in field "${name}": use the field "attach"`);
  }
  return toRequest(values, attachments);
}

function tooMany(limit: string, hint?: string): InvalidNotificationError {
  return new InvalidNotificationError(`Cannot read the request: it has more than ${limit}`, { hint });
}

function readJson(text: string): Values {
  if (hasTooManyValues(text)) throw tooMany(`${MAX_JSON_VALUES} values`);
  const object = parseJsonObject(text);
  if (object === undefined) throw new InvalidNotificationError("Cannot read the request: it is not a JSON object");
  return new Map(Object.entries(object).map(([name, value]) => [name, [value].flat()]));
}

function toRequest(values: Values, attachments: readonly AttachmentInput[]): SendRequest {
  for (const name of values.keys()) {
    if (NAMES.includes(name)) continue;
    throw new InvalidNotificationError(`Cannot use field "${name}": there is no such field`, {
      hint: `the fields are ${NAMES.join(", ")} and attach`,
    });
  }
  const raw = (name: string) => values.get(name)?.findLast((value) => value !== null && value !== undefined);
  const text = (name: string) => toText(raw(name), name);
  const filled = (name: string) => text(name)?.trim() === "" ? undefined : text(name);
  const texts = (name: string) => (values.get(name) ?? []).map((value) => toText(value, name) ?? "").filter(Boolean);
  const message = raw("message");
  const channels = texts("channel");
  const require = filled("require");
  if (require !== undefined && require !== "delivered") throw wrong("require", require, ["delivered"]);
  return {
    input: {
      subject: text("subject") ?? "",
      message: message instanceof Uint8Array ? message : text("message"),
      format: oneOf<Format>("format", filled("format"), FORMATS),
      severity: oneOf<Severity>("severity", filled("severity"), SEVERITIES),
      link: filled("link"),
      silent: isOn(raw("silent")),
      origin: filled("origin"),
      key: text("key"),
      resolves: isOn(raw("resolve")),
      mentions: texts("mention"),
      ttlMs: duration("ttl", filled("ttl")),
      attachments,
      problems: texts("problem"),
      // A new field of a notification is a type error here. `writeSendRequest` must write it, too.
    } satisfies Record<keyof NotificationInput, unknown>,
    options: {
      channels: channels.length === 0 ? undefined : channels,
      room: filled("room"),
      id: text("id"),
      waitMs: duration("wait", filled("wait")),
      untilDelivered: require !== undefined,
    },
  };
}

function toText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new InvalidNotificationError(`Cannot use field "${name}": it must be a text`);
}

/**
 * Returns false if the value of a switch is missing, `false`, `no`, `off`, `0` or an empty text.
 */
function isOn(value: unknown): boolean {
  return value !== undefined && !/^(false|no|off|0|)$/i.test(String(value).trim());
}

function oneOf<Value extends string>(
  name: string,
  value: string | undefined,
  values: readonly Value[],
): Value | undefined {
  if (value === undefined) return undefined;
  const found = values.find((known) => known === value);
  if (found === undefined) throw wrong(name, value, values);
  return found;
}

function wrong(name: string, value: string, values: readonly string[]): InvalidNotificationError {
  return new InvalidNotificationError(
    `Cannot use ${name} "${value}": ${values.length === 1 ? "the only possible value is" : "it must be one of"} ${
      values.join(", ")
    }`,
  );
}

function duration(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  throw new InvalidNotificationError(`Cannot use ${name} "${value}": it is not a duration`, {
    hint: "write it as 10s, 5m or 1h",
  });
}

/**
 * Writes a request that {@linkcode readSendRequest} reads. The message and the files are not
 * changed.
 *
 * @param files the contents of the attachments
 */
export function writeSendRequest(
  { input, options }: SendRequest,
  files: readonly { readonly name: string; readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> }[],
): FormData {
  const { subject, message, format, severity, link, silent, origin, key, resolves, mentions, ttlMs, problems } = input;
  const fields = {
    ...{
      subject,
      format,
      severity,
      link,
      silent,
      origin,
      key,
      resolve: resolves,
      mention: mentions,
      problem: problems,
    },
    ttl: ttlMs === undefined ? undefined : `${ttlMs}ms`,
    ...{ channel: options.channels, room: options.room, id: options.id },
    wait: options.waitMs === undefined ? undefined : `${options.waitMs}ms`,
    require: options.untilDelivered ? "delivered" : undefined,
  };
  const form = new FormData();
  form.set("notification", new Blob([JSON.stringify(fields)]));
  if (message !== undefined) form.set("message", new Blob([message as Uint8Array<ArrayBuffer> | string]));
  for (const { name, type, bytes } of files) form.append("attach", new File([bytes], name, { type }));
  return form;
}
