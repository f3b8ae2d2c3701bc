/** A loopback Gotify server. */

import { parseJsonObject } from "../base/fields.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, retryAfterSeconds } from "./faults.ts";
import { matchRoute, type Route } from "./routes.ts";
import { type Call, type LoopbackOptions, LoopbackServer } from "./server.ts";

/**
 * The name of an endpoint of {@linkcode LoopbackGotify}. It appears in the request log, and in the
 * option `on` of a fault (a simulated error).
 */
export type GotifyRouteName = "message" | "current-user" | "health" | "version";

/** The name of a fault of {@linkcode LoopbackGotify}. */
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
  /** The token of the server's only client. @default {"C-loopback.token"} */
  readonly clientToken?: string;
  /**
   * The version of the server. Before version 3, a request to send a message needs the token of an
   * application. Since version 3, the token of a client is also valid. A request with this token
   * must contain the number of an application.
   * @default {"3.0.0"}
   */
  readonly version?: "2.6.3" | "3.0.0";
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
  { name: "current-user", method: "GET", path: "/current/user" },
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
 * A Gotify server on 127.0.0.1 with one application and one client. Messages have no size limit,
 * as in Gotify with its default database (SQLite). If a client sends a message twice, the server
 * stores two messages, as Gotify would.
 */
export class LoopbackGotify extends LoopbackServer<GotifyFaultName, GotifyRouteName> {
  /** The token of the server's application. */
  readonly token: string;
  /** The token of the server's client. */
  readonly clientToken: string;
  readonly #messages: GotifyMessage[];

  private constructor(store: Store, options: GotifyOptions) {
    const handle = (call: Call<GotifyRouteName>) => answer(call, store);
    super({ faults: FAULTS, defaultRoute: "message", route, handle }, options);
    this.token = store.token;
    this.clientToken = store.clientToken;
    this.#messages = store.messages;
  }

  /**
   * Starts a Gotify server without messages.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: GotifyOptions = {}): Promise<LoopbackGotify> {
    const { token = "A-loopback.token", clientToken = "C-loopback.token", version = "3.0.0", now = Date.now } = options;
    return Promise.try(() => new LoopbackGotify({ token, clientToken, version, messages: [], now }, options));
  }

  /** Returns all messages, in order. */
  get messages(): readonly GotifyMessage[] {
    return this.#messages;
  }
}

interface Store {
  readonly token: string;
  readonly clientToken: string;
  readonly version: "2.6.3" | "3.0.0";
  readonly messages: GotifyMessage[];
  readonly now: () => number;
}

function route(method: string, path: string): GotifyRouteName | undefined {
  const match = matchRoute(ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

async function answer(call: Call<GotifyRouteName>, store: Store): Promise<Answer> {
  await call.ready();
  const { token, clientToken, version } = store;
  const given = readToken(call);
  switch (call.route) {
    case undefined:
      return gotifyError(404, "page not found");
    case "health":
      return jsonAnswer(200, { health: "green", database: "green" });
    case "version":
      return jsonAnswer(200, { version, commit: "loopback", buildDate: "2026-01-01-00:00:00" });
    case "current-user":
      return given === clientToken ? jsonAnswer(200, { id: 1, name: "loopback", admin: false }) : unauthorized();
    case "message": {
      const mayBeClient = given === clientToken && version === "3.0.0";
      return given === token || mayBeClient ? accept(call, store, mayBeClient) : unauthorized();
    }
  }
}

/**
 * Reads the token from the query, `X-Gotify-Key` or `Authorization`, in this order, as Gotify does.
 */
function readToken({ headers, query }: Call): string | undefined {
  return new URLSearchParams(query).get("token") || headers.get("x-gotify-key") ||
    /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/** Accepts a message. A field with the wrong type causes an error. Unknown fields are ignored. */
function accept({ bytes, headers }: Call, { messages, now }: Store, isClient: boolean): Answer {
  const body = parseJsonObject(new TextDecoder().decode(bytes));
  if (!/^application\/json\b/.test(headers.get("content-type") ?? "")) {
    return gotifyError(400, "Field 'message' is required");
  }
  if (body === undefined) return gotifyError(400, "invalid character in the beginning of the value");
  const message = body.message ?? "", title = body.title ?? "", priority = body.priority ?? 0;
  const { extras } = body;
  if (typeof message !== "string" || typeof title !== "string" || !Number.isInteger(priority) || !isExtras(extras)) {
    return gotifyError(400, "json: cannot unmarshal into Go struct field");
  }
  if (message === "") return gotifyError(400, "Field 'message' is required");
  if (isClient && Number(body.appid ?? 0) === 0) {
    return gotifyError(400, "appid is required when not authenticating with an application token");
  }
  if (isClient && body.appid !== 1) return gotifyError(400, "appid not found");
  const accepted = {
    id: messages.length + 1,
    appid: 1,
    message,
    title: title.trim() === "" ? "loopback" : title,
    priority: Number(priority),
    ...extras != null && { extras },
    date: new Date(now()).toISOString(),
  };
  messages.push(accepted);
  return jsonAnswer(200, accepted);
}

function isExtras(value: unknown): value is Record<string, unknown> | null | undefined {
  return value === undefined || typeof value === "object" && !Array.isArray(value);
}

function unauthorized(): Answer {
  return gotifyError(401, "you need to provide a valid access token or user credentials to access this api");
}

/** Creates an error in Gotify's format: `{error, errorCode, errorDescription}`. */
function gotifyError(status: number, errorDescription: string): Answer {
  return jsonAnswer(status, { error: STATUS_TEXTS[status], errorCode: status, errorDescription });
}
