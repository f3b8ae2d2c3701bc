/**
 * Answers all requests of Matrix clients except the requests that send messages. The answers are
 * like those of a homeserver with empty rooms. A request is refused if it is not needed to send
 * messages.
 *
 * @module
 */

import { decodePercent } from "../../../base/secret_mask.ts";
import { isObject } from "../../../base/fields.ts";
import { type Answer, type IncomingRequest, jsonAnswer, MAX_REQUEST_BYTES } from "../request.ts";
import { listOf, parseJson, propertyOf, textAt, textOf } from "../values.ts";
import { API_PATH, matrixError } from "./message.ts";
import { roomIdOf, RULES_ROOM, SERVER_NAME } from "./rooms.ts";

/** The user that a client is logged in as. */
export interface Caller {
  readonly userId: string;
  readonly deviceId: string;
  /** The rooms that the user has joined. */
  readonly rooms: readonly string[];
}

/** The method and the path of a request. */
type Question = Pick<IncomingRequest, "method" | "path">;

/** Returns the user id of a sender. */
export function userIdOf(senderName: string): string {
  return `@${senderName}:${SERVER_NAME}`;
}

/** Returns true for the paths that only Matrix clients use. */
export function isMatrixPath(path: string): boolean {
  return path.startsWith("/_matrix/") || path.startsWith("/.well-known/matrix/");
}

/** The longest time that `/sync` waits, in milliseconds. The answer never contains new events. */
const MAX_SYNC_MS = 5_000;

/** Returns how long a request waits before its answer, in milliseconds. */
export function waitOf({ method, path, query }: Pick<IncomingRequest, "method" | "path" | "query">): number {
  if (method !== "GET" || !SYNC_REGEXP.test(path) || !query.has("since")) return 0;
  return Math.min(Math.max(Number(query.get("timeout")) || 0, 0), MAX_SYNC_MS);
}

const SYNC_REGEXP = new RegExp(`${API_PATH}/sync$`);

/** Matches the path of an upload. */
export const UPLOAD_REGEXP = /^\/_matrix\/media\/(?:r0|v1|v3|unstable)\/upload$/;

/** Returns true for a login with a password. */
export function isLogin(method: string, path: string): boolean {
  return method === "POST" && LOGIN_REGEXP.test(path);
}

const LOGIN_REGEXP = new RegExp(`${API_PATH}/login$`);

/** The password and the device in a request to log in. */
export interface Login {
  readonly password: string;
  /** The device that the client names. @default a new device */
  readonly deviceId?: string;
}

/** Reads a request to log in, or returns the answer that refuses it. */
export function readLogin(body: Uint8Array): Login | Answer {
  const json = readObject(body);
  if ("status" in json) return json;
  const type = propertyOf(json.value, "type");
  if (typeof type !== "string") return matrixError(400, "M_BAD_JSON", "the field type is missing, or is not a text");
  if (type !== "m.login.password") {
    return matrixError(400, "M_UNKNOWN", "there is only the login type m.login.password");
  }
  const deviceId = textAt(json.value, "device_id").slice(0, MAX_DEVICE_CHARS);
  return { password: textAt(json.value, "password"), ...deviceId === "" ? {} : { deviceId } };
}

const MAX_DEVICE_CHARS = 255;

/** Reads a body that must be a JSON object, or returns the answer that refuses it. */
function readObject(body: Uint8Array): { readonly value: object } | Answer {
  const value = parseJson(new TextDecoder().decode(body));
  if (value === undefined) return matrixError(400, "M_NOT_JSON", "the body is not JSON");
  return isObject(value) ? { value } : matrixError(400, "M_BAD_JSON", "the body is not a JSON object");
}

/** The answer to a login. */
export function answerLogin({ userId, deviceId }: Omit<Caller, "rooms">, accessToken: string): Answer {
  return jsonAnswer(200, {
    ...{ user_id: userId, access_token: accessToken, device_id: deviceId },
    // Clients of the API r0 read the server name here.
    home_server: SERVER_NAME,
  });
}

/** The answer to an upload. */
export function answerUpload(mediaId: string): Answer {
  return jsonAnswer(200, { content_uri: `mxc://${SERVER_NAME}/${mediaId}` });
}

