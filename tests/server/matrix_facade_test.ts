import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { RULES_ROOM } from "../../src/ingest/http/matrix/rooms.ts";
import { type Call, SENDERS, setStage, type Stage } from "./http_stage.ts";

const API = "/_matrix/client/v3";
const MONITOR: Call = { headers: { Authorization: "Bearer tk-monitor" } };

/** Asks a question. Returns the status and the JSON of the answer. */
async function ask(stage: Stage, path: string, call: Call = {}) {
  const response = await stage.send(path, { method: "GET", ...call });
  return [response.status, JSON.parse(await response.text())] as const;
}

/** Sends a message to a room. Returns the answer. */
async function put(
  stage: Stage,
  room: string,
  content: unknown,
  { txnId = "1", ...call }: Call & { txnId?: string } = {},
) {
  const path = `${API}/rooms/${encodeURIComponent(room)}/send/m.room.message/${txnId}`;
  const [status, answer] = await ask(stage, path, { method: "PUT", body: JSON.stringify(content), ...call });
  assertEquals(status, 200);
  return answer.event_id;
}

/** Logs in. Returns the status and the JSON of the answer. */
function login(stage: Stage, password: string, more: Readonly<Record<string, unknown>> = {}, ip?: string) {
  const identifier = { type: "m.id.user", user: "bot" };
  const body = JSON.stringify({ type: "m.login.password", identifier, password, ...more });
  return ask(stage, `${API}/login`, { method: "POST", body, ip });
}

Deno.test("MatrixFacade answers what clients ask without a token", async () => {
  await using stage = await setStage(SENDERS);
  const [, { versions }] = await ask(stage, "/_matrix/client/versions");
  assertEquals([versions[0], versions.at(-1)], ["r0.6.1", "v1.10"]);
  const flows = { flows: [{ type: "m.login.password" }] };
  for (const version of ["v3", "r0"]) {
    assertEquals(await ask(stage, `/_matrix/client/${version}/login`), [200, flows]);
  }
  assertEquals(await ask(stage, `${API}/directory/room/%23phone%3Amatrix-notify`), [
    200,
    { room_id: "!=23phone=3Amatrix-notify:matrix-notify", servers: ["matrix-notify"] },
  ]);
  assertEquals(await errcodeOf(ask(stage, `${API}/register`, { method: "POST", body: "{}" })), [403, "M_FORBIDDEN"]);
});

/** Returns the status and the errcode of an answer. */
async function errcodeOf(answer: ReturnType<typeof ask>) {
  const [status, { errcode }] = await answer;
  return [status, errcode];
}

Deno.test("MatrixFacade distinguishes a missing token from a wrong one, as the specification does", async () => {
  await using stage = await setStage(SENDERS);
  const wrong = { headers: { Authorization: "Bearer tk-wrong" } }, message = { method: "PUT", body: '{"body":"x"}' };
  for (const [path, call] of [["/account/whoami", {}], ["/rooms/!a:b/send/m.room.message/1", message]] as const) {
    assertEquals(await errcodeOf(ask(stage, `${API}${path}`, call)), [401, "M_MISSING_TOKEN"], path);
    assertEquals(await errcodeOf(ask(stage, `${API}${path}`, { ...call, ...wrong })), [401, "M_UNKNOWN_TOKEN"], path);
  }
});

Deno.test("MatrixFacade answers a request that it does not have with M_UNRECOGNIZED, also without a token", async () => {
  await using stage = await setStage(SENDERS);
  for (const call of [{}, MONITOR]) {
    for (const path of [`${API}/unknown`, "/_matrix/client/v1/auth_metadata", "/.well-known/matrix/server"]) {
      assertEquals(await errcodeOf(ask(stage, path, call)), [404, "M_UNRECOGNIZED"], path);
    }
    const otherMethods = [["DELETE", `${API}/login`], ["PUT", `${API}/directory/room/%23x%3Ay`]] as const;
    for (
      const [method, path] of [
        ...otherMethods,
        ["POST", `${API}/account/whoami`],
        ["GET", "/_matrix/media/v3/upload"],
        ["POST", "/_matrix/client/versions"],
      ] as const
    ) assertEquals(await errcodeOf(ask(stage, path, { ...call, method })), [405, "M_UNRECOGNIZED"], path);
  }
});

