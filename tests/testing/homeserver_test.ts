import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { message, openScene, sendPath } from "./scene.ts";

const V3 = "/_matrix/client/v3";

Deno.test("events() contains a message that a member sent", async () => {
  await using scene = await openScene({ now: () => 1234 });
  const { status, json } = await scene.send("txn 1");
  assertEquals(status, 200);
  assertMatch(String(json.event_id), /^\$[-\w]{43}$/);
  assertEquals(scene.homeserver.events(scene.roomId), [{
    event_id: String(json.event_id),
    sender: scene.alice.userId,
    origin_server_ts: 1234,
    type: "m.room.message",
    content: { msgtype: "m.text", body: "txn 1" },
  }]);
});

Deno.test("createRoom() creates an opaque room id by default", async () => {
  await using scene = await openScene();
  assertMatch(scene.roomId, /^![-\w]{43}$/);
  const old = scene.homeserver.createRoom({ members: [scene.alice.userId], roomId: "!with/slash:loopback.test" });
  assertEquals((await scene.send("1", { roomId: old })).status, 200);
  assertEquals(scene.homeserver.events(old).length, 1);
});

Deno.test("LoopbackHomeserver answers M_UNRECOGNIZED when path or method is unknown", async () => {
  await using scene = await openScene();
  const r0 = sendPath(scene.roomId, "1").replace("/v3/", "/r0/");
  const slash = sendPath(scene.roomId, "1") + "/";
  const empty = sendPath(scene.roomId, "");
  for (const path of [r0, slash, empty, "/", `${V3}/rooms/%ZZ/send/m.room.message/1`]) {
    const { status, json } = await scene.ask("PUT", path, { body: message("x") });
    assertEquals([path, status, json.errcode], [path, 404, "M_UNRECOGNIZED"]);
  }
  const { status, json } = await scene.ask("POST", sendPath(scene.roomId, "1"), { body: message("x") });
  assertEquals([status, json.errcode], [405, "M_UNRECOGNIZED"]);
  assertEquals(scene.homeserver.requests.map((request) => request.route), Array(6).fill(undefined));
});

Deno.test("authenticate() answers 401 when the token is missing, misplaced or unknown", async () => {
  await using scene = await openScene();
  const { accessToken } = scene.alice;
  const path = sendPath(scene.roomId, "1");
  const put = async (at: string, headers: Record<string, string>) => {
    const { status, json } = await scene.ask("PUT", at, { token: undefined, headers, body: message("x") });
    return [status, json.errcode, json.soft_logout];
  };
  assertEquals(await put(path, {}), [401, "M_MISSING_TOKEN", undefined]);
  assertEquals(await put(path, { authorization: `Basic ${accessToken}` }), [401, "M_MISSING_TOKEN", undefined]);
  const both = await put(`${path}?access_token=${accessToken}`, { authorization: `Bearer ${accessToken}` });
  assertEquals(both, [401, "M_MISSING_TOKEN", undefined]);
  assertEquals(await put(path, { authorization: "Bearer no" }), [401, "M_UNKNOWN_TOKEN", false]);
  assertEquals(scene.texts(), []);
});

Deno.test("revoke() revokes a token, with a soft logout if requested", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const second = homeserver.addToken(alice.userId, { deviceId: alice.deviceId });
  homeserver.revoke(alice.accessToken, { softLogout: true });
  const expired = await scene.send("1");
  assertEquals([expired.status, expired.json.errcode, expired.json.soft_logout], [401, "M_UNKNOWN_TOKEN", true]);
  assertEquals((await scene.send("1", { token: second })).status, 200);
  homeserver.revoke(second);
  const revoked = await scene.send("1", { token: second });
  assertEquals([revoked.status, revoked.json.errcode, revoked.json.soft_logout], [401, "M_UNKNOWN_TOKEN", false]);
  assertThrows(() => homeserver.revoke("never seen"), Error, "it is unknown");
});

Deno.test("LoopbackHomeserver rejects a body that is not a JSON object", async () => {
  await using scene = await openScene();
  const answers = [];
  for (const body of ["", "{", "[]", "null", '"text"', new Uint8Array([0x22, 0xff, 0x22])]) {
    const { status, json } = await scene.send("1", { body });
    answers.push(`${status} ${json.errcode}`);
  }
  const no = "400 M_NOT_JSON", bad = "400 M_BAD_JSON";
  assertEquals(answers, [no, no, bad, bad, bad, no]);
  assertEquals((await scene.ask("POST", `${V3}/join/x`, { body: "" })).status, 400);
});

