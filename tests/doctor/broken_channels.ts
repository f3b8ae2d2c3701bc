/** Setups with one fault in a channel each: its connection, its account, its rooms; and ntfy. */

import { freePort } from "../../scripts/free_port.ts";
import { serializeAccount } from "../../src/accounts/account.ts";
import { serveTls, tlsFile } from "../fakes/tls.ts";
import type { BrokenSetup } from "./broken_hosts.ts";
import type { DoctorScene } from "./scene.ts";

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });

const page = (text: string, status = 200) => new Response(text, { status, headers: { "Content-Type": "text/html" } });

/** Serves the channel's homeserver with TLS. */
function tls(certificate: string, caFile?: string): BrokenSetup["apply"] {
  return async (scene) => {
    const server = await serveTls({ certificate });
    const settings = { homeserver: `https://localhost:${server.port}`, ...(caFile ? { caFile: tlsFile(caFile) } : {}) };
    scene.configure("matrix", settings);
    return server;
  };
}

const CONNECTION: readonly BrokenSetup[] = [
  {
    name: "a homeserver that is down",
    apply: (scene) => scene.homeserver.stop(),
    check: "matrix/connection",
    state: "failure",
    message: "Connection refused",
    hint: "check that the server runs",
  },
  {
    name: "an unknown host name",
    apply: (scene) => scene.configure("matrix", { homeserver: "https://matrix.invalid" }),
    check: "matrix/connection",
    state: "failure",
    message: "matrix.invalid was not found (DNS)",
    hint: "resolv.conf",
  },
  {
    name: "a certificate of an unknown authority",
    apply: tls("server"),
    check: "matrix/connection",
    state: "failure",
    message: "not signed by a trusted authority",
    hint: "caFile",
  },
  {
    name: "an expired certificate",
    apply: tls("expired", "authority.pem"),
    check: "matrix/connection",
    state: "failure",
    message: "its certificate expired on 202",
  },
  {
    name: "a certificate for another host",
    apply: tls("elsewhere", "authority.pem"),
    check: "matrix/connection",
    state: "failure",
    message: "is for other.example, not for localhost",
  },
  {
    name: "a missing file of authorities",
    apply: (scene) => scene.configure("matrix", { caFile: scene.path("nothing.pem") }),
    check: "configuration",
    state: "failure",
    message: "nothing.pem: there is no such file",
    also: ["matrix/connection"],
  },
  {
    name: "a port without TLS",
    apply: (scene) => scene.configure("matrix", { homeserver: scene.homeserver.url.replace("http:", "https:") }),
    check: "matrix/connection",
    state: "failure",
    message: "does not use TLS",
    hint: "http://",
  },
  {
    name: "a proxy that is down",
    apply: (scene) => scene.configure("matrix", { proxy: `http://127.0.0.1:${freePort()}` }),
    check: "matrix/connection",
    state: "failure",
    message: "through the proxy 127.0.0.1:",
  },
  {
    name: "a server that does not answer",
    apply: (scene) => void (scene.timesOut = ({ pathname }) => pathname.endsWith("/versions")),
    check: "matrix/connection",
    state: "failure",
    message: "No answer from",
    hint: "may hang",
  },
  {
    name: "a clock behind the server's",
    apply: (scene) => void (scene.serversAheadMs = 600_000),
    check: "matrix/clock",
    state: "warning",
    message: "10 min behind the server's clock",
    hint: "NTP",
    also: ["phone/clock"],
  },
  {
    name: "a clock a day ahead of the server's",
    apply: (scene) => void (scene.serversAheadMs = -86_400_000),
    check: "matrix/clock",
    state: "failure",
    message: "1 d ahead of the server's clock",
    also: ["phone/clock"],
  },
  {
    name: "a captive portal",
    apply: (scene) => void scene.homeserver.fault("captive-portal", { on: "any" }),
    check: "matrix/versions",
    state: "failure",
    message: "does not answer like a homeserver: 200, text/html",
    hint: "captive portal",
  },
  {
    name: "a proxy whose homeserver is down",
    apply: (scene) => void scene.homeserver.fault("502", { on: "any" }),
    check: "matrix/versions",
    state: "failure",
    message: "502",
    hint: "start the server",
  },
  {
    name: "an old homeserver",
    apply(scene) {
      scene.answer = ({ pathname }) => pathname.endsWith("/versions") ? json({ versions: ["r0.5.0"] }) : undefined;
    },
    check: "matrix/versions",
    state: "failure",
    message: "it supports: r0.5.0",
    hint: "update",
  },
  {
    name: "a well-known document with another homeserver",
    apply(scene) {
      const elsewhere = scene.homeserver.url.replace("127.0.0.1", "localhost");
      scene.answer = ({ pathname }) =>
        pathname.startsWith("/.well-known/") ? json({ "m.homeserver": { base_url: elsewhere } }) : undefined;
    },
    check: "matrix/well-known",
    state: "warning",
    message: "but the channel uses http://127.0.0.1",
    hint: ".well-known/matrix/client",
  },
  {
    name: "a well-known document on the internet with an address of this machine",
    apply(scene) {
      scene.configure("matrix", { homeserver: "https://loopback.test" });
    },
    check: "matrix/well-known",
    state: "warning",
    message: "cannot be used: it is an address of this machine",
    hint: ".well-known/matrix/client",
  },
  {
    name: "a well-known document in HTML",
    apply(scene) {
      scene.answer = ({ pathname }) => pathname.startsWith("/.well-known/") ? page("Not here") : undefined;
    },
    check: "matrix/well-known",
    state: "warning",
    message: "it is text/html, not a JSON object",
  },
];

