/** Set-ups that are broken on purpose, and what is to be said of each. */

import { serializeAccount } from "../../src/accounts/account.ts";
import { serveTls, tlsFile } from "../fakes/tls.ts";
import type { DoctorScene } from "./scene.ts";

/** One way to break the scene. */
export interface Broken {
  readonly name: string;
  readonly software?: "Dendrite";
  /** Breaks it; what must be stopped afterwards is given back. */
  readonly bring: (scene: DoctorScene) => void | AsyncDisposable | Promise<void | AsyncDisposable>;
  /** The check that names the cause. */
  readonly check: string;
  readonly state: "warning" | "failure";
  /** A part of its sentence. */
  readonly says: string;
  /** A part of what mends it. */
  readonly hint?: string;
  /** Other checks that have something to say too. */
  readonly also?: readonly string[];
}

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });

const page = (text: string, status = 200) => new Response(text, { status, headers: { "Content-Type": "text/html" } });

/** Serves the channel's homeserver by TLS. */
function tls(certificate: string, caFile?: string): Broken["bring"] {
  return async (scene) => {
    const server = await serveTls({ certificate });
    const settings = { homeserver: `https://localhost:${server.port}`, ...(caFile ? { caFile: tlsFile(caFile) } : {}) };
    scene.configure("matrix", settings);
    return server;
  };
}

/** A port that was ours, and where nobody listens now. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** What is said about a file of another owner, or with other bits. */
function withStat(scene: DoctorScene, path: string, facts: { readonly mode?: number; readonly uid?: number }): void {
  const { host } = scene;
  scene.host = {
    ...host,
    stat(asked) {
      const found = host.stat(asked);
      return asked === path && found ? { ...found, ...facts } : found;
    },
  };
}

const CONFIGURATION: readonly Broken[] = [
  {
    name: "a configuration that is no JSON",
    bring: (scene) => scene.file("config.json", '{"channels": {'),
    check: "configuration",
    state: "failure",
    says: "it is not valid JSON",
  },
  {
    name: "a configuration that is not there",
    bring: (scene) => Deno.removeSync(scene.path("config.json")),
    check: "configuration",
    state: "failure",
    says: "config.json: there is no such file",
  },
  {
    name: "a mistyped key",
    bring: (scene) => scene.configure("matrix", { rooms: "!abc" }),
    check: "configuration",
    state: "failure",
    says: "channels.matrix.rooms",
    hint: 'did you mean "room"',
  },
  {
    name: "no channel",
    bring: (scene) => scene.file("config.json", "{}"),
    check: "configuration",
    state: "failure",
    says: "no channel is configured",
  },
  {
    name: "a room that is no room",
    bring: (scene) => scene.configure("matrix", { room: "alerts" }),
    check: "configuration",
    state: "failure",
    says: "neither a room id",
  },
  {
    name: "a token that everybody can read",
    bring: (scene) => Deno.chmodSync(scene.path("token"), 0o644),
    check: "configuration",
    state: "failure",
    says: "every user of this host can read it",
    hint: "chmod 600",
    also: ["matrix/login"],
  },
  {
    name: "a token file that is not there",
    bring: (scene) => Deno.removeSync(scene.path("token")),
    check: "configuration",
    state: "failure",
    says: "token: there is no such file",
    also: ["matrix/login"],
  },
  {
    name: "a configuration that others can change",
    bring: (scene) => Deno.chmodSync(scene.path("config.json"), 0o620),
    check: "configuration",
    state: "warning",
    says: "other users can change",
    hint: "chmod go-w",
  },
  {
    name: "a configuration of another user",
    bring: (scene) => withStat(scene, scene.path("config.json"), { uid: 4242 }),
    check: "configuration",
    state: "warning",
    says: "belongs to another user (uid 4242)",
  },
];

