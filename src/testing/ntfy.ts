/** A loopback ntfy server. */

import { type Answer, jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, retryAfterSeconds } from "./faults.ts";
import {
  type AttachmentStorage,
  type NewNtfyMessage,
  type NtfyAttachment,
  ntfyError,
  type NtfyMessage,
  parseJsonMessage,
  parseTextMessage,
} from "./ntfy_messages.ts";
import { matchRoute, type Route } from "./routes.ts";
import { type Call, type LoopbackOptions, LoopbackServer } from "./server.ts";

/** The name of a fault (a simulated error) of {@linkcode LoopbackNtfy}. */
export type NtfyFaultName =
  | CommonFaultName
  | "500"
  | "429"
  | "429-retry-after-seconds"
  | "429-daily-quota"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "bad-json"
  | "attachments-not-allowed"
  | "too-large"
  | "no-id";

/**
 * The faults (simulated errors) of {@linkcode LoopbackNtfy}. ntfy does not send `Retry-After`, but
 * a proxy in front of ntfy may send this header.
 */
const NTFY_FAULTS: Readonly<Record<NtfyFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(ntfyError(50001)),
  "429": instead(ntfyError(42901)),
  "429-retry-after-seconds": { acts: false, outcome: (details) => ntfyError(42901, retryAfterSeconds(details)) },
  "429-daily-quota": instead(ntfyError(42908)),
  "unauthorized": instead(ntfyError(40101)),
  "forbidden": instead(ntfyError(40301)),
  "not-found": instead(ntfyError(40401)),
  "bad-json": instead(ntfyError(40024)),
  "attachments-not-allowed": instead(ntfyError(40014)),
  "too-large": instead(ntfyError(41303)),
  "no-id": instead(jsonAnswer(200, {})),
};

/**
 * The name of an endpoint of {@linkcode LoopbackNtfy}, for the request log and for the option `on`
 * of a fault (a simulated error).
 */
export type NtfyRouteName = "publish" | "poll" | "health";

/**
 * The settings of a {@linkcode LoopbackNtfy}. If `token` or `login` is set, each request to a topic
 * must contain the token or the login.
 */
export interface NtfyOptions extends LoopbackOptions {
  /** The access token for all topics, sent in `Authorization: Bearer`. Absent by default. */
  readonly token?: string;
  /**
   * The user and the password for all topics, sent in `Authorization: Basic`. Absent by default.
   */
  readonly login?: { readonly user: string; readonly password: string };
  /**
   * The maximum size of an attachment, in bytes. By default, attachments are not allowed, because
   * ntfy does not allow attachments by default.
   */
  readonly maxFileBytes?: number;
}

interface Cache {
  readonly messages: NtfyMessage[];
  readonly now: () => number;
  /** The valid values of the `Authorization` header. Empty if all users may use the topics. */
  readonly keys: readonly string[];
  readonly maxFileBytes: number | undefined;
  /** The contents of attachments, by their URL. */
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

const ROUTES: readonly Route<NtfyRouteName>[] = [
  { name: "health", method: "GET", path: "/v1/health" },
  { name: "publish", method: "POST", path: "/" },
  { name: "publish", method: "PUT", path: "/" },
  { name: "publish", method: "POST", path: "/:topic" },
  { name: "publish", method: "PUT", path: "/:topic" },
  { name: "poll", method: "GET", path: "/:topic/json" },
];

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** The time for which ntfy stores messages by default, in seconds. */
const KEPT_SECONDS = 12 * 60 * 60;

/**
 * An ntfy server on 127.0.0.1. It supports publishing as JSON to `/` and as text to `/{topic}`,
 * polling, the health endpoint, and the errors of ntfy with its default settings. Messages are in
 * memory and survive {@linkcode LoopbackServer.restart}. If a client sends a message twice, the
 * server stores two messages, as ntfy would, even if both have the same `sequence_id`.
 */
export class LoopbackNtfy extends LoopbackServer<NtfyFaultName, NtfyRouteName> {
  readonly #cache: Cache;

  private constructor(cache: Cache, options: NtfyOptions) {
    const handle = (call: Call<NtfyRouteName>) => answer(cache, call);
    super({ faults: NTFY_FAULTS, defaultRoute: "publish", route, handle }, options);
    this.#cache = cache;
  }

