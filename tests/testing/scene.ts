/** A homeserver with a user in a room, and a client that says everything by hand. */

import { parseJsonObject } from "../../src/base/fields.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { type HomeserverOptions, LoopbackHomeserver, type LoopbackUser } from "../../src/testing/mod.ts";

/** An answer, read to its end. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON object that the text is; empty when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** What a request says beyond its method and path. */
export interface Saying {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

/** A client without memory: one connection a request, no redirects. */
export interface Client extends Disposable {
  readonly ask: (method: string, url: string, saying?: Saying) => Promise<Seen>;
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

/** Everything that most tests need. */
export interface Scene extends AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  readonly alice: LoopbackUser;
  readonly roomId: string;
  readonly ask: (method: string, path: string, saying?: Saying) => Promise<Seen>;
  /** Sends a message as Alice, or with another token. */
  readonly send: (
    txnId: string,
    saying?: Saying & { readonly roomId?: string; readonly type?: string },
  ) => Promise<Seen>;
  /** The texts in the room. */
  readonly texts: () => unknown[];
}

/** Opens a scene. A server that wants to sleep fails, unless the test says how it shall sleep. */
export async function openScene(options: HomeserverOptions = {}): Promise<Scene> {
  const sleep = () => Promise.reject(new Error("Cannot sleep: this test has no clock for that"));
  const homeserver = await LoopbackHomeserver.start({ sleep, ...options });
  const client = openClient();
  const alice = homeserver.addUser("alice");
  const roomId = homeserver.createRoom({ members: [alice.userId] });
  const ask: Scene["ask"] = (method, path, saying) =>
    client.ask(method, homeserver.url + path, { token: alice.accessToken, ...saying });
  return {
    homeserver,
    alice,
    roomId,
    ask,
    send: (txnId, { roomId: room = roomId, type = "m.room.message", ...saying } = {}) =>
      ask("PUT", sendPath(room, txnId, type), { body: message(txnId), ...saying }),
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
