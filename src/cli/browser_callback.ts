/**
 * Waits for the browser at the end of a single sign-on. The server redirects the browser to a port
 * of this host, with a one-time token in the URL. Every user of the host can connect to this port,
 * so the listener trusts no connection:
 *
 * - Only a request for the random path gets an answer other than 404.
 * - A connection has a few seconds and a few kilobytes for its request.
 * - If too many connections are open, the oldest one is closed. So idle connections do not block
 *   the browser.
 * - When the login ends, all open connections are closed immediately.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";
import { untilAborted } from "../runtime/abort.ts";

/** The largest number of open connections. */
export const MAX_CONNECTIONS = 64;

/** The largest request, in bytes. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** The longest time for a request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * The pause after a failed accept, in milliseconds. An accept fails, for example, if too many files
 * are open.
 */
const ACCEPT_PAUSE_MS = 100;

const PAGE = "<!DOCTYPE html><title>matrix-notify</title><p>You can close this page and go back to the terminal.\n";

/** A listener to which the browser connects. */
export interface BrowserCallback extends Disposable {
  /** The URL to which the server redirects the browser. */
  readonly url: string;
  /** The token from the URL. */
  readonly token: Promise<string>;
}

/**
 * Listens on the loopback interface.
 *
 * @param path the path of the URL. It must be random, so that other users of the host cannot guess
 * it.
 */
export function listenForBrowser(path: string, runtime: Pick<Runtime, "sleep" | "timeout">): BrowserCallback {
  const { promise: token, resolve } = Promise.withResolvers<string>();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  const stop = new AbortController();
  const serve = async (connection: Deno.Conn) => {
    try {
      const head = await untilAborted(readHead(connection), runtime.timeout(REQUEST_TIMEOUT_MS));
      const found = findToken(head, path);
      await connection.write(new TextEncoder().encode(found === undefined ? NOT_FOUND : FOUND));
      if (found !== undefined) resolve(found);
    } catch {
      // The connection broke, was closed, or sent no request in time.
    } finally {
      connections.delete(connection);
      close(connection);
    }
  };
  const accept = async () => {
    while (!stop.signal.aborted) {
      try {
        const connection = await listener.accept();
        const [oldest] = connections;
        if (connections.size >= MAX_CONNECTIONS) {
          connections.delete(oldest);
          close(oldest);
        }
        connections.add(connection);
        serve(connection);
      } catch {
        await runtime.sleep(ACCEPT_PAUSE_MS, stop.signal);
      }
    }
  };
  accept();
  return {
    url: `http://127.0.0.1:${listener.addr.port}${path}`,
    token,
    [Symbol.dispose]() {
      if (stop.signal.aborted) return;
      stop.abort();
      listener.close();
      for (const connection of connections) close(connection);
    },
  };
}

/** Reads a request up to the end of its headers. */
async function readHead(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(MAX_HEAD_BYTES);
  const decode = (start: number, end: number) => new TextDecoder("latin1").decode(bytes.subarray(start, end));
  for (let size = 0; size < bytes.length;) {
    const count = await connection.read(bytes.subarray(size));
    if (count === null) break;
    size += count;
    if (decode(Math.max(0, size - count - 3), size).includes("\r\n\r\n")) return decode(0, size);
  }
  throw new Error("Cannot read the request: it is too long or was cut");
}

/** Returns the token in a request; undefined if the request is not the expected one. */
function findToken(head: string, path: string): string | undefined {
  const [, pathname, query] = /^GET (\/[^? ]*)\??([^ ]*) HTTP\/1\.[01]\r\n/.exec(head) ?? [];
  const token = new URLSearchParams(query).get("loginToken");
  return pathname === path && token !== null && /^[\x20-\x7e]+$/.test(token) ? token : undefined;
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // The connection is already closed.
  }
}

/**
 * The address of the page contains the token. These headers keep the address from other pages and
 * from caches.
 */
const HEADERS = ["Connection: close", "Cache-Control: no-store", "Referrer-Policy: no-referrer"];

const FOUND = formatAnswer("200 OK", "text/html; charset=utf-8", PAGE);
const NOT_FOUND = formatAnswer("404 Not Found", "text/plain; charset=utf-8", "Not found\n");

function formatAnswer(status: string, type: string, body: string): string {
  const lines = [`HTTP/1.1 ${status}`, `Content-Type: ${type}`, `Content-Length: ${body.length}`, ...HEADERS];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