const ACCOUNT: readonly BrokenSetup[] = [
  {
    name: "a revoked token",
    apply: (scene) => void scene.homeserver.revoke(scene.bot.accessToken),
    check: "matrix/account",
    state: "failure",
    message: "M_UNKNOWN_TOKEN",
    hint: "log in",
  },
  {
    name: "a deactivated account",
    apply: (scene) => void scene.homeserver.fault("user-deactivated", { on: "whoami" }),
    check: "matrix/account",
    state: "failure",
    message: "M_USER_DEACTIVATED",
    hint: "deactivated permanently",
  },
  {
    name: "a token without a device",
    apply: (scene) => scene.file("token", scene.homeserver.addToken(scene.bot.userId)),
    check: "matrix/device",
    state: "warning",
    message: "does not belong to a device",
    hint: "matrix-notify login @bot:loopback.test",
  },
  {
    name: "an account that is not logged in",
    apply: (scene) => scene.configure("matrix", { accessTokenFile: undefined, user: scene.bot.userId }),
    check: "matrix/login",
    state: "failure",
    message: "it is not logged in",
    hint: "run: matrix-notify login @bot:loopback.test",
  },
  {
    name: "an account of another user",
    apply: (scene) => logIn(scene, "@bot:loopback.test", scene.owner.accessToken),
    check: "matrix/account",
    state: "failure",
    message: "belongs to @alice:loopback.test, but the channel's user is @bot:loopback.test",
  },
  {
    name: "an expiring token that cannot be renewed",
    apply: (scene) =>
      logIn(scene, "@bot:loopback.test", scene.bot.accessToken, { expiresAt: scene.runtime.now() + 60_000 }),
    check: "matrix/renewal",
    state: "warning",
    message: "expires in 1 min, and cannot be renewed",
  },
  {
    name: "an address that is not the homeserver, but the domain leads there",
    apply(scene) {
      scene.configure("matrix", { homeserver: "https://loopback.test/www" });
      scene.answer = ({ pathname }) =>
        pathname === "/.well-known/matrix/client"
          ? json({ "m.homeserver": { base_url: "https://loopback.test" } })
          : undefined;
    },
    check: "matrix/versions",
    state: "failure",
    message: "does not answer like a homeserver",
    hint: 'set homeserver to "loopback.test"',
  },
  {
    name: "a homeserver that has moved since the login",
    apply: (scene) => logIn(scene, "@bot:loopback.test", scene.bot.accessToken, { homeserver: "http://127.0.0.1:9" }),
    check: "matrix/connection",
    state: "failure",
    message: "Cannot connect to 127.0.0.1:9",
    hint: "log in again: matrix-notify login @bot:loopback.test",
  },
];

