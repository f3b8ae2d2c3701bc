/** A homeserver with a user in a room, and a client for raw requests. */

import { parseJsonObject } from "../../src/base/fields.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { type HomeserverOptions, LoopbackHomeserver, type LoopbackUser } from "../../src/testing/mod.ts";

/** An answer with its body. */
export interface SeenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed JSON object; empty if the text is not one. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Further parts of a request. */
export interface RequestParts {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

/** A client with one connection per request and without redirects. */
export interface Client extends Disposable {
  readonly ask: (method: string, url: string, parts?: RequestParts) => Promise<SeenAnswer>;
}

export function openClient(): Client {
  const runtime = denoRuntime();
  return {
    async ask(method, url, { token, headers = {}, body, signal } = {}) {
      const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` };
      const init: RequestInit = { method, body, signal, redirect: "manual", headers: { ...authorization, ...headers } };
      const response = await runtime.fetch(url, init);
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: parseJsonObject(text) ?? {} };
    },
    [Symbol.dispose]: () => runtime[Symbol.dispose](),
  };
}

/** The setting of most tests. */
export interface Scene extends AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  readonly alice: LoopbackUser;
  readonly roomId: string;
  readonly ask: (method: string, path: string, parts?: RequestParts) => Promise<SeenAnswer>;
  /** Sends a message as Alice, or with another token. */
  readonly send: (
    txnId: string,
    parts?: RequestParts & { readonly roomId?: string; readonly type?: string },
  ) => Promise<SeenAnswer>;
  /** The texts in the room. */
  readonly texts: () => unknown[];
}

/** Starts the servers. A server that sleeps fails unless the test passes `sleep`. */
export async function openScene(options: HomeserverOptions = {}): Promise<Scene> {
  const sleep = () => Promise.reject(new Error("Cannot sleep: this test has no clock for that"));
  const homeserver = await LoopbackHomeserver.start({ sleep, ...options });
  const client = openClient();
  const alice = homeserver.addUser("alice");
  const roomId = homeserver.createRoom({ members: [alice.userId] });
  const ask: Scene["ask"] = (method, path, parts) =>
    client.ask(method, homeserver.url + path, { token: alice.accessToken, ...parts });
  return {
    homeserver,
    alice,
    roomId,
    ask,
    send: (txnId, { roomId: room = roomId, type = "m.room.message", ...parts } = {}) =>
      ask("PUT", sendPath(room, txnId, type), { body: message(txnId), ...parts }),
    texts: () => homeserver.events(roomId).map(({ content }) => content.body),
    async [Symbol.asyncDispose]() {
      await homeserver[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
}

export function sendPath(roomId: string, txnId: string, type = "m.room.message"): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/${type}/${encodeURIComponent(txnId)}`;
}

export function message(body: string): string {
  return JSON.stringify({ msgtype: "m.text", body });
}
