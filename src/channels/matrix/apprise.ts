/** Converts the Apprise URLs `matrix://` and `matrixs://` to channels. */

import { type AppriseUrl, isYes } from "../apprise_url.ts";

/**
 * Converts an Apprise URL, which must contain an access token. A URL with a user name and a
 * password is rejected. With a password, every message would need a new login, and homeservers
 * limit the number of logins. A URL with a webhook `mode` is rejected, because a webhook belongs to
 * another service.
 */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const mode = url.option("mode");
  if (mode !== undefined && mode !== "off") {
    throw url.error(`its mode ${mode} is for a webhook, not for a Matrix account`);
  }
  const token = url.option("token");
  if (token === undefined && url.user !== undefined && url.password !== undefined) {
    throw url.error(
      "it has a password, but a channel needs an access token",
      'run: matrix-notify login; then replace the URL with { "kind": "matrix", "user": "@bot:example.org", "room": "!…" }',
    );
  }
  const accessToken = token ?? url.password ?? url.user;
  if (accessToken === undefined) {
    throw url.error("it has no access token", "write it as matrixs://TOKEN@host/!room:domain");
  }
  const msgtype = url.option("msgtype") ?? "text";
  if (msgtype !== "text") {
    throw url.error("the option msgtype is not supported", "remove the option; to send without a sound, use --silent");
  }
  const rooms = [...url.entries, ...url.list("to")];
  const needsServer = isYes(url.option("hsreq") ?? "yes");
  url.end(["discovery", "version", "v", "e2ee", "autoverify", "path"]);
  if (rooms.length === 0) {
    throw url.error("it does not contain a room", "write it as matrixs://TOKEN@host/!room:domain");
  }
  return {
    kind: "matrix",
    homeserver: url.server(url.schema === "matrixs"),
    accessToken,
    room: rooms.map((room) => roomOf(url, room, needsServer)),
  };
}

/**
 * Returns the room id, the alias or the user id. Rejects an alias or a user id without a server
 * name. Apprise would add the server name of the account, but matrix-notify does not know this
 * name. Rejects a room id without a server name only if `needsServer` is true.
 */
function roomOf(url: AppriseUrl, entry: string, needsServer: boolean): string {
  const room = /^[!#@]/.test(entry) ? entry : `#${entry}`;
  const isWhole = room.includes(":") || room.startsWith("!") && !needsServer;
  if (isWhole) return room;
  throw url.error(
    "a room in the URL has no server name",
    room.startsWith("!")
      ? "write !id:example.org, or add hsreq=no if the room id has no server name"
      : `write ${room[0]}name:example.org`,
  );
}
