/** Builds requests for the tests of the HTTP receiver, and plays the answer. */

import type { Answer, IncomingNotification, IncomingRequest, Protocol } from "../../../src/ingest/http/request.ts";

/** The parts of a request that differ from `POST / HTTP/1.1` without headers and body. */
export interface RequestParts {
  readonly method?: string;
  /** The path with the query. */
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, bytes, or a value that is sent as JSON. */
  readonly body?: unknown;
}

/** Creates a request. Headers carry UTF-8 as clients send it: each byte as one character. */
export function request({ method = "POST", url = "/", headers = {}, body = "" }: RequestParts): IncomingRequest {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const toBytes = (value: unknown) =>
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  const raw = (text: string) => String.fromCharCode(...toBytes(text));
  return {
    method,
    path: pathname,
    query: searchParams,
    headers: new Headers(Object.entries(headers).map(([name, value]): [string, string] => [name, raw(value)])),
    body: body instanceof Uint8Array ? body : toBytes(body),
  };
}

/** The time of all requests. */
export const NOW: number = Date.UTC(2026, 10, 22, 20);

/** Reads a request with one notification. */
export function readOne(protocol: Protocol, parts: RequestParts): IncomingNotification {
  const { notifications } = protocol.read(request(parts), { now: NOW });
  if (notifications.length !== 1) throw new Error(`There are ${notifications.length} notifications`);
  return notifications[0];
}

/** Returns the answer to a request whose notifications got the ids. */
export function answer(protocol: Protocol, parts: RequestParts, ids: readonly string[]): Answer {
  return protocol.read(request(parts), { now: NOW }).answer(ids);
}