function logIn(
  scene: DoctorScene,
  userId: string,
  accessToken: string,
  more: { readonly expiresAt?: number; readonly homeserver?: string } = {},
) {
  Deno.mkdirSync(scene.path("state/accounts"), { recursive: true, mode: 0o700 });
  const account = { userId, accessToken, homeserver: scene.homeserver.url, deviceId: "HERE", ...more };
  scene.file(`state/accounts/${encodeURIComponent(userId)}.json`, serializeAccount(account));
  scene.configure("matrix", { accessTokenFile: undefined, homeserver: undefined, user: userId });
}

/** Configures a person as the destination, and creates the direct chat with the person. */
async function startChat(scene: DoctorScene, person: string): Promise<string> {
  scene.configure("matrix", { room: person });
  const room = scene.homeserver.createRoom({ members: [scene.bot.userId], invited: [person] });
  const { userId, accessToken } = scene.bot;
  const answer = await fetch(`${scene.homeserver.url}/_matrix/client/v3/user/${userId}/account_data/m.direct`, {
    method: "PUT",
    headers: { authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ [person]: [room] }),
  });
  await answer.body?.cancel();
  return room;
}

const ROOM: readonly BrokenSetup[] = [
  {
    name: "an unknown alias",
    apply: (scene) => scene.configure("matrix", { room: "#gone:loopback.test" }),
    check: "matrix/room",
    state: "failure",
    message: "there is no room #gone:loopback.test",
    hint: "alias",
  },
  {
    name: "an alias of a server that cannot be reached",
    apply(scene) {
      scene.homeserver.fault("500", { on: "directory" });
      scene.configure("matrix", { room: "#alerts:gone.example" });
    },
    check: "matrix/room",
    state: "failure",
    message: "the homeserver cannot find the room #alerts:gone.example",
    hint: "check the alias",
  },
  {
    name: "a person who does not exist",
    apply: (scene) => scene.configure("matrix", { room: "@alcie:loopback.test" }),
    check: "matrix/person",
    state: "failure",
    message: "the user @alcie:loopback.test does not exist",
    hint: "check the user id",
  },
  {
    name: "a chat with a person who does not exist",
    apply: async (scene) => void await startChat(scene, "@alcie:loopback.test"),
    check: "matrix/person",
    state: "failure",
    message: "the user @alcie:loopback.test does not exist",
    hint: "check the user id",
  },
  {
    name: "a person who has not accepted the invite",
    apply: async (scene) => void await startChat(scene, scene.owner.userId),
    check: "matrix/person",
    state: "warning",
    message: "@alice:loopback.test has not accepted the invite",
    hint: "ask @alice:loopback.test to accept",
  },
  {
    name: "a person who has left the chat",
    async apply(scene) {
      const room = await startChat(scene, scene.owner.userId);
      scene.homeserver.ban(room, scene.owner.userId);
    },
    check: "matrix/person",
    state: "warning",
    message: "@alice:loopback.test has left the direct chat",
    hint: "rooms.json",
  },
  {
    name: "a room without us",
    apply: (scene) =>
      scene.configure("matrix", { room: scene.homeserver.createRoom({ members: [scene.owner.userId] }) }),
    check: "matrix/room",
    state: "failure",
    message: "@bot:loopback.test is not in !",
    hint: "lift a ban if there is one, invite @bot:loopback.test",
  },
  {
    name: "an invite",
    apply(scene) {
      const members = [scene.owner.userId];
      scene.configure("matrix", { room: scene.homeserver.createRoom({ members, invited: [scene.bot.userId] }) });
    },
    check: "matrix/room",
    state: "warning",
    message: "the account joins when the first message is sent",
    hint: "matrix-notify join '!",
  },
  {
    name: "a ban",
    apply: (scene) => scene.homeserver.ban(scene.room, scene.bot.userId),
    check: "matrix/room",
    state: "failure",
    message: "is banned from",
    hint: "lift the ban",
  },
  {
    name: "a room without the power to send",
    apply: (scene) => scene.state("m.room.power_levels", { events_default: 50, users: {} }),
    check: "matrix/power",
    state: "failure",
    message: "its power level is 0, but sending needs 50",
    hint: "raise its power",
  },
  {
    name: "a mention of @room without the power for it",
    apply(scene) {
      scene.configure("matrix", { mentions: ["@room", scene.owner.userId] });
      return scene.state("m.room.power_levels", { users: { [scene.bot.userId]: 49 } });
    },
    check: "matrix/mentions",
    state: "warning",
    message: "cannot notify @room: its power level is 49, but notifying everyone needs 50",
    hint: "raise its power",
  },
  {
    name: "a mention of a user who is not in the room",
    apply: (scene) => scene.configure("matrix", { mentions: "@nobody:loopback.test" }),
    check: "matrix/mentions",
    state: "warning",
    message: "@nobody:loopback.test is mentioned, but is not in the room",
    hint: "invite @nobody:loopback.test to the room",
  },
  {
    name: "one of several rooms",
    apply: (scene) => scene.configure("matrix", { room: [scene.room, "#gone:loopback.test"] }),
    check: "matrix/room #gone:loopback.test",
    state: "failure",
    message: "there is no room #gone:loopback.test",
  },
  {
    name: "an encrypted room",
    apply: (scene) => scene.state("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" }),
    check: "matrix/encryption",
    state: "warning",
    message: "homeservers can read them",
    hint: "without encryption",
  },
  {
    name: "an encrypted room that the settings refuse",
    async apply(scene) {
      scene.configure("matrix", { encryptedRooms: "refuse" });
      await scene.state("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
    },
    check: "matrix/encryption",
    state: "failure",
    message: "its notifications wait",
    hint: "without encryption",
  },
  {
    name: "a replaced room",
    apply: (scene) => void scene.homeserver.upgradeRoom(scene.room),
    check: "matrix/replacement",
    state: "warning",
    message: "the room was replaced by !",
    hint: "matrix-notify join '!",
    also: ["matrix/power"],
  },
  {
    name: "a homeserver that forgets transaction ids",
    software: "Dendrite",
    apply: () => {},
    check: "matrix/once",
    state: "warning",
    message: "Dendrite forgets transaction ids after a short time",
    hint: '"inDoubt": "wait"',
  },
];