Deno.test("MatrixFacade names its address only if it is https", async () => {
  await using stage = await setStage({});
  const wellKnown = async (headers: Record<string, string>) => {
    const [status, answer] = await ask(stage, "/.well-known/matrix/client", { headers });
    return [status, answer["m.homeserver"]?.base_url];
  };
  assertEquals(await wellKnown({ Host: "n.example.org" }), [404, undefined]);
  assertEquals(await wellKnown({ Host: "n.example.org:8443", "X-Forwarded-Proto": "https" }), [
    ...[200, "https://n.example.org:8443"],
  ]);
  assertEquals(await wellKnown({ Host: 'a"/b', "X-Forwarded-Proto": "https" }), [404, undefined]);
});

Deno.test("MatrixFacade logs in with the token of a sender, and each login has ids of its own", async () => {
  await using stage = await setStage(SENDERS);
  const [status, first] = await login(stage, "tk-monitor");
  assertEquals([status, first.user_id, first.home_server], [200, "@monitor:matrix-notify", "matrix-notify"]);
  const [, second] = await login(stage, "tk-monitor");
  assertNotEquals(second.access_token, first.access_token);
  const headers = { Authorization: `Bearer ${first.access_token}` };
  assertEquals(await ask(stage, `${API}/account/whoami`, { headers }), [
    200,
    { user_id: "@monitor:matrix-notify", device_id: first.device_id, is_guest: false },
  ]);
  // Apprise counts its transaction ids from 0 after each login.
  const sent = [first, first, second].map(({ access_token }) => ({
    headers: { Authorization: `Bearer ${access_token}` },
  }));
  const ids = [];
  for (const call of sent) ids.push(await put(stage, RULES_ROOM, { msgtype: "m.text", body: "Backup done" }, call));
  assertEquals([ids[0] === ids[1], ids[1] === ids[2], stage.texts().length], [true, false, 2]);
});

Deno.test("MatrixFacade keeps the device that a client names, so that a new login repeats no message", async () => {
  await using stage = await setStage(SENDERS);
  const ids = [];
  for (let times = 0; times < 2; times++) {
    const [, { access_token, device_id }] = await login(stage, "tk-monitor", { device_id: "NAS ü" });
    assertEquals(device_id, "NAS ü");
    const headers = { Authorization: `Bearer ${access_token}` };
    ids.push(await put(stage, RULES_ROOM, { msgtype: "m.text", body: "x" }, { headers }));
  }
  assertEquals([ids[0] === ids[1], stage.texts().length], [true, 1]);
});

Deno.test("MatrixFacade refuses wrong logins and access tokens", async () => {
  await using stage = await setStage(SENDERS);
  assertEquals(await errcodeOf(login(stage, "wrong")), [403, "M_FORBIDDEN"]);
  assertEquals(await errcodeOf(login(stage, "")), [403, "M_FORBIDDEN"]);
  assertEquals(await errcodeOf(login(stage, "tk-router")), [403, "M_FORBIDDEN"]);
  assertEquals((await login(stage, "tk-router", {}, "192.168.88.1"))[0], 200);
  assertEquals(await errcodeOf(login(stage, "tk-monitor", { type: "m.login.token" })), [400, "M_UNKNOWN"]);
  assertEquals(await errcodeOf(ask(stage, `${API}/login`, { method: "POST", body: "no JSON" })), [400, "M_NOT_JSON"]);
  for (const body of ["5", "[]", '{"password":"tk-monitor"}']) {
    assertEquals(await errcodeOf(ask(stage, `${API}/login`, { method: "POST", body })), [400, "M_BAD_JSON"], body);
  }
  const large = { method: "POST", body: "x".repeat(70_000) };
  assertEquals(await errcodeOf(ask(stage, `${API}/login`, large)), [413, "M_TOO_LARGE"]);
  const [, { access_token }] = await login(stage, "tk-monitor");
  for (const token of [access_token.replace(/.$/, "_"), "mn.QQ.x", access_token.replace("mn.", "mn.A")]) {
    const headers = { Authorization: `Bearer ${token}` };
    assertEquals(await errcodeOf(ask(stage, `${API}/account/whoami`, { headers })), [401, "M_UNKNOWN_TOKEN"], token);
  }
});