Deno.test("send() rejects content that is not allowed", async () => {
  await using scene = await openScene();
  const refused = async (body: string, type?: string) => {
    const { status, json } = await scene.send("1", { body, type });
    return `${status} ${json.errcode}`;
  };
  const text = '"msgtype":"m.text","body":"x"';
  assertEquals(await refused(`{${text},"n":1.0}`), "400 M_BAD_JSON");
  assertEquals(await refused(`{${text},"n":[1e3]}`), "400 M_BAD_JSON");
  assertEquals(await refused(`{${text},"n":9007199254740992}`), "400 M_BAD_JSON");
  assertEquals(await refused(`{${text},"n":{"deep":["\\ud800"]}}`), "500 M_UNKNOWN");
  assertEquals(await refused('{"body":"x"}'), "400 M_UNKNOWN");
  assertEquals(await refused('{"msgtype":"m.text","body":1}'), "400 M_UNKNOWN");
  assertEquals(await refused(message("x".repeat(65_000))), "413 M_TOO_LARGE");
  assertEquals(await refused(message("ä".repeat(32_500))), "413 M_TOO_LARGE");
  assertEquals(scene.texts(), []);
});

Deno.test("send() accepts unusual content that is allowed", async () => {
  await using scene = await openScene();
  const statusOf = async (txnId: string, body: string, type?: string) =>
    (await scene.send(txnId, { body, type })).status;
  const text = '"msgtype":"m.text","body":"1.5 \\" 1e9 \\u0000 \\\\ud800"';
  assertEquals(await statusOf("1", `{${text},"n":9007199254740991,"m":-9007199254740991}`), 200);
  assertEquals(await statusOf("2", message("x".repeat(64_900))), 200);
  assertEquals(await statusOf("3", "{}", "org.example.ping"), 200);
  assertEquals(scene.homeserver.events(scene.roomId).length, 3);
});

Deno.test("LoopbackHomeserver answers M_FORBIDDEN when the sender is not in the room", async () => {
  await using scene = await openScene();
  const { homeserver, alice, roomId } = scene;
  const bob = homeserver.addUser("bob");
  const errors = async (parts: { token?: string; roomId?: string }) => {
    const { status, json } = await scene.send("1", parts);
    return `${status} ${json.errcode}`;
  };
  assertEquals(await errors({ token: bob.accessToken }), "403 M_FORBIDDEN");
  assertEquals(await errors({ roomId: "!unknown" }), "403 M_FORBIDDEN");
  homeserver.removeMember(roomId, alice.userId);
  assertEquals(await errors({}), "403 M_FORBIDDEN");
  assertThrows(() => homeserver.events("!unknown"), Error, "it does not exist");
});

Deno.test("join() admits an invited user by room id or alias", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const bob = homeserver.addUser("bob"), carol = homeserver.addUser("carol");
  const alias = "#alerts:loopback.test";
  const roomId = homeserver.createRoom({ members: [alice.userId], invited: [bob.userId, carol.userId], alias });
  const join = (path: string, token: string) => scene.ask("POST", V3 + path, { token, body: "{}" });
  assertEquals((await scene.send("1", { roomId, token: bob.accessToken })).status, 403);
  const byAlias = await join(`/join/${encodeURIComponent(alias)}`, bob.accessToken);
  assertEquals([byAlias.status, byAlias.json], [200, { room_id: roomId }]);
  assertEquals((await join(`/rooms/${roomId}/join`, carol.accessToken)).status, 200);
  assertEquals((await scene.send("1", { roomId, token: bob.accessToken })).status, 200);
  const members = await scene.ask("GET", `${V3}/rooms/${roomId}/joined_members`);
  assertEquals(Object.keys(Object(members.json.joined)), [alice.userId, bob.userId, carol.userId]);
});

