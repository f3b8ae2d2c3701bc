/** A loopback Gotify server. */

import { parseJsonObject } from "../base/fields.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, retryAfterSeconds } from "./faults.ts";
import { matchRoute, type Route } from "./routes.ts";
import { type Call, type LoopbackOptions, LoopbackServer } from "./server.ts";

/**
 * The name of an endpoint of {@linkcode LoopbackGotify}, for the request log and for the option
 * `on` of a fault (an error that the server simulates).
 */
export type GotifyRouteName = "message" | "health" | "version";

/** The name of a fault (a simulated error) of {@linkcode LoopbackGotify}. */
export type GotifyFaultName =
  | CommonFaultName
  | "500"
  | "429-retry-after-seconds"
  | "unauthorized"
  | "forbidden"
  | "not-found";

/** The settings of a {@linkcode LoopbackGotify}. */
export interface GotifyOptions extends LoopbackOptions {
  /** The token of the server's only application. @default {"A-loopback.token"} */
  readonly token?: string;
}

/** A message as a Gotify server returns it. */
export interface GotifyMessage {
  /** The number of the message. */
  readonly id: number;
  /** The number of the application. */
  readonly appid: number;
  /** The text. */
  readonly message: string;
  /** The title. By default, the name of the application. */
  readonly title: string;
  /** The priority, from 0 (lowest) to 10 (highest). */
  readonly priority: number;
  /** Instructions for clients, grouped by namespaces such as `client::display`. */
  readonly extras?: Readonly<Record<string, unknown>>;
  /** The time at which the server accepted the message, in the format ISO 8601. */
  readonly date: string;
}

const ROUTES: readonly Route<GotifyRouteName>[] = [
  { name: "message", method: "POST", path: "/message" },
  { name: "health", method: "GET", path: "/health" },
  { name: "version", method: "GET", path: "/version" },
];

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
};

const FAULTS: Readonly<Record<GotifyFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(gotifyError(500, "sql: database is closed")),
  // Gotify does not have a rate limit, but a proxy in front of Gotify may have one.
  "429-retry-after-seconds": {
    acts: false,
    outcome: (details) => ({ ...gotifyError(429, "slow down"), headers: retryAfterSeconds(details) }),
  },
  "unauthorized": instead(unauthorized()),
  "forbidden": instead(gotifyError(403, "you are not allowed to access this api")),
  "not-found": instead(gotifyError(404, "page not found")),
};

/**
 * A Gotify server on 127.0.0.1 with one application. If a client sends a message twice, the server
 * stores two messages, as Gotify would.
 */
export class LoopbackGotify extends LoopbackServer<GotifyFaultName, GotifyRouteName> {
  /** The token of the server's application. */
  readonly token: string;
  readonly #messages: GotifyMessage[];

  private constructor(token: string, options: GotifyOptions) {
    const messages: GotifyMessage[] = [];
    const { now = Date.now } = options;
    const handle = (call: Call<GotifyRouteName>) => answer(call, { token, messages, now });
    super({ faults: FAULTS, defaultRoute: "message", route, handle }, options);
    this.token = token;
    this.#messages = messages;
  }

  /**
   * Starts a Gotify server without messages.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: GotifyOptions = {}): Promise<LoopbackGotify> {
    return Promise.try(() => new LoopbackGotify(options.token ?? "A-loopback.token", options));
  }

  /** Returns all messages, in order. */
  get messages(): readonly GotifyMessage[] {
    return this.#messages;
  }
}

interface Store {
  readonly token: string;
  readonly messages: GotifyMessage[];
  readonly now: () => number;
}

function route(method: string, path: string): GotifyRouteName | undefined {
  const match = matchRoute(ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

async function answer(call: Call<GotifyRouteName>, store: Store): Promise<Answer> {
  await call.ready();
  if (call.route === undefined) return gotifyError(404, "page not found");
  if (call.route === "health") return jsonAnswer(200, { health: "green", database: "green" });
  if (call.route === "version") {
    return jsonAnswer(200, { version: "2.6.3", commit: "loopback", buildDate: "2026-01-01-00:00:00" });
  }
  const { headers, query } = call;
  const key = headers.get("x-gotify-key") ?? /^Bearer (.+)$/.exec(headers.get("authorization") ?? "")?.[1] ??
    new URLSearchParams(query).get("token");
  return key === store.token ? accept(call, store) : unauthorized();
}

/** Accepts a message. A field with the wrong type causes an error. Unknown fields are ignored. */
function accept({ bytes, headers }: Call, { messages, now }: Store): Answer {
  const body = parseJsonObject(new TextDecoder().decode(bytes));
  if (!/^application\/json\b/.test(headers.get("content-type") ?? "") || body === undefined) {
    return gotifyError(400, "invalid character in the beginning of the value");
  }
  const { message, title = "", priority = 0, extras } = body;
  if (typeof message !== "string" || typeof title !== "string" || !Number.isInteger(priority) || !isExtras(extras)) {
    if (message !== undefined) return gotifyError(400, "json: cannot unmarshal into Go struct field");
  }
  if (message === undefined || message === "") return gotifyError(400, "Field 'message' is required");
  const accepted = {
    id: messages.length + 1,
    appid: 1,
    message: String(message),
    title: String(title).trim() === "" ? "loopback" : String(title),
    priority: Number(priority),
    ...isExtras(extras) && extras !== undefined && { extras },
    date: new Date(now()).toISOString(),
  };
  messages.push(accepted);
  return jsonAnswer(200, accepted);
}

function isExtras(value: unknown): value is Record<string, unknown> | undefined {
  return value === undefined || typeof value === "object" && value !== null && !Array.isArray(value);
}

function unauthorized(): Answer {
  return gotifyError(401, "you need to provide a valid access token or user credentials to access this api");
}

/** Creates an error in Gotify's format: `{error, errorCode, errorDescription}`. */
function gotifyError(status: number, errorDescription: string): Answer {
  return jsonAnswer(status, { error: STATUS_TEXTS[status], errorCode: status, errorDescription });
}