Deno.test("MatrixFacade ends all logins of a sender with a new token, and no others", async () => {
  const status = async (token: string, accessToken: string) => {
    await using stage = await setStage({ senders: { monitor: { token }, other: { token: "tk-other" } } });
    const headers = { Authorization: `Bearer ${accessToken}` };
    return (await ask(stage, `${API}/account/whoami`, { headers }))[0];
  };
  await using stage = await setStage(SENDERS);
  const [, { access_token }] = await login(stage, "tk-monitor");
  assertEquals([await status("tk-monitor", access_token), await status("tk-new", access_token)], [200, 401]);
});

Deno.test("MatrixFacade limits wrong logins, and says how long to wait", async () => {
  await using stage = await setStage({ ...SENDERS, rateLimit: { count: 1, per: "1m" } });
  await login(stage, "wrong");
  const response = await stage.send(`${API}/login`, { body: '{"type":"m.login.password","password":"wrong"}' });
  assertEquals([response.status, response.headers.get("Retry-After")], [429, "60"]);
  const { errcode, retry_after_ms } = await response.json();
  assertEquals([errcode, retry_after_ms], ["M_LIMIT_EXCEEDED", 60_000]);
});

Deno.test("MatrixFacade answers questions as a homeserver with empty rooms", async () => {
  await using stage = await setStage(SENDERS);
  const get = (path: string) => ask(stage, `${API}${path}`, MONITOR);
  const post = (path: string, body = "{}") => ask(stage, `${API}${path}`, { ...MONITOR, method: "POST", body });
  assertEquals(await get("/joined_rooms"), [200, { joined_rooms: [RULES_ROOM] }]);
  assertEquals(await post("/join/%21a%3Ab", "null"), [200, { room_id: "!a:b" }]);
  assertEquals(await post("/rooms/%21a%3Ab/join"), [200, { room_id: "!a:b" }]);
  assertEquals(await post("/logout"), [200, {}]);
  assertEquals(await post("/createRoom", '{"invite":["@alice:example.org"],"is_direct":true}'), [
    200,
    { room_id: "!=40alice=3Aexample.org:matrix-notify" },
  ]);
  assertEquals(await errcodeOf(post("/createRoom", '{"room_alias_name":"x"}')), [403, "M_FORBIDDEN"]);
  assertEquals(await errcodeOf(post("/createRoom", "x")), [400, "M_NOT_JSON"]);
  assertEquals(await errcodeOf(get("/directory/room/phone")), [400, "M_INVALID_PARAM"]);
  const none = await get("/rooms/%21a%3Ab/state/m.room.encryption/");
  assertEquals([none[0], none[1].errcode], [404, "M_NOT_FOUND"]);
  assertEquals(await get("/rooms/%21a/state/m.room.member/%40monitor%3Amatrix-notify"), [200, { membership: "join" }]);
  assertEquals((await get("/rooms/%21a/state/m.room.member/%40other%3Aexample.org"))[0], 404);
  assertEquals(await get("/rooms/%21a%3Ab/messages?dir=b"), [200, { chunk: [], start: "0" }]);
  assertEquals(await get("/rooms/%21a%3Ab/joined_members"), [200, { joined: { "@monitor:matrix-notify": {} } }]);
  assertEquals(await ask(stage, "/_matrix/media/v3/config", MONITOR), [200, { "m.upload.size": 8 * 2 ** 20 }]);
  const encrypted = await ask(stage, `${API}/rooms/%21a/send/m.room.encrypted/1`, { ...MONITOR, method: "PUT" });
  assertEquals([encrypted[0], encrypted[1].errcode], [403, "M_FORBIDDEN"]);
});

