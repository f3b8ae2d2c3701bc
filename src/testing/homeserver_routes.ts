/**
 * The table of the endpoints of a loopback homeserver. This file also finds and runs the endpoint
 * of a request.
 */

import {
  authMetadata,
  devices,
  federationVersion,
  getAccountData,
  getDisplayName,
  login,
  loginFlows,
  logout,
  nameDevice,
  putAccountData,
  refresh,
  setDisplayName,
  ssoRedirect,
  versions,
  wellKnown,
  whoami,
} from "./account_endpoints.ts";
import { type Answer, matrixError } from "./answer.ts";
import { type JsonBody, MAX_EVENT_BYTES, parseJsonBody } from "./content.ts";
import type { AuthenticatedRequest, EndpointRequest, HomeserverState } from "./homeserver_state.ts";
import { download, mediaConfig, upload } from "./media.ts";
import { event, messages, send } from "./message_endpoints.ts";
import {
  createRoom,
  directory,
  getState,
  invite,
  join,
  joinedMembers,
  joinedRooms,
  joinRoom,
  leave,
  putState,
} from "./room_endpoints.ts";
import { matchRoute, type Route } from "./routes.ts";
import type { Call } from "./server.ts";
import { sync } from "./sync_endpoint.ts";

/**
 * The name of an endpoint of {@linkcode LoopbackHomeserver}. It appears in the request log, and in
 * the option `on` of a fault (a simulated error).
 */
export type HomeserverRouteName =
  | "versions"
  | "well-known"
  | "federation-version"
  | "auth-metadata"
  | "login-flows"
  | "login"
  | "sso-redirect"
  | "refresh"
  | "logout"
  | "devices"
  | "name-device"
  | "whoami"
  | "send"
  | "messages"
  | "event"
  | "join"
  | "join-room"
  | "directory"
  | "joined-members"
  | "joined-rooms"
  | "create-room"
  | "invite"
  | "leave"
  | "state"
  | "set-state"
  | "sync"
  | "account-data"
  | "set-account-data"
  | "display-name"
  | "set-display-name"
  | "upload"
  | "media-config"
  | "download";

/** An endpoint, with or without authentication. */
type HomeserverRoute =
  & Route<HomeserverRouteName>
  & {
    /** True if the endpoint does not exist while an authorization server manages the logins. */
    readonly undelegated?: boolean;
  }
  & (
    | { readonly access: "open"; readonly run: (state: HomeserverState, request: EndpointRequest) => Answer }
    | {
      readonly access: "token";
      readonly run: (state: HomeserverState, request: AuthenticatedRequest) => Answer | Promise<Answer>;
      /**
       * True if `run` itself calls and awaits the function `ready` of the request. Otherwise, the
       * caller awaits `ready` before `run`.
       */
      readonly awaitsReady?: boolean;
      /** True if the body is a file instead of JSON. */
      readonly takesFile?: boolean;
    }
  );

const V3 = "/_matrix/client/v3";