  /**
   * Starts an ntfy server without messages. By default, faults (simulated errors) apply to the
   * endpoint `publish`.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: NtfyOptions = {}): Promise<LoopbackNtfy> {
    const { token, login, maxFileBytes, now = Date.now } = options;
    const keys: string[] = [];
    if (token !== undefined) keys.push(`Bearer ${token}`, basic("", token));
    if (login !== undefined) keys.push(basic(login.user, login.password));
    return Promise.try(() => new LoopbackNtfy({ messages: [], now, keys, maxFileBytes, files: new Map() }, options));
  }

  /** Returns the content of an attachment. */
  file({ url }: NtfyAttachment): Uint8Array<ArrayBuffer> | undefined {
    return this.#cache.files.get(url);
  }

  /** Returns all messages of a topic, in order. */
  messages(topic: string): readonly NtfyMessage[] {
    return this.#cache.messages.filter((message) => message.topic === topic);
  }
}

function basic(user: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
}

function route(method: string, path: string): NtfyRouteName | undefined {
  const match = matchRoute(ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

/**
 * Answers a request. The status for an unknown method is 404 instead of 405, because ntfy uses 404.
 */
async function answer(cache: Cache, call: Call<NtfyRouteName>): Promise<Answer> {
  await call.ready();
  const match = matchRoute(ROUTES, call.method, call.path);
  if (match.kind !== "route") return ntfyError(40401);
  const { topic } = match.params;
  if (topic !== undefined && !/^[-_A-Za-z0-9]{1,64}$/.test(topic)) return ntfyError(40401);
  switch (match.route.name) {
    case "health":
      return jsonAnswer(200, { healthy: true });
    case "poll":
      return checkAccess(cache, call) ?? poll(cache, call, topic ?? "");
    case "publish": {
      const message = topic === undefined
        ? parseJsonMessage(call)
        : parseTextMessage(call, topic, nextAttachment(cache));
      const refusal = checkAccess(cache, call);
      if (refusal !== undefined) return refusal;
      if ("status" in message) return message;
      if (message.attachment) cache.files.set(message.attachment.url, call.bytes);
      return publish(cache, message);
    }
  }
}

/** Returns the settings for the next attachment. ntfy stores attachments for three hours. */
function nextAttachment({ files, maxFileBytes, now }: Cache): AttachmentStorage {
  const expires = Math.floor(now() / 1000) + 3 * 60 * 60;
  return { maxBytes: maxFileBytes, expires, url: `http://loopback.test/file/${files.size + 1}` };
}

/**
 * Returns an error answer if the credentials are wrong (401) or missing (403). Ignores credentials
 * if all users may use the topics.
 */
function checkAccess({ keys }: Cache, { headers }: Call): Answer | undefined {
  const key = headers.get("authorization");
  if (keys.length === 0 || key !== null && keys.includes(key)) return undefined;
  return ntfyError(key === null ? 40301 : 40101);
}

function publish({ messages, now }: Cache, published: NewNtfyMessage): Answer {
  const time = Math.floor(now() / 1000);
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  const message: NtfyMessage = { id, time, expires: time + KEPT_SECONDS, event: "message", ...published };
  messages.push(message);
  return jsonAnswer(200, message);
}

/**
 * Returns the stored messages of a topic. If the parameter `poll` is missing, the real ntfy would
 * send a stream. The loopback server does not support streams, and answers with 404.
 */
function poll(cache: Cache, { query }: Call, topic: string): Answer {
  const params = new URLSearchParams(query);
  if (!["1", "yes", "true"].includes(params.get("poll") ?? "")) return ntfyError(40401);
  const all = cache.messages.filter((message) => message.topic === topic);
  const lines = since(all, params.get("since") ?? "all", cache.now());
  if (lines === undefined) return ntfyError(40008);
  const body = lines.map((message) => JSON.stringify(message) + "\n").join("");
  return { status: 200, headers: { "content-type": "application/x-ndjson; charset=utf-8" }, body };
}

function since(messages: readonly NtfyMessage[], mark: string, now: number): readonly NtfyMessage[] | undefined {
  if (mark === "all") return messages;
  if (mark === "none") return [];
  if (mark === "latest") return messages.slice(-1);
  if (/^\d{10}$/.test(mark)) return messages.filter(({ time }) => time >= Number(mark));
  const [, count, unit] = /^(\d+)([smh])$/.exec(mark) ?? [];
  if (unit !== undefined) {
    const seconds = Number(count) * (UNIT_SECONDS[unit] ?? 0);
    return messages.filter(({ time }) => time >= now / 1000 - seconds);
  }
  if (!/^[A-Za-z0-9]{12}$/.test(mark)) return undefined;
  return messages.slice(messages.findIndex(({ id }) => id === mark) + 1);
}