const HOST: readonly Broken[] = [
  {
    name: "a clock that begins in 1970",
    bring: (scene) => void (scene.runtime.time = 60_000),
    check: "clock",
    state: "failure",
    says: "says 1970-01-01",
    hint: "NTP",
  },
  {
    name: "a kernel with large pages",
    bring: (scene) => void (scene.words.pageBytes = 16_384),
    check: "system",
    state: "warning",
    says: "memory pages of 16 KiB",
    hint: "kernel=kernel8.img",
  },
  {
    name: "another C library",
    bring: (scene) => void (scene.words.glibc = undefined),
    check: "system",
    state: "warning",
    says: "not glibc",
  },
  {
    name: "an old C library below a binary",
    bring(scene) {
      scene.words.glibc = "2.19";
      scene.host = { ...scene.host, isBinary: true };
    },
    check: "system",
    state: "failure",
    says: "glibc 2.19, older than 2.27",
  },
  {
    name: "an unknown processor",
    bring: (scene) => void (scene.host = { ...scene.host, arch: "armv7l" }),
    check: "system",
    state: "failure",
    says: "no Deno for armv7l",
  },
  {
    name: "no permission to run itself",
    bring: (scene) => void (scene.host = { ...scene.host, mayRunItself: () => false }),
    check: "background",
    state: "warning",
    says: "the permission to run itself is missing",
    hint: "--allow-run",
  },
  {
    name: "a state directory that everybody can look into",
    bring: (scene) => {
      Deno.mkdirSync(scene.stateDir);
      Deno.chmodSync(scene.stateDir, 0o755);
    },
    check: "state directory",
    state: "warning",
    says: "its mode is 0755",
    hint: "chmod 700",
  },
  {
    name: "a file in the place of the state directory",
    bring: (scene) => scene.file("state", ""),
    check: "state directory",
    state: "failure",
    says: "is a file",
    also: ["matrix/rate limit"],
  },
  {
    name: "a state directory of another user",
    bring(scene) {
      Deno.mkdirSync(scene.stateDir, { mode: 0o700 });
      withStat(scene, scene.stateDir, { uid: 4242 });
      scene.host = { ...scene.host, uid: () => 1000 };
    },
    check: "state directory",
    state: "failure",
    says: "belongs to another user (uid 4242)",
    also: ["configuration"],
  },
  {
    name: "a state directory in memory",
    bring: (scene) => void (scene.words.type = "tmpfs"),
    check: "file system",
    state: "warning",
    says: "gone when the host restarts",
  },
  {
    name: "a state directory on another machine",
    bring: (scene) => void (scene.words.type = "nfs4"),
    check: "file system",
    state: "warning",
    says: "its locks",
    hint: "local disk",
  },
  {
    name: "a state directory in a container's layer",
    bring: (scene) => void (scene.words.type = "overlay"),
    check: "file system",
    state: "warning",
    says: "deleted with the container",
  },
  {
    name: "a full disk",
    bring: (scene) => void (scene.words.freeKib = 12),
    check: "disk",
    state: "failure",
    says: "the disk is full: 12 KiB",
  },
  {
    name: "a disk that is nearly full",
    bring: (scene) => void (scene.words.freeKib = 20_000),
    check: "disk",
    state: "warning",
    says: "19 MiB are free",
  },
  {
    name: "a reserve that was used up",
    async bring(scene) {
      await scene.send("One", "", 10_000);
      Deno.removeSync(scene.path("state/queue/reserve.bin"));
    },
    check: "disk",
    state: "warning",
    says: "the reserve for a full disk is missing",
  },
];

