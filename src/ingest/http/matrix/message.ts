/**
 * Accepts the messages that clients send to a Matrix homeserver (Client-Server API, "Sending events
 * to a room"; older clients POST without a transaction id). The room decides where the notification
 * goes.
 *
 * @module
 */

import { crc32 } from "../../../base/crc32.ts";
import { isObject } from "../../../base/fields.ts";
import { decodePercent } from "../../../base/secret_mask.ts";
import { readBody } from "../body.ts";
import {
  type Answer,
  idempotencyKey,
  type IncomingRequest,
  jsonAnswer,
  type Protocol,
  type Refusal,
  REFUSALS,
  type RequestContext,
  type UploadedFiles,
} from "../request.ts";
import { textAt } from "../values.ts";
import { readContent } from "./content.ts";
import { findTarget } from "./rooms.ts";

/**
 * Matches the beginning of all paths of the Client-Server API. Old clients use `api/v1` and `r0`.
 */
export const API_PATH = String.raw`^/_matrix/client/(?:api/v1|r0|v1|v3|unstable)`;

const MESSAGE_REGEXP = new RegExp(`${API_PATH}/rooms/([^/]+)/send/m\\.room\\.message(?:/([^/]+))?$`);

/** Returns true if a request sends a message. */
export function isMessage(method: string, path: string): boolean {
  const found = MESSAGE_REGEXP.exec(path);
  return found !== null && (method === "PUT" || method === "POST" && found[2] === undefined);
}

/** The protocol of Matrix clients. */
export const MATRIX: Protocol = {
  name: "matrix",
  read(request, context) {
    const { channels = [], isLimited = false, uploads = NO_UPLOADS } = context;
    const [room = "", txnId = ""] =
      MESSAGE_REGEXP.exec(request.path)?.slice(1).map((part) => decodePercent(part ?? "")) ??
        [];
    const content = contentOf(request);
    const { origin, ...target } = findTarget(room, channels, isLimited);
    const { input: given, encryptedFile } = readContent(content, uploads.find);
    const input = origin === undefined ? given : { origin, ...given };
    const complete = async () => {
      const { withDecryptedFile } = await import("./encrypted_file.ts");
      return await withDecryptedFile(input, encryptedFile, uploads.read);
    };
    const id = idOf(request, { ...context, room, txnId, content });
    return {
      notifications: [{
        input,
        ...encryptedFile === undefined ? {} : { complete },
        ...id === undefined ? {} : { id },
        ...target,
      }],
      answer: ([id]) => jsonAnswer(200, { event_id: `$${id ?? `muted-${crc32(request.body)}`}` }),
    };
  },
  refuse: refuseAsMatrix,
};

const NO_UPLOADS: UploadedFiles = { find: () => undefined, read: () => new Uint8Array() };

/** Returns the content of the event. A body that is not JSON becomes the text of a message. */
function contentOf(request: IncomingRequest): object {
  const { json, text } = readBody(request, () => false);
  return isObject(json) ? json : { msgtype: "m.text", body: text };
}

/**
 * Returns the idempotency key. A repeated request has the same device, room, transaction id and
 * content. The content is compared too, because some clients use a transaction id again for a new
 * message. Examples are Apprise with an access token, and clients that count from 0 after each
 * start.
 */
function idOf(
  request: IncomingRequest,
  { device = "", room, txnId, content }: Pick<RequestContext, "device"> & {
    readonly room: string;
    readonly txnId: string;
    readonly content: object;
  },
): string | undefined {
  if (txnId === "") return idempotencyKey(request);
  // An exception: if the sender is also a matrix-notify, the key does not contain the content. Such
  // a sender may add a note to the content before it repeats a message.
  const own = textAt(content, "dev.matrix-notify.id");
  return ["matrix", device, room, txnId, own === "" ? crc32(request.body) : ""].join(" ");
}

/** Creates an error in the format of the Client-Server API. */
export function matrixError(status: number, errcode: string, error: string): Answer {
  return jsonAnswer(status, { errcode, error });
}

/** The errcode of each refusal. */
const ERRCODES: Readonly<Record<Refusal, string>> = {
  "unauthorized": "M_UNKNOWN_TOKEN",
  "no-token": "M_MISSING_TOKEN",
  "forbidden": "M_FORBIDDEN",
  "too-slow": "M_UNKNOWN",
  "too-large": "M_TOO_LARGE",
  "too-many": "M_LIMIT_EXCEEDED",
  "unavailable": "M_UNKNOWN",
  "failed": "M_UNKNOWN",
};

/** Creates the answer to a refused request, as a homeserver would. */
export function refuseAsMatrix(refusal: Refusal, waitMs?: number): Answer {
  const { status, text } = REFUSALS[refusal];
  const error = { errcode: ERRCODES[refusal], error: text };
  if (waitMs === undefined) return jsonAnswer(status, error);
  const answer = jsonAnswer(status, { ...error, retry_after_ms: waitMs });
  return { ...answer, headers: { ...answer.headers, "Retry-After": String(Math.ceil(waitMs / 1000)) } };
}