/**
 * Answers the requests that need no token. Returns undefined for every other request.
 *
 * @param address the https address of this server, if it is known
 */
export function answerOpenly({ method, path }: Question, address?: string): Answer | undefined {
  if (method === "POST" && REGISTER_REGEXP.test(path)) {
    return forbidden("this server has no registration: log in with the token of a sender");
  }
  if (method !== "GET" && method !== "HEAD") return undefined;
  switch (path) {
    case "/_matrix/client/versions":
      return jsonAnswer(200, { versions: VERSIONS, unstable_features: {} });
    case "/.well-known/matrix/client":
      // After a 404, clients use the address from their own configuration. That address is also
      // correct if this server is behind a proxy.
      return address === undefined
        ? matrixError(404, "M_NOT_FOUND", "there is no such document")
        : jsonAnswer(200, { "m.homeserver": { base_url: address } });
  }
  if (LOGIN_REGEXP.test(path)) return jsonAnswer(200, { flows: [{ type: "m.login.password" }] });
  const found = ALIAS_REGEXP.exec(path)?.[1];
  if (found === undefined) return undefined;
  const alias = decodePercent(found);
  return alias.startsWith("#")
    ? jsonAnswer(200, { room_id: roomIdOf(alias), servers: [SERVER_NAME] })
    : matrixError(400, "M_INVALID_PARAM", "a room alias begins with #");
}

/** The versions of the Client-Server API that notifiers can use with this server. */
const VERSIONS = ["r0.6.1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10"];

const ALIAS_REGEXP = new RegExp(`${API_PATH}/directory/room/([^/]+)$`);

const REGISTER_REGEXP = new RegExp(`${API_PATH}/register(?:/.*)?$`);

const MEDIA_CONFIG_REGEXP = /^\/_matrix\/(?:media\/(?:r0|v3)|client\/v1\/media)\/config$/;

type Reply = (caller: Caller, parts: readonly string[], body: Uint8Array) => Answer;

const ok = (value: object): Answer => jsonAnswer(200, value);
const notFound = (what: string) => matrixError(404, "M_NOT_FOUND", `there is no such ${what}`);
const forbidden = (text: string) => matrixError(403, "M_FORBIDDEN", text);

/** The answers, by the method and the path after a version such as `/_matrix/client/v3`. */
const REPLIES: readonly (readonly [methods: string, path: string, reply: Reply])[] = [
  ["GET", "/account/whoami", ({ userId, deviceId }) => ok({ user_id: userId, device_id: deviceId, is_guest: false })],
  ["POST", "/logout(?:/all)?", () => ok({})],
  // A client without a configured room sends each message to all joined rooms. The answer has only
  // one room, so the client sends the message once. The rules then choose the channels.
  ["GET", "/joined_rooms", () => ok({ joined_rooms: [RULES_ROOM] })],
  ["POST", "/join/([^/]+)", (_, [room]) => ok({ room_id: roomIdOf(room) })],
  ["POST", "/rooms/([^/]+)/join", (_, [room]) => ok({ room_id: roomIdOf(room) })],
  ["POST", "/createRoom", (_caller, _parts, body) => createRoom(body)],
  ["GET", "/rooms/([^/]+)/joined_members", ({ userId }) => ok({ joined: { [userId]: {} } })],
  ["GET", "/rooms/([^/]+)/members", () => ok({ chunk: [] })],
  ["GET", "/rooms/([^/]+)/messages", () => ok({ chunk: [], start: "0" })],
  ["GET", "/rooms/([^/]+)/state", () => ok([])],
  [
    "GET",
    "/rooms/([^/]+)/state/m\\.room\\.member/([^/]+)",
    ({ userId }, [, user]) => user === userId ? ok({ membership: "join" }) : notFound("member"),
  ],
  ["GET", "/rooms/([^/]+)/(?:state|event)/.+", () => notFound("event")],
  ["POST,PUT", "/rooms/([^/]+)/(?:typing|receipt|read_markers)(?:/.*)?", () => ok({})],
  ["PUT", "/rooms/([^/]+)/send/m\\.room\\.encrypted/.+", () => forbidden("this server has no encrypted rooms")],
  ["PUT,POST", "/rooms/([^/]+)/.+", () => forbidden("this server only takes messages")],
  ["GET", "/sync", ({ rooms }) => ok(emptySync(rooms))],
  ["POST", "/user/([^/]+)/filter", () => ok({ filter_id: "0" })],
  ["GET", "/user/([^/]+)/filter/[^/]+", () => ok({})],
  ["GET", "/user/([^/]+)/(?:rooms/[^/]+/)?account_data/.+", () => notFound("account data")],
  ["PUT", "/user/([^/]+)/(?:rooms/[^/]+/)?account_data/.+", () => ok({})],
  ["GET", "/profile/([^/]+)(?:/.*)?", () => notFound("profile")],
  ["PUT", "/(?:profile|presence)/.+", () => ok({})],
  ["POST", "/keys/upload", () => ok({ one_time_key_counts: {} })],
  ["POST", "/keys/query", () => ok({ device_keys: {}, failures: {} })],
  ["POST", "/keys/claim", () => ok({ one_time_keys: {}, failures: {} })],
];

