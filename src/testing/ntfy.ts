/** A loopback ntfy server. */

import { type Answer, jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, retryAfterSeconds } from "./faults.ts";
import {
  createMessage,
  type NewNtfyMessage,
  NTFY_MESSAGE_LIMIT_BYTES,
  type NtfyAttachment,
  ntfyError,
  type NtfyLimits,
  type NtfyMessage,
  parseJsonPublication,
  parseTextPublication,
  RESERVED_TOPICS,
  TOPIC,
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
 * The name of an endpoint of {@linkcode LoopbackNtfy}. It appears in the request log, and in the
 * option `on` of a fault.
 */
export type NtfyRouteName = "publish" | "poll" | "health" | "account";

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
   * The maximum size of an attachment, in bytes. By default, attachments are not allowed, as in
   * ntfy.
   */
  readonly maxFileBytes?: number;
  /**
   * The maximum size of all attachments together, in bytes (`visitor-attachment-total-size-limit`).
   * @default {104857600}
   */
  readonly maxTotalFileBytes?: number;
  /**
   * The server's `message-size-limit`, in bytes. A text that reaches this limit becomes an
   * attachment.
   * @default {4096}
   */
  readonly messageLimitBytes?: number;
  /** The topics to which no user may write. Empty by default. */
  readonly protectedTopics?: readonly string[];
}

interface Cache {
  readonly messages: NtfyMessage[];
  readonly now: () => number;
  /** The valid values of the `Authorization` header. Empty if all users may use the topics. */
  readonly keys: readonly string[];
  readonly maxFileBytes: number | undefined;
  readonly maxTotalFileBytes: number;
  readonly messageLimitBytes: number;
  readonly protectedTopics: readonly string[];
  /** The contents of attachments, by their URL. */
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

const ROUTES: readonly Route<NtfyRouteName>[] = [
  { name: "health", method: "GET", path: "/v1/health" },
  { name: "account", method: "GET", path: "/v1/account" },
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
 * An ntfy server on 127.0.0.1. A client can publish JSON to `/` and text to `/{topic}`, poll
 * topics, and check the health of the server. Errors and limits are those of ntfy with its default
 * settings. Messages are in memory and survive {@linkcode LoopbackServer.restart}. If a client
 * sends a message twice, the server stores two messages, as ntfy would, even if both have the same
 * `sequence_id`.
 */
export class LoopbackNtfy extends LoopbackServer<NtfyFaultName, NtfyRouteName> {
  readonly #cache: Cache;

  private constructor(cache: Cache, options: NtfyOptions) {
    const handle = (call: Call<NtfyRouteName>) => answer(cache, call);
    super({ faults: NTFY_FAULTS, defaultRoute: "publish", route, handle }, options);
    this.#cache = cache;
  }

  /**
   * Starts an ntfy server without messages. By default, faults apply to the endpoint `publish`.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: NtfyOptions = {}): Promise<LoopbackNtfy> {
    const { token, login, maxFileBytes, protectedTopics = [], now = Date.now } = options;
    const { messageLimitBytes = NTFY_MESSAGE_LIMIT_BYTES, maxTotalFileBytes = 100 * 2 ** 20 } = options;
    const keys: string[] = [];
    if (token !== undefined) keys.push(`Bearer ${token}`, basic("", token));
    if (login !== undefined) keys.push(basic(login.user, login.password));
    const limits = { maxFileBytes, maxTotalFileBytes, messageLimitBytes, protectedTopics };
    return Promise.try(() => new LoopbackNtfy({ messages: [], now, keys, ...limits, files: new Map() }, options));
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
 * Answers a request. The checks have the same order as in ntfy: token, path, JSON syntax, topic,
 * write permission, parameters, attachment. The status for an unknown method is 404, as in ntfy.
 */
async function answer(cache: Cache, call: Call<NtfyRouteName>): Promise<Answer> {
  await call.ready();
  if (hasWrongKey(cache, call)) return ntfyError(40101);
  const match = matchRoute(ROUTES, call.method, call.path);
  if (match.kind !== "route") return ntfyError(40401);
  const { topic } = match.params;
  if (topic !== undefined && !TOPIC.test(topic)) return ntfyError(40401);
  switch (match.route.name) {
    case "health":
      return jsonAnswer(200, { healthy: true });
    case "account":
      return jsonAnswer(200, describeAccount(cache));
    case "poll":
      return checkTopic(cache, call, topic ?? "") ?? poll(cache, call, topic ?? "");
    case "publish": {
      const limits = currentLimits(cache);
      const publication = topic === undefined ? parseJsonPublication(call, limits) : parseTextPublication(call, topic);
      if ("status" in publication) return publication;
      const refusal = checkTopic(cache, call, publication.topic);
      if (refusal !== undefined) return refusal;
      if (cache.protectedTopics.includes(publication.topic)) return ntfyError(40301);
      const message = createMessage(publication, limits);
      if ("status" in message) return message;
      if (message.attachment) cache.files.set(message.attachment.url, publication.bytes);
      return publish(cache, message);
    }
  }
}

/** The time for which ntfy stores attachments by default, in seconds. */
const FILES_KEPT_SECONDS = 3 * 60 * 60;

function currentLimits({ files, maxFileBytes, maxTotalFileBytes, messageLimitBytes, now }: Cache): NtfyLimits {
  return {
    messageBytes: messageLimitBytes,
    fileBytes: maxFileBytes,
    freeBytes: maxTotalFileBytes - usedBytes(files),
    expires: Math.floor(now() / 1000) + FILES_KEPT_SECONDS,
    url: `http://loopback.test/file/${files.size + 1}`,
  };
}

function describeAccount(cache: Cache): object {
  const { files, maxFileBytes = 0, maxTotalFileBytes } = cache;
  const used = usedBytes(files);
  return {
    username: "*",
    role: "anonymous",
    limits: {
      attachment_total_size: maxTotalFileBytes,
      attachment_file_size: maxFileBytes,
      attachment_expiry_duration: FILES_KEPT_SECONDS,
    },
    stats: { attachment_total_size: used, attachment_total_size_remaining: maxTotalFileBytes - used },
  };
}

function usedBytes(files: Cache["files"]): number {
  return [...files.values()].reduce((sum, { length }) => sum + length, 0);
}

/**
 * Returns true if the credentials are wrong. Ignores credentials if all users may use the topics.
 */
function hasWrongKey({ keys }: Cache, { headers }: Call): boolean {
  const key = headers.get("authorization");
  return keys.length > 0 && key !== null && !keys.includes(key);
}

/** Returns an error answer if ntfy does not allow the topic, or if the credentials are missing. */
function checkTopic({ keys }: Cache, { headers }: Call, topic: string): Answer | undefined {
  if (RESERVED_TOPICS.includes(topic)) return ntfyError(40010);
  return keys.length > 0 && headers.get("authorization") === null ? ntfyError(40301) : undefined;
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
