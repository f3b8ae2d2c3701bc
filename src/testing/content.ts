/** Functions that check request bodies and event contents. */

import { isObject } from "../base/fields.ts";
import { type Answer, matrixError } from "./answer.ts";
import type { HomeserverSoftware } from "./homeserver_types.ts";

/** The maximum size of an event with its hashes and signatures, in bytes of canonical JSON. */
export const MAX_EVENT_BYTES = 65_536;

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A parsed body and its JSON text. Matrix allows the number 1, but not 1.0. Only the text shows the
 * difference, because 1.0 and 1 are equal after parsing.
 */
export interface JsonBody {
  readonly text: string;
  readonly value: JsonObject;
}

/** Parses the body of a POST or PUT request. The body must be a JSON object. */
export function parseJsonBody(bytes: Uint8Array, software: HomeserverSoftware): JsonBody | Answer {
  let text: string, value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return matrixError(400, "M_NOT_JSON", "Content is not UTF-8.");
  }
  try {
    value = JSON.parse(text);
  } catch {
    return matrixError(400, software === "Dendrite" ? "M_BAD_JSON" : "M_NOT_JSON", "Content not JSON.");
  }
  if (!isObject(value)) return matrixError(400, "M_BAD_JSON", "Content must be a JSON object.");
  return { text, value };
}

/** Returns an error answer if the content of an event is not allowed. */
export function checkContent(eventType: string, body: JsonBody, software: HomeserverSoftware): Answer | undefined {
  if (!hasCanonicalNumbers(body.text)) return matrixError(400, "M_BAD_JSON", "Invalid JSON value: not a safe integer");
  if (software === "Dendrite") return undefined;
  if (!isWellFormed(body.value)) return matrixError(500, "M_UNKNOWN", "Internal server error");
  const { msgtype, body: text } = body.value;
  if (eventType === "m.room.message" && (typeof msgtype !== "string" || typeof text !== "string")) {
    return matrixError(400, "M_UNKNOWN", "The content of m.room.message needs the strings msgtype and body");
  }
  return undefined;
}

/** The maximum length of the type and of the state key of an event, in bytes. */
const MAX_NAME_BYTES = 255;

/** Returns an error answer if the type or the state key of an event is too long. */
export function checkNames(names: { readonly type: string; readonly state_key?: string }): Answer | undefined {
  const long = Object.entries(names).find(([, name]) => new TextEncoder().encode(name).length > MAX_NAME_BYTES);
  return long && matrixError(413, "M_TOO_LARGE", `'${long[0]}' too large`);
}

/** Creates the error for an event that is too large. */
export function tooLarge(bytes: number, software: HomeserverSoftware): Answer {
  return software === "Dendrite"
    ? matrixError(413, "M_BAD_JSON", `event is too long, length ${bytes} bytes > maximum ${MAX_EVENT_BYTES} bytes`)
    : matrixError(413, "M_TOO_LARGE", "event too large");
}

/** An event without the fields that the homeserver adds. */
export interface NewEvent {
  readonly roomId: string;
  readonly sender: string;
  readonly type: string;
  readonly content: JsonObject;
}

/**
 * Returns the size of an event in bytes of canonical JSON, including the fields that the homeserver
 * adds.
 */
export function eventBytes({ roomId, sender, type, content }: NewEvent): number {
  const hash = "h".repeat(43), eventId = `$${hash}`;
  const pdu = {
    auth_events: [eventId, eventId],
    content,
    depth: 12,
    hashes: { sha256: hash },
    origin_server_ts: 1_700_000_000_000,
    prev_events: [eventId],
    room_id: roomId,
    sender,
    signatures: { [sender.slice(sender.indexOf(":") + 1)]: { "ed25519:a_abcd": "s".repeat(86) } },
    type,
    unsigned: { age_ts: 1_700_000_000_000 },
  };
  return new TextEncoder().encode(formatCanonicalJson(pdu)).length;
}

/** Formats canonical JSON, which has sorted keys and does not contain spaces. */
function formatCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (!isObject(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/**
 * Returns true if all numbers in a JSON text are integers from -(2^53)+1 to 2^53-1. Matrix does not
 * allow other numbers. The text is needed, because 1.0 and 1 are equal after parsing.
 */
function hasCanonicalNumbers(text: string): boolean {
  const withoutStrings = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/gs, '""');
  return [...withoutStrings.matchAll(/-?\d[\d.eE+-]*/g)].every(([number]) =>
    /^-?\d+$/.test(number) && Number.isSafeInteger(Number(number))
  );
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, part]) => key.isWellFormed() && isWellFormed(part));
}