const QUEUE: readonly Broken[] = [
  {
    name: "a dead letter",
    async bring(scene) {
      scene.homeserver.fault("too-large", { times: 1 });
      await scene.send("Too large", "", 10_000);
    },
    check: "queue",
    state: "warning",
    says: "1 dead letter",
    hint: "queue list --dead",
  },
  {
    name: "a damaged line",
    async bring(scene) {
      await scene.send("One", "", 10_000);
      const journal = scene.path("state/queue/queue.jsonl");
      Deno.writeTextFileSync(journal, Deno.readTextFileSync(journal).replace("One", "Two"));
    },
    check: "queue",
    state: "warning",
    says: "1 damaged line in quarantine",
  },
  {
    name: "a held account",
    async bring(scene) {
      scene.homeserver.fault("user-locked", { times: 1 });
      await scene.send("One", "", 10_000);
    },
    check: "queue",
    state: "failure",
    says: "1 held until an account or its token is fixed",
    hint: "flush",
    also: ["deliverer"],
  },
  {
    name: "a queue that waits for long",
    async bring(scene) {
      scene.homeserver.fault("503", { times: 1 });
      await scene.send("One");
      scene.runtime.time += 3_600_000;
    },
    check: "queue",
    state: "failure",
    says: "the oldest has waited for 1 h",
    also: ["deliverer"],
  },
  {
    name: "a queue that is nearly full",
    bring: (scene) => scene.queue(250, "x".repeat(56_000)),
    check: "queue",
    state: "warning",
    says: "% full",
    also: ["deliverer"],
  },
  {
    name: "nobody who delivers",
    bring: (scene) => scene.queue(1),
    check: "deliverer",
    state: "warning",
    says: "no process delivers what waits (1)",
    hint: "flush",
  },
  {
    name: "a server that limits us",
    async bring(scene) {
      scene.homeserver.fault("429-retry-after-ms", { times: 1, retryAfterMs: 120_000 });
      await scene.send("One");
    },
    check: "matrix/rate limit",
    state: "warning",
    says: "M_LIMIT_EXCEEDED",
    hint: "override_ratelimit",
    also: ["deliverer"],
  },
];

const CONNECTION: readonly Broken[] = [
  {
    name: "a homeserver that is down",
    bring: (scene) => scene.homeserver.stop(),
    check: "matrix/connection",
    state: "failure",
    says: "Connection refused",
    hint: "does the server run",
  },
  {
    name: "a name that nobody knows",
    bring: (scene) => scene.configure("matrix", { homeserver: "https://matrix.invalid" }),
    check: "matrix/connection",
    state: "failure",
    says: "matrix.invalid is not found (DNS)",
    hint: "resolv.conf",
  },
  {
    name: "a certificate of an unknown authority",
    bring: tls("server"),
    check: "matrix/connection",
    state: "failure",
    says: "not signed by a trusted authority",
    hint: "caFile",
  },
  {
    name: "a certificate that has expired",
    bring: tls("expired", "authority.pem"),
    check: "matrix/connection",
    state: "failure",
    says: "expired on 2021-01-01",
  },
  {
    name: "a certificate for another host",
    bring: tls("elsewhere", "authority.pem"),
    check: "matrix/connection",
    state: "failure",
    says: "is for other.example, not for localhost",
  },
  {
    name: "authorities that are not there",
    bring: (scene) => scene.configure("matrix", { caFile: scene.path("nothing.pem") }),
    check: "configuration",
    state: "failure",
    says: "nothing.pem: there is no such file",
    also: ["matrix/connection"],
  },
  {
    name: "a port without TLS",
    bring: (scene) => scene.configure("matrix", { homeserver: scene.homeserver.url.replace("http:", "https:") }),
    check: "matrix/connection",
    state: "failure",
    says: "does not speak TLS",
    hint: "http://",
  },
  {
    name: "a proxy that is down",
    bring: (scene) => scene.configure("matrix", { proxy: `http://127.0.0.1:${closedPort()}` }),
    check: "matrix/connection",
    state: "failure",
    says: "through the proxy 127.0.0.1:",
  },
  {
    name: "a server that does not answer",
    bring: (scene) => void (scene.isSwallowed = ({ pathname }) => pathname.endsWith("/versions")),
    check: "matrix/connection",
    state: "failure",
    says: "No answer from",
    hint: "hangs",
  },
  {
    name: "a clock behind the server's",
    bring: (scene) => void (scene.serversAheadMs = 600_000),
    check: "matrix/clock",
    state: "warning",
    says: "10 min behind the server's",
    hint: "NTP",
    also: ["phone/clock"],
  },
  {
    name: "a clock a day ahead of the server's",
    bring: (scene) => void (scene.serversAheadMs = -86_400_000),
    check: "matrix/clock",
    state: "failure",
    says: "1 d ahead of the server's",
    also: ["phone/clock"],
  },
  {
    name: "a captive portal",
    bring: (scene) => void scene.homeserver.fault("captive-portal", { on: "any" }),
    check: "matrix/versions",
    state: "failure",
    says: "does not answer like a homeserver: 200, text/html",
    hint: "captive portal",
  },
  {
    name: "a proxy whose homeserver is down",
    bring: (scene) => void scene.homeserver.fault("502", { on: "any" }),
    check: "matrix/versions",
    state: "failure",
    says: "502",
    hint: "start the server",
  },
  {
    name: "a homeserver of long ago",
    bring(scene) {
      scene.answer = ({ pathname }) => pathname.endsWith("/versions") ? json({ versions: ["r0.5.0"] }) : undefined;
    },
    check: "matrix/versions",
    state: "failure",
    says: "only r0.5.0",
    hint: "update",
  },
  {
    name: "a well-known document that leads elsewhere",
    bring(scene) {
      const elsewhere = scene.homeserver.url.replace("127.0.0.1", "localhost");
      scene.answer = ({ pathname }) =>
        pathname.startsWith("/.well-known/") ? json({ "m.homeserver": { base_url: elsewhere } }) : undefined;
    },
    check: "matrix/well-known",
    state: "warning",
    says: "but the channel uses http://127.0.0.1",
    hint: ".well-known/matrix/client",
  },
  {
    name: "a well-known document that is a page",
    bring(scene) {
      scene.answer = ({ pathname }) => pathname.startsWith("/.well-known/") ? page("Not here") : undefined;
    },
    check: "matrix/well-known",
    state: "warning",
    says: "it is text/html and no JSON object",
  },
];