const NTFY: readonly BrokenSetup[] = [
  {
    name: "an ntfy server that is down",
    apply: (scene) => scene.ntfy.stop(),
    check: "phone/connection",
    state: "failure",
    message: "Connection refused",
  },
  {
    name: "a wrong ntfy token",
    apply: (scene) => void scene.withToken("tk_wrong"),
    check: "phone/topic",
    state: "failure",
    message: "rejects the token",
  },
  {
    name: "a wrong ntfy password",
    apply(scene) {
      scene.file("ntfy", "wrong");
      scene.configure("phone", { tokenFile: undefined, user: "jump", passwordFile: scene.path("ntfy") });
    },
    check: "phone/topic",
    state: "failure",
    message: "rejects the user",
    hint: "change-pass",
  },
  {
    name: "an ntfy topic that requires a token",
    apply: (scene) => scene.configure("phone", { tokenFile: undefined }),
    check: "phone/topic",
    state: "failure",
    message: "is protected",
    hint: "tokenFile",
  },
  {
    name: "an ntfy topic that the token may not write to",
    apply(scene) {
      scene.withToken("tk_right");
      scene.ntfy.fault("forbidden", { times: 1 });
    },
    check: "phone/topic",
    state: "failure",
    message: "the token cannot write to the topic alerts",
    hint: "ntfy access",
  },
  {
    name: "an ntfy topic with a name that ntfy uses itself",
    apply: (scene) => scene.configure("phone", { topic: "docs" }),
    check: "phone/topic",
    state: "failure",
    message: "the server does not allow the topic docs",
    hint: "choose another topic",
  },
  {
    name: "an ntfy server that is asked too often",
    apply: (scene) => void scene.ntfy.fault("429", { times: 1 }),
    check: "phone/topic",
    state: "warning",
    message: "(rate limit): 429 (42901)",
    hint: "visitor-request-limit-burst",
  },
  {
    name: "another server instead of ntfy",
    apply: (scene) => scene.configure("phone", { server: scene.homeserver.url }),
    check: "phone/server",
    state: "failure",
    message: "does not answer like ntfy: 404",
  },
];

/** All setups of this file. */
export const BROKEN_CHANNELS: readonly BrokenSetup[] = [...CONNECTION, ...ACCOUNT, ...ROOM, ...NTFY];
