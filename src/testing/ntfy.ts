/** An ntfy server inside the test's own process. */

import { type Answer, jsonAnswer } from "./answer.ts";
import { type NtfyAttachment, ntfyError, type NtfyMessage } from "./ntfy_answers.ts";
import { NTFY_FAULTS, type NtfyFaultName } from "./ntfy_faults.ts";
import { type FileKeeping, type NtfyDraft, readJsonDraft, readTextDraft } from "./ntfy_publish.ts";
import { matchRoute, type Route } from "./routes.ts";
import { type Call, type LoopbackOptions, LoopbackServer } from "./server.ts";

/** The name of an endpoint of {@linkcode LoopbackNtfy}, for the `on` of a fault and in the log of requests. */
export type NtfyRouteName = "publish" | "poll" | "health";

/** The settings of a {@linkcode LoopbackNtfy}. With a token or a password, topics are closed to all who do not bring one. */
export interface NtfyOptions extends LoopbackOptions {
  /** The access token that opens all topics, by `Authorization: Bearer`; none by default. */
  readonly token?: string;
  /** The user and the password that open all topics, by `Authorization: Basic`; none by default. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The largest file that it takes, in bytes; by default it takes none, as the real one. */
  readonly maxFileBytes?: number;
}

/** What the endpoints work on. */
interface Cache {
  readonly messages: NtfyMessage[];
  readonly now: () => number;
  /** The `Authorization` headers that are good; empty when topics are open. */
  readonly keys: readonly string[];
  readonly maxFileBytes: number | undefined;
  /** What is in the files, by their addresses. */
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

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Ntfy keeps messages for 12 hours by default. */
const KEPT_SECONDS = 12 * 60 * 60;

/**
 * An ntfy server on 127.0.0.1: publishing as JSON to `/` and as text to `/{topic}`, polling, health, and the errors of the real one
 * with its default settings. It keeps messages in memory, over restarts too. Like the real one it takes the same message twice, and keeps both
 * of those that have the same `sequence_id`.
 */
export class LoopbackNtfy extends LoopbackServer<NtfyFaultName, NtfyRouteName> {
  readonly #cache: Cache;

  private constructor(cache: Cache, options: NtfyOptions) {
    const handle = (call: Call<NtfyRouteName>) => answer(cache, call);
    super({ faults: NTFY_FAULTS, defaultRoute: "publish", route, handle }, options);
    this.#cache = cache;
  }

  /**
   * Starts an ntfy server without messages. Faults apply to publishing unless they say otherwise.
   *
   * @throws {Deno.errors.AddrInUse} when the wanted port is taken
   */
  static start(options: NtfyOptions = {}): Promise<LoopbackNtfy> {
    const { token, login, maxFileBytes, now = Date.now } = options;
    const keys: string[] = [];
    if (token !== undefined) keys.push(`Bearer ${token}`, basic("", token));
    if (login !== undefined) keys.push(basic(login.user, login.password));
    return Promise.try(() => new LoopbackNtfy({ messages: [], now, keys, maxFileBytes, files: new Map() }, options));
  }

  /** What is in a file that came with a message. */
  file({ url }: NtfyAttachment): Uint8Array<ArrayBuffer> | undefined {
    return this.#cache.files.get(url);
  }

  /** What was published to a topic, in order. */
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

/** Real ntfy servers know no 405: what they do not serve is not found. */
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
      return refuseStranger(cache, call) ?? poll(cache, call, topic ?? "");
    case "publish": {
      const draft = topic === undefined ? readJsonDraft(call) : readTextDraft(call, topic, keeping(cache));
      const stranger = refuseStranger(cache, call);
      if (stranger !== undefined) return stranger;
      if ("status" in draft) return draft;
      if (draft.attachment) cache.files.set(draft.attachment.url, call.bytes);
      return publish(cache, draft);
    }
  }
}

/** Ntfy keeps files for three hours by default. */
function keeping({ files, maxFileBytes, now }: Cache): FileKeeping {
  const expires = Math.floor(now() / 1000) + 3 * 60 * 60;
  return { maxBytes: maxFileBytes, expires, url: `http://loopback.test/file/${files.size + 1}` };
}

/** Wrong credentials are 401, none at all are 403: whoever brings none is a guest without rights. Open topics look at neither. */
function refuseStranger({ keys }: Cache, { headers }: Call): Answer | undefined {
  const key = headers.get("authorization");
  if (keys.length === 0 || key !== null && keys.includes(key)) return undefined;
  return ntfyError(key === null ? 40301 : 40101);
}

function publish({ messages, now }: Cache, draft: NtfyDraft): Answer {
  const time = Math.floor(now() / 1000);
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  const message: NtfyMessage = { id, time, expires: time + KEPT_SECONDS, event: "message", ...draft };
  messages.push(message);
  return jsonAnswer(200, message);
}

/** Real servers stream without `poll`; this one does not. */
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
    const seconds = Number(count) * (SECONDS_OF[unit] ?? 0);
    return messages.filter(({ time }) => time >= now / 1000 - seconds);
  }
  if (!/^[A-Za-z0-9]{12}$/.test(mark)) return undefined;
  return messages.slice(messages.findIndex(({ id }) => id === mark) + 1);
}