/** An endpoint of this server. `reply` is undefined if another function answers the requests. */
interface Route {
  readonly methods: readonly string[];
  readonly regexp: RegExp;
  readonly reply?: Reply;
}

const ROUTES: readonly Route[] = [
  { methods: ["GET"], regexp: MEDIA_CONFIG_REGEXP, reply: () => ok({ "m.upload.size": MAX_REQUEST_BYTES }) },
  ...REPLIES.map(([methods, path, reply]) => ({
    methods: methods.split(","),
    regexp: new RegExp(`${API_PATH}${path}$`),
    reply,
  })),
  { methods: ["GET", "POST"], regexp: LOGIN_REGEXP },
  { methods: ["GET"], regexp: ALIAS_REGEXP },
  { methods: ["POST"], regexp: REGISTER_REGEXP },
  { methods: ["POST"], regexp: UPLOAD_REGEXP },
  { methods: ["GET"], regexp: /^\/(?:_matrix\/client\/versions|\.well-known\/matrix\/client)$/ },
];

/**
 * Refuses a request to an endpoint that this server does not have. As on a homeserver, the answer
 * is the same without a token.
 *
 * @returns undefined if the server has the endpoint
 */
export function refuseUnknown({ method, path }: Question): Answer | undefined {
  const found = routesOf(path);
  return found.some(({ methods }) => methods.includes(method)) ? undefined : unrecognized(found);
}

function routesOf(path: string): readonly Route[] {
  return ROUTES.filter(({ regexp }) => regexp.test(path));
}

/** @param found the endpoints with the path of the request, but with other methods */
function unrecognized(found: readonly Route[]): Answer {
  return matrixError(found.length > 0 ? 405 : 404, "M_UNRECOGNIZED", "this server does not have this request");
}

/** Answers a client that is logged in. */
export function answerCaller(
  { method, path, body }: Question & Pick<IncomingRequest, "body">,
  caller: Caller,
): Answer {
  const found = routesOf(path);
  const route = found.find(({ methods, reply }) => reply !== undefined && methods.includes(method));
  if (route?.reply === undefined) return unrecognized(found);
  const parts = (route.regexp.exec(path) ?? []).slice(1).map((part) => decodePercent(part));
  return route.reply(caller, parts, body);
}

/**
 * Answers a request to create a room. If the request invites exactly one user, returns the room id
 * of the direct chat with this user. Refuses all other requests.
 */
function createRoom(body: Uint8Array): Answer {
  const json = readObject(body);
  if ("status" in json) return json;
  const [user = "", ...others] = listOf(propertyOf(json.value, "invite")).map(textOf);
  if (!/^@./.test(user) || others.length > 0) return forbidden("this server creates no rooms");
  return ok({ room_id: roomIdOf(user) });
}

function emptySync(rooms: readonly string[]): object {
  const room = {
    ...{ timeline: { events: [], limited: false, prev_batch: "0" }, state: { events: [] } },
    ...{ ephemeral: { events: [] }, account_data: { events: [] }, unread_notifications: {}, summary: {} },
  };
  return {
    next_batch: "0",
    rooms: { join: Object.fromEntries(rooms.map((id) => [id, room])), invite: {}, leave: {} },
    ...{ presence: { events: [] }, account_data: { events: [] }, to_device: { events: [] } },
    ...{ device_lists: { changed: [], left: [] }, device_one_time_keys_count: {} },
  };
}