const ACCOUNT: readonly Broken[] = [
  {
    name: "a token that was revoked",
    bring: (scene) => void scene.homeserver.revoke(scene.bot.accessToken),
    check: "matrix/account",
    state: "failure",
    says: "M_UNKNOWN_TOKEN",
    hint: "log in",
  },
  {
    name: "a deactivated account",
    bring: (scene) => void scene.homeserver.fault("user-deactivated", { on: "whoami" }),
    check: "matrix/account",
    state: "failure",
    says: "M_USER_DEACTIVATED",
    hint: "gone for good",
  },
  {
    name: "a token without a device",
    bring: (scene) => scene.file("token", scene.homeserver.addToken(scene.bot.userId)),
    check: "matrix/device",
    state: "warning",
    says: "belongs to no device",
    hint: "matrix-notify login @bot:loopback.test",
  },
  {
    name: "nobody logged in",
    bring: (scene) => scene.configure("matrix", { accessTokenFile: undefined, user: scene.bot.userId }),
    check: "matrix/login",
    state: "failure",
    says: "it is not logged in",
    hint: "run: matrix-notify login @bot:loopback.test",
  },
  {
    name: "a session of somebody else",
    bring: (scene) => logIn(scene, "@bot:loopback.test", scene.owner.accessToken),
    check: "matrix/account",
    state: "failure",
    says: "belongs to @alice:loopback.test, but the channel's user is @bot:loopback.test",
  },
  {
    name: "a session that nothing renews",
    bring: (scene) =>
      logIn(scene, "@bot:loopback.test", scene.bot.accessToken, { expiresAt: scene.runtime.now() + 60_000 }),
    check: "matrix/renewal",
    state: "warning",
    says: "expires in 1 min, and nothing renews it",
  },
];

function logIn(scene: DoctorScene, userId: string, accessToken: string, more: { readonly expiresAt?: number } = {}) {
  Deno.mkdirSync(scene.path("state/accounts"), { recursive: true, mode: 0o700 });
  const account = { userId, accessToken, homeserver: scene.homeserver.url, deviceId: "HERE", ...more };
  scene.file(`state/accounts/${encodeURIComponent(userId)}.json`, serializeAccount(account));
  scene.configure("matrix", { accessTokenFile: undefined, homeserver: undefined, user: userId });
}

