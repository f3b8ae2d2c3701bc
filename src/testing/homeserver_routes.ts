/** The endpoints of a loopback homeserver, as a table. A new one is a name, a line in the table and a function elsewhere. */

import type { Answer } from "./answer.ts";
import { authMetadata, federationVersion, versions, wellKnown, whoami } from "./discovery_endpoints.ts";
import { devices, login, loginFlows, logout, nameDevice, refresh, ssoRedirect } from "./login_endpoints.ts";
import { getAccountData, getDisplayName, putAccountData, setDisplayName } from "./account_data_endpoints.ts";
import { createRoom } from "./create_room_endpoint.ts";
import { invite, joinedRooms, leave } from "./membership_endpoints.ts";
import { directory, event, join, joinedMembers, joinRoom, messages, send } from "./room_endpoints.ts";
import { getState, putState } from "./state_endpoints.ts";
import { sync } from "./sync_endpoint.ts";
import { download, mediaConfig, upload } from "./media_endpoints.ts";
import type { Route } from "./routes.ts";
import type { Ask, TokenAsk, World } from "./world.ts";

/** The name of an endpoint of {@linkcode LoopbackHomeserver}, for the `on` of a fault and in the log of requests. */
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

/** An endpoint: open to everybody, or for those with a token. */
export type HomeserverRoute =
  & Route<HomeserverRouteName>
  & {
    /** Whether there is no such endpoint where an authorization server has the accounts. */
    readonly undelegated?: boolean;
  }
  & (
    | { readonly access: "open"; readonly run: (world: World, ask: Ask) => Answer }
    | {
      readonly access: "token";
      readonly run: (world: World, ask: TokenAsk) => Answer | Promise<Answer>;
      /** Whether `run` awaits `ready` itself, because something happens before. */
      readonly ownPace?: boolean;
      /** Whether its body is a file, and no JSON. */
      readonly takesFile?: boolean;
    }
  );

const V3 = "/_matrix/client/v3";

/** All endpoints. */
export const HOMESERVER_ROUTES: readonly HomeserverRoute[] = [
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
    ownPace: true,
  },
];
