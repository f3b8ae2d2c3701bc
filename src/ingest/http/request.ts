/**
 * The types of the HTTP receiver: a request, the notifications in the request, and the answer. A
 * protocol reads a request, and returns the notifications and the answer. Protocols do not use the
 * network.
 *
 * @module
 */

import { formatBytes } from "../../base/count.ts";
import { isAscii } from "../../base/printable.ts";
import type { NotificationInput } from "../../notification/notification.ts";
import { decodeText } from "../../notification/text.ts";

/** A request whose body was read completely. */
export interface IncomingRequest {
  /** The method, in upper case. */
  readonly method: string;
  /** The path as the client sent it: `/notify`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A channel that a sender can use. */
export interface KnownChannel {
  readonly name: string;
  /** The name of the kind: `matrix`, `ntfy`. */
  readonly kind: string;
  readonly destinations: readonly string[];
}

/** The context of a request. Only the protocol of Matrix needs the optional fields. */
export interface RequestContext {
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
  /** The channels that the sender can use. @default none */
  readonly channels?: readonly KnownChannel[];
  /** True if the sender can send only to the `destinations` in `channels`. @default {false} */
  readonly isLimited?: boolean;
  /**
   * The device of a Matrix login, if the request has the token from that login.
   *
   * @default the request has the sender's own token
   */
  readonly device?: string;
  /** The files that Matrix clients have uploaded. @default none */
  readonly uploads?: UploadedFiles;
}

/** The files that clients have uploaded. */
export interface UploadedFiles {
  /** Returns the path of an upload; undefined if there is none with this id. */
  find(id: string): string | undefined;
  /** Returns the bytes of an upload. */
  read(path: string): Uint8Array<ArrayBuffer>;
}

/** An answer. The body is one line, without the line break. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A notification in a request. */
export interface IncomingNotification {
  readonly input: NotificationInput;
  /**
   * Returns the final input, which replaces `input`. The method exists if the input needs more
   * work, such as the decryption of a file.
   *
   * @default `input` is final
   */
  complete?(): Promise<NotificationInput>;
  /** The idempotency key. @default the notification is not compared with earlier notifications */
  readonly id?: string;
  /** The names of the channels. @default the rules choose */
  readonly channels?: readonly string[];
  /** The room. @default the rooms of the channels */
  readonly room?: string;
}

/** The result of reading a request. */
export interface Reception {
  readonly notifications: readonly IncomingNotification[];
  /**
   * Creates the answer after all notifications are on disk.
   *
   * @param ids the ids of the queue entries of all notifications
   */
  answer(ids: readonly string[]): Answer;
}

/** The maximum size of a request, in bytes. */
export const MAX_REQUEST_BYTES: number = 8 * 2 ** 20;

/** The reasons for which a request is refused. */
export type Refusal =
  | "unauthorized"
  | "no-token"
  | "forbidden"
  | "too-slow"
  | "too-large"
  | "too-many"
  | "unavailable"
  | "failed";

/** The HTTP status and the text of each refusal. */
export const REFUSALS: Readonly<Record<Refusal, { readonly status: number; readonly text: string }>> = {
  "unauthorized": { status: 401, text: "a token is missing or wrong" },
  "no-token": { status: 401, text: "a token is missing" },
  "forbidden": { status: 403, text: "no sender has the network of this address" },
  "too-slow": { status: 408, text: "the request did not arrive in time" },
  "too-large": { status: 413, text: `the request is larger than ${formatBytes(MAX_REQUEST_BYTES)}` },
  "too-many": { status: 429, text: "too many requests" },
  "unavailable": { status: 503, text: "the queue cannot take the notification now, try again" },
  "failed": { status: 500, text: "internal error" },
};

/** A protocol that senders speak. */
export interface Protocol {
  readonly name: string;
  /** Reads a request. Accepts every input. */
  read(request: IncomingRequest, context: RequestContext): Reception;
  /**
   * Creates the answer to a refused request, as the protocol's own server would.
   *
   * @param waitMs the time until the client may try again, in milliseconds; only for `too-many`
   */
  refuse(refusal: Refusal, waitMs?: number): Answer;
}

/** Creates an answer with a JSON body. */
export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

/** Creates an answer with a text body. */
export function textAnswer(status: number, body: string): Answer {
  return { status, headers: { "Content-Type": "text/plain; charset=utf-8" }, body };
}

/** Creates the answer to a refused request for protocols without a format of their own. */
export function refuseAsJson(refusal: Refusal): Answer {
  const { status, text } = REFUSALS[refusal];
  return jsonAnswer(status, { error: text });
}

/**
 * Returns the value of a header; empty if the header is missing. `Headers` contains the bytes as
 * Latin-1, but many clients send UTF-8. Therefore the bytes are decoded again.
 */
export function headerText(headers: Headers, name: string): string {
  const value = headers.get(name) ?? "";
  if (isAscii(value)) return value.trim();
  return decodeText(latin1Bytes(value)).trim();
}

/** Converts each character to one byte. The text must not have characters above U+00FF. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Returns the idempotency key that the client gave in a header. */
export function idempotencyKey({ headers }: IncomingRequest): string | undefined {
  return headerText(headers, "idempotency-key") || undefined;
}