const HOMESERVER_ROUTES: readonly HomeserverRoute[] = [
  { name: "versions", method: "GET", path: "/_matrix/client/versions", access: "open", run: versions },
  { name: "well-known", method: "GET", path: "/.well-known/matrix/client", access: "open", run: wellKnown },
  {
    name: "federation-version",
    method: "GET",
    path: "/_matrix/federation/v1/version",
    access: "open",
    run: federationVersion,
  },
  {
    name: "auth-metadata",
    method: "GET",
    path: "/_matrix/client/v1/auth_metadata",
    access: "open",
    run: authMetadata,
  },
  { name: "directory", method: "GET", path: `${V3}/directory/room/:roomAlias`, access: "open", run: directory },
  { name: "login-flows", method: "GET", path: `${V3}/login`, access: "open", undelegated: true, run: loginFlows },
  { name: "login", method: "POST", path: `${V3}/login`, access: "open", undelegated: true, run: login },
  {
    name: "sso-redirect",
    method: "GET",
    path: `${V3}/login/sso/redirect`,
    access: "open",
    undelegated: true,
    run: ssoRedirect,
  },
  { name: "refresh", method: "POST", path: `${V3}/refresh`, access: "open", undelegated: true, run: refresh },
  { name: "logout", method: "POST", path: `${V3}/logout`, access: "token", undelegated: true, run: logout },
  { name: "devices", method: "GET", path: `${V3}/devices`, access: "token", run: devices },
  { name: "name-device", method: "PUT", path: `${V3}/devices/:deviceId`, access: "token", run: nameDevice },
  { name: "whoami", method: "GET", path: `${V3}/account/whoami`, access: "token", run: whoami },
  { name: "messages", method: "GET", path: `${V3}/rooms/:roomId/messages`, access: "token", run: messages },
  { name: "event", method: "GET", path: `${V3}/rooms/:roomId/event/:eventId`, access: "token", run: event },
  {
    name: "joined-members",
    method: "GET",
    path: `${V3}/rooms/:roomId/joined_members`,
    access: "token",
    run: joinedMembers,
  },
  { name: "join", method: "POST", path: `${V3}/join/:roomIdOrAlias`, access: "token", run: join },
  { name: "join-room", method: "POST", path: `${V3}/rooms/:roomId/join`, access: "token", run: joinRoom },
  { name: "joined-rooms", method: "GET", path: `${V3}/joined_rooms`, access: "token", run: joinedRooms },
  { name: "create-room", method: "POST", path: `${V3}/createRoom`, access: "token", run: createRoom },
  { name: "invite", method: "POST", path: `${V3}/rooms/:roomId/invite`, access: "token", run: invite },
  { name: "leave", method: "POST", path: `${V3}/rooms/:roomId/leave`, access: "token", run: leave },
  ...["", "/", "/:stateKey"].flatMap((end): HomeserverRoute[] => {
    const path = `${V3}/rooms/:roomId/state/:eventType${end}`;
    return [
      { name: "state", method: "GET", path, access: "token", run: getState },
      { name: "set-state", method: "PUT", path, access: "token", run: putState },
    ];
  }),
  { name: "sync", method: "GET", path: `${V3}/sync`, access: "token", run: sync },
  {
    name: "account-data",
    method: "GET",
    path: `${V3}/user/:userId/account_data/:type`,
    access: "token",
    run: getAccountData,
  },
  {
    name: "set-account-data",
    method: "PUT",
    path: `${V3}/user/:userId/account_data/:type`,
    access: "token",
    run: putAccountData,
  },
  {
    name: "display-name",
    method: "GET",
    path: `${V3}/profile/:userId/displayname`,
    access: "open",
    run: getDisplayName,
  },
  {
    name: "set-display-name",
    method: "PUT",
    path: `${V3}/profile/:userId/displayname`,
    access: "token",
    run: setDisplayName,
  },
  { name: "upload", method: "POST", path: "/_matrix/media/v3/upload", access: "token", takesFile: true, run: upload },
  ...["/_matrix/client/v1/media/config", "/_matrix/media/v3/config"].map((path): HomeserverRoute => {
    return { name: "media-config", method: "GET", path, access: "token", run: mediaConfig };
  }),
  ...["", "/:fileName"].map((end): HomeserverRoute => {
    const path = `/_matrix/client/v1/media/download/:serverName/:mediaId${end}`;
    return { name: "download", method: "GET", path, access: "token", run: download };
  }),
  {
    name: "send",
    method: "PUT",
    path: `${V3}/rooms/:roomId/send/:eventType/:txnId`,
    access: "token",
    run: send,
    awaitsReady: true,
  },
];

/**
 * The maximum size of a request to Synapse, in bytes. If the limit for uploads is higher, Synapse
 * uses the limit for uploads instead.
 */
const MAX_REQUEST_BYTES = 200 * MAX_EVENT_BYTES;

/** Returns true if a request is so long that Synapse closes the connection. */
function isTooLong({ software, media }: HomeserverState, { bytes }: Call): boolean {
  return software === "Synapse" && bytes.length > Math.max(MAX_REQUEST_BYTES, media.maxUploadBytes);
}

const NO_BODY: JsonBody = { text: "", value: {} };

/** Finds the name of the endpoint for a request. */
export function route(method: string, path: string): HomeserverRouteName | undefined {
  const match = matchRoute(HOMESERVER_ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

/**
 * Answers a request. Checks the path, the method, the token and the body, in this order, as the
 * real servers do.
 */
export async function handle(state: HomeserverState, call: Call): Promise<Answer | "cut"> {
  if (isTooLong(state, call)) return "cut";
  const match = matchRoute(HOMESERVER_ROUTES, call.method, call.path);
  if (match.kind === "unknown") return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  if (match.kind === "wrong-method") return matrixError(405, "M_UNRECOGNIZED", "Unrecognized request");
  const { route, params } = match;
  if (route.undelegated && state.delegation !== undefined) {
    return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  }
  const query = new URLSearchParams(call.query);
  if (route.access === "open" || !route.awaitsReady) await call.ready();
  const token = route.access === "token" ? state.accounts.authenticate(call.headers, query) : undefined;
  if (token !== undefined && "status" in token) return token;
  const { headers, bytes, ready, pause } = call;
  const hasJson = route.method !== "GET" && !(route.access === "token" && route.takesFile);
  const body = hasJson ? parseJsonBody(bytes, state.software) : NO_BODY;
  if ("status" in body) return body;
  const request = { params, query, host: headers.get("host") ?? "", headers, body, bytes, ready, pause };
  if (route.access === "open") return route.run(state, request);
  if (token === undefined) throw new Error(`Cannot run ${route.name}: the token was not checked`);
  return await route.run(state, { ...request, token });
}