Deno.test("MatrixFacade lets /sync wait, because there is never news", async () => {
  await using stage = await setStage(SENDERS);
  const sync = (query: string) => ask(stage, `${API}/sync${query}`, MONITOR);
  const [, { rooms, next_batch }] = await sync("?timeout=300");
  assertEquals(Object.keys(rooms.join), [RULES_ROOM, "!=23matrix=3Amatrix-notify:matrix-notify"]);
  assertEquals(stage.pauses, []);
  await sync(`?since=${next_batch}&timeout=300`);
  assertEquals(stage.pauses, [300]);
});

Deno.test("MatrixFacade attaches an uploaded file, also after a reload", async () => {
  await using stage = await setStage(SENDERS);
  const bytes = Uint8Array.fromBase64(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=",
  );
  const urls = [];
  for (const version of ["v3", "r0"]) {
    const [, { content_uri }] = await ask(stage, `/_matrix/media/${version}/upload?filename=a.png`, {
      ...{ ...MONITOR, method: "POST", body: bytes },
    });
    assertMatch(content_uri, /^mxc:\/\/matrix-notify\/[\w-]+$/);
    urls.push(content_uri);
  }
  stage.reload();
  const content = { msgtype: "m.image", body: "graph.png", url: urls[0], info: { mimetype: "image/png" } };
  await put(stage, "#matrix", content, MONITOR);
  const [text, image] = stage.scene.homeserver.events(stage.scene.room).map(({ content }) => content);
  assertEquals([text.body, image.msgtype, image.filename], ["[jump] File: graph.png", "m.image", "graph.png"]);
});

Deno.test("MatrixFacade names the sender in the log if it cannot store an upload", async () => {
  await using stage = await setStage(SENDERS);
  Deno.writeTextFileSync(`${stage.scene.stateDir}/uploads`, "");
  const upload = ask(stage, "/_matrix/media/v3/upload", { ...MONITOR, method: "POST", body: "x" });
  assertEquals(await errcodeOf(upload), [503, "M_UNKNOWN"]);
  assertMatch(stage.log[0], /^http monitor: Cannot store an upload in /);
});

Deno.test("MatrixFacade needs no token if there are no senders", async () => {
  await using stage = await setStage({});
  const [status, { access_token }] = await login(stage, "anything");
  assertEquals(status, 200);
  const headers = { Authorization: `Bearer ${access_token}` };
  const ids = [await put(stage, "#x", { body: "a" }, { headers }), await put(stage, "#x", { body: "a" })];
  assertNotEquals(ids[0], ids[1]);
  assertEquals(stage.accepted.map(({ input }) => input.origin), ["x", "x"]);
});

Deno.test("MatrixFacade sends to the channels that a room means, and keeps a limited sender in its channels", async () => {
  await using stage = await setStage({ senders: { free: { token: "tk-free" }, ...SENDERS.senders } });
  const free: Call = { headers: { Authorization: "Bearer tk-free" } };
  const { room } = stage.scene;
  await put(stage, room, { body: "1" }, free);
  await put(stage, "#matrix", { body: "2" }, free);
  await put(stage, "!other:example.org", { body: "3" }, MONITOR);
  await put(stage, RULES_ROOM, { body: "4" }, free);
  assertEquals(stage.accepted.map(({ options: { channels, room } }) => [channels, room]), [
    [["matrix"], room],
    [["matrix"], undefined],
    [["matrix"], undefined],
    [undefined, undefined],
  ]);
  assertEquals(stage.texts().length, 4);
});