const ROOM: readonly Broken[] = [
  {
    name: "an alias that leads nowhere",
    bring: (scene) => scene.configure("matrix", { room: "#gone:loopback.test" }),
    check: "matrix/room",
    state: "failure",
    says: "there is no room #gone:loopback.test",
    hint: "alias",
  },
  {
    name: "a room that we are not in",
    bring: (scene) =>
      scene.configure("matrix", { room: scene.homeserver.createRoom({ members: [scene.owner.userId] }) }),
    check: "matrix/room",
    state: "failure",
    says: "@bot:loopback.test is not in !",
    hint: "lift a ban if there is one, invite @bot:loopback.test",
  },
  {
    name: "a room that has invited us",
    bring(scene) {
      const members = [scene.owner.userId];
      scene.configure("matrix", { room: scene.homeserver.createRoom({ members, invited: [scene.bot.userId] }) });
    },
    check: "matrix/room",
    state: "warning",
    says: "the first message joins",
    hint: "matrix-notify join '!",
  },
  {
    name: "a room that we are banned from",
    bring: (scene) => scene.homeserver.ban(scene.room, scene.bot.userId),
    check: "matrix/room",
    state: "failure",
    says: "is banned from",
    hint: "lift the ban",
  },
  {
    name: "a room where we may not speak",
    bring: (scene) => scene.state("m.room.power_levels", { events_default: 50, users: {} }),
    check: "matrix/power",
    state: "failure",
    says: "it has power 0, and they need 50",
    hint: "raise its power",
  },
  {
    name: "a mention of everybody that calls nobody",
    bring(scene) {
      scene.configure("matrix", { mentions: ["@room", scene.owner.userId] });
      return scene.state("m.room.power_levels", { users: { [scene.bot.userId]: 49 } });
    },
    check: "matrix/mentions",
    state: "warning",
    says: "notifies no one: it has power 49, and that needs 50",
    hint: "raise its power",
  },
  {
    name: "a mention of somebody who is not in the room",
    bring: (scene) => scene.configure("matrix", { mentions: "@nobody:loopback.test" }),
    check: "matrix/mentions",
    state: "warning",
    says: "@nobody:loopback.test is mentioned, but is not in the room",
    hint: "invite them",
  },
  {
    name: "one of several rooms",
    bring: (scene) => scene.configure("matrix", { room: [scene.room, "#gone:loopback.test"] }),
    check: "matrix/room #gone:loopback.test",
    state: "failure",
    says: "there is no room #gone:loopback.test",
  },
  {
    name: "an encrypted room",
    bring: (scene) => scene.state("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" }),
    check: "matrix/encryption",
    state: "warning",
    says: "the homeservers can read them",
    hint: "without encryption",
  },
  {
    name: "a room that was replaced",
    bring: (scene) => void scene.homeserver.upgradeRoom(scene.room),
    check: "matrix/replacement",
    state: "warning",
    says: "the room was replaced by !",
    hint: "matrix-notify join '!",
    also: ["matrix/power"],
  },
  {
    name: "a homeserver that forgets",
    software: "Dendrite",
    bring: () => {},
    check: "matrix/once",
    state: "warning",
    says: "Dendrite forgets transaction ids early",
    hint: '"inDoubt": "wait"',
  },
];

const NTFY: readonly Broken[] = [
  {
    name: "an ntfy server that is down",
    bring: (scene) => scene.ntfy.stop(),
    check: "phone/connection",
    state: "failure",
    says: "Connection refused",
  },
  {
    name: "an ntfy token that does not count",
    bring: (scene) => void scene.withToken("tk_wrong"),
    check: "phone/topic",
    state: "failure",
    says: "rejects the token",
  },
  {
    name: "an ntfy password that is wrong",
    bring(scene) {
      scene.file("ntfy", "wrong");
      scene.configure("phone", { tokenFile: undefined, user: "jump", passwordFile: scene.path("ntfy") });
    },
    check: "phone/topic",
    state: "failure",
    says: "rejects the user",
    hint: "change-pass",
  },
  {
    name: "an ntfy topic that wants a token",
    bring: (scene) => scene.configure("phone", { tokenFile: undefined }),
    check: "phone/topic",
    state: "warning",
    says: "is protected",
    hint: "tokenFile",
  },
  {
    name: "another server in the place of ntfy",
    bring: (scene) => scene.configure("phone", { server: scene.homeserver.url }),
    check: "phone/server",
    state: "failure",
    says: "does not answer like ntfy: 404",
  },
];

/** All of them. */
export const BROKEN: readonly Broken[] = [
  ...CONFIGURATION,
  ...HOST,
  ...QUEUE,
  ...CONNECTION,
  ...ACCOUNT,
  ...ROOM,
  ...NTFY,
];