Deno.test("join() rejects a user who is not invited", async () => {
  await using scene = await openScene();
  const { homeserver, alice, roomId } = scene;
  const mallory = homeserver.addUser("mallory");
  const join = async (target: string) => {
    const path = `${V3}/join/${encodeURIComponent(target)}`;
    const { status, json } = await scene.ask("POST", path, { token: mallory.accessToken, body: "{}" });
    return `${status} ${json.errcode}`;
  };
  assertEquals(await join(roomId), "403 M_FORBIDDEN");
  assertEquals(await join("!unknown"), "404 M_UNKNOWN");
  assertEquals(await join("#unknown:loopback.test"), "404 M_NOT_FOUND");
  const members = await scene.ask("GET", `${V3}/rooms/${roomId}/joined_members`, { token: mallory.accessToken });
  assertEquals(members.status, 403);
  const open = homeserver.createRoom({ members: [alice.userId], public: true });
  assertEquals(await join(open), "200 undefined");
});

Deno.test("removeMember() removes an invite too", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const bob = homeserver.addUser("bob");
  const roomId = homeserver.createRoom({ members: [alice.userId], invited: [bob.userId] });
  const join = () => scene.ask("POST", `${V3}/rooms/${roomId}/join`, { token: bob.accessToken, body: "{}" });
  assertEquals([(await join()).status, (await join()).status], [200, 200]);
  homeserver.removeMember(roomId, bob.userId);
  assertEquals((await join()).status, 403);
});

Deno.test("LoopbackHomeserver answers discovery requests without a token", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const alias = "#ops:loopback.test";
  const roomId = homeserver.createRoom({ members: [alice.userId], alias });
  const get = (path: string) => scene.ask("GET", path, { token: undefined });
  assertStringIncludes((await get("/_matrix/client/versions")).text, '"v1.15"]');
  assertEquals((await get("/.well-known/matrix/client")).json, { "m.homeserver": { base_url: `${homeserver.url}/` } });
  const version = await get("/_matrix/federation/v1/version");
  assertEquals(version.json, { server: { name: "Synapse", version: "1.163.2" } });
  const found = await get(`${V3}/directory/room/${encodeURIComponent(alias)}`);
  assertEquals(found.json, { room_id: roomId, servers: ["loopback.test"] });
  assertEquals((await get(`${V3}/directory/room/%23no%3Aloopback.test`)).json.errcode, "M_NOT_FOUND");
  assertEquals((await get(`${V3}/account/whoami`)).status, 401);
});

Deno.test("whoami() returns the user and the device", async () => {
  await using scene = await openScene();
  const { homeserver, alice } = scene;
  const { userId, deviceId } = alice;
  assertEquals((await scene.ask("GET", `${V3}/account/whoami`)).json, {
    user_id: userId,
    is_guest: false,
    device_id: deviceId,
  });
  const token = homeserver.addToken(userId);
  const admin = await scene.ask("GET", `${V3}/account/whoami`, { token });
  assertEquals(admin.json, { user_id: userId, is_guest: false });
  assertThrows(() => homeserver.addUser("alice"), Error, "the user exists");
  assertThrows(() => homeserver.addToken("@nobody:loopback.test"), Error, "the user does not exist");
});

Deno.test("LoopbackHomeserver answers like Dendrite when the software is Dendrite", async () => {
  await using scene = await openScene({ software: "Dendrite" });
  const { homeserver, alice } = scene;
  const errors = async (parts: Parameters<typeof scene.send>[1]) => {
    const { status, json } = await scene.send(crypto.randomUUID(), parts);
    return `${status} ${json.errcode}`;
  };
  assertStringIncludes((await scene.ask("GET", "/_matrix/federation/v1/version")).text, '"name":"Dendrite"');
  const wellKnown = await scene.ask("GET", "/.well-known/matrix/client");
  assertEquals(wellKnown.json, { "m.homeserver": { base_url: homeserver.url } });
  assertEquals(await errors({ roomId: "!unknown" }), "400 M_UNSUPPORTED_ROOM_VERSION");
  assertEquals(await errors({ body: message("x".repeat(65_000)) }), "413 M_BAD_JSON");
  assertEquals(await errors({ body: "{" }), "400 M_BAD_JSON");
  assertEquals(await errors({ body: '{"body":"\\ud800"}' }), "200 undefined");
  const nobody = await scene.ask("POST", `${V3}/join/%23no%3Aloopback.test`, { body: "{}" });
  assertEquals([nobody.status, nobody.json], [500, { Err: "" }]);
  homeserver.addToken(alice.userId, { deviceId: alice.deviceId });
  const { status, json } = await scene.send("1");
  assertEquals([status, json.errcode, "soft_logout" in json], [401, "M_UNKNOWN_TOKEN", false]);
});
