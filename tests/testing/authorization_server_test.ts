import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type AuthorizationServerOptions,
  LoopbackAuthorizationServer,
  LoopbackHomeserver,
} from "../../src/testing/mod.ts";
import { openClient, type RequestParts, type SeenAnswer, sendPath } from "./scene.ts";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPE = "urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ";
const METADATA = {
  client_uri: "https://client.example.org/",
  application_type: "native",
  grant_types: [DEVICE_CODE, "refresh_token"],
  response_types: [],
  token_endpoint_auth_method: "none",
};

type Form = Readonly<Record<string, string>> | string;

interface Scene extends AsyncDisposable {
  readonly server: LoopbackAuthorizationServer;
  readonly homeserver: LoopbackHomeserver;
  readonly ask: (method: string, url: string, parts?: RequestParts) => Promise<SeenAnswer>;
  readonly register: (change?: Readonly<Record<string, unknown>>) => Promise<SeenAnswer>;
  readonly post: (path: string, form: Form, headers?: Readonly<Record<string, string>>) => Promise<SeenAnswer>;
  clientId: string;
  time: number;
}

async function openScene(options: AuthorizationServerOptions = {}): Promise<Scene> {
  const client = openClient();
  const now = () => scene.time;
  const server = await LoopbackAuthorizationServer.start({ now, ...options });
  const homeserver = await LoopbackHomeserver.start({ now, authorizationServer: server });
  const scene: Scene = {
    server,
    homeserver,
    ask: client.ask,
    register: (change = {}) =>
      client.ask("POST", `${server.url}/register`, {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...METADATA, ...change }),
      }),
    post: (path, form, headers = {}) =>
      client.ask("POST", server.url + path, {
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body: new URLSearchParams(form).toString(),
      }),
    clientId: "",
    time: 1_700_000_000_000,
    async [Symbol.asyncDispose]() {
      await homeserver[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
  scene.clientId = String((await scene.register()).json.client_id);
  return scene;
}

async function begin({ post, clientId }: Scene): Promise<{ readonly device: string; readonly user: string }> {
  const { json } = await post("/device", { client_id: clientId, scope: SCOPE });
  return { device: String(json.device_code), user: String(json.user_code) };
}

const poll = ({ post, clientId }: Scene, device: string) =>
  post("/token", { grant_type: DEVICE_CODE, device_code: device, client_id: clientId });

const refresh = ({ post, clientId }: Scene, token: string) =>
  post("/token", { grant_type: "refresh_token", refresh_token: token, client_id: clientId });

async function logIn(scene: Scene): Promise<{ readonly access: string; readonly refresh: string }> {
  const { device, user } = await begin(scene);
  scene.server.approve(user, "bot");
  return tokensOf(await poll(scene, device));
}

function tokensOf({ json }: SeenAnswer): { readonly access: string; readonly refresh: string } {
  return { access: String(json.access_token), refresh: String(json.refresh_token) };
}

function verdict({ status, json }: SeenAnswer): [number, unknown] {
  return [status, json.error];
}

Deno.test("register() returns a client_id and the metadata without unknown grant types", async () => {
  await using scene = await openScene();
  const { status, json } = await scene.register({ grant_types: [DEVICE_CODE, "refresh_token", "urn:example:other"] });
  assertEquals(status, 201);
  assertMatch(String(json.client_id), /^[0-9a-f-]{36}$/);
  assertEquals(json.grant_types, [DEVICE_CODE, "refresh_token"]);
});

const BAD_CLIENTS: [change: Record<string, unknown>, error: string][] = [
  [{ client_uri: undefined }, "invalid_client_metadata"],
  [{ client_uri: "http://client.example.org/" }, "invalid_client_metadata"],
  [{ client_uri: "https://me:secret@client.example.org/" }, "invalid_client_metadata"],
  [{ logo_uri: "https://elsewhere.example.org/logo.png" }, "invalid_client_metadata"],
  [{ application_type: "robot" }, "invalid_client_metadata"],
  [{ token_endpoint_auth_method: undefined }, "invalid_client_metadata"],
  [{ response_types: undefined }, "invalid_client_metadata"],
  [{ response_types: ["code"], grant_types: ["authorization_code"] }, "invalid_redirect_uri"],
];
for (const [change, error] of BAD_CLIENTS) {
  Deno.test(`register() rejects metadata with ${JSON.stringify(change)}`, async () => {
    await using scene = await openScene();
    assertEquals(verdict(await scene.register(change)), [400, error]);
  });
}

Deno.test("register() rejects a form", async () => {
  await using scene = await openScene();
  assertEquals(verdict(await scene.post("/register", { client_uri: METADATA.client_uri })), [
    400,
    "invalid_client_metadata",
  ]);
});

const BAD_DEVICE_REQUESTS: [what: string, form: (clientId: string) => Form, status: number, error: string][] = [
  ["no client", () => ({ scope: SCOPE }), 400, "invalid_request"],
  ["an unknown client", () => ({ client_id: "x", scope: SCOPE }), 401, "invalid_client"],
  ["a secret", (id) => ({ client_id: id, client_secret: "s", scope: SCOPE }), 401, "invalid_client"],
  ["no scope", (id) => ({ client_id: id }), 400, "invalid_scope"],
  ["no device", (id) => ({ client_id: id, scope: "urn:matrix:client:api:*" }), 400, "invalid_scope"],
  ["no API", (id) => ({ client_id: id, scope: "urn:matrix:client:device:ABCDEFGHIJ" }), 400, "invalid_scope"],
  [
    "two devices",
    (id) => ({ client_id: id, scope: `${SCOPE} urn:matrix:client:device:BBBBBBBBBB` }),
    400,
    "invalid_scope",
  ],
  ["a short device", (id) => ({ client_id: id, scope: SCOPE.replace("GHIJ", "") }), 400, "invalid_scope"],
  ["another scope", (id) => ({ client_id: id, scope: `${SCOPE} openid` }), 400, "invalid_scope"],
  [
    "a parameter twice",
    (id) => `client_id=${id}&client_id=${id}&scope=${encodeURIComponent(SCOPE)}`,
    400,
    "invalid_request",
  ],
];
for (const [what, form, status, error] of BAD_DEVICE_REQUESTS) {
  Deno.test(`LoopbackAuthorizationServer rejects a request for a device code with ${what}`, async () => {
    await using scene = await openScene();
    assertEquals(verdict(await scene.post("/device", form(scene.clientId))), [status, error]);
  });
}

Deno.test("LoopbackAuthorizationServer rejects JSON, a query, a secret in a header, and GET", async () => {
  await using scene = await openScene();
  const form = { client_id: scene.clientId, scope: SCOPE };
  assertEquals(verdict(await scene.post("/device", form, { "content-type": "application/json" })), [
    400,
    "invalid_request",
  ]);
  assertEquals(verdict(await scene.post("/device?a=b", form)), [400, "invalid_request"]);
  assertEquals(verdict(await scene.post("/device", form, { authorization: "Basic eA==" })), [401, "invalid_client"]);
  assertEquals((await scene.ask("GET", `${scene.server.url}/device`)).status, 405);
});

Deno.test("LoopbackAuthorizationServer gives no device code to a client that is not registered for it", async () => {
  await using scene = await openScene();
  const { json } = await scene.register({ grant_types: ["refresh_token"] });
  const answer = await scene.post("/device", { client_id: String(json.client_id), scope: SCOPE });
  assertEquals(verdict(answer), [400, "unauthorized_client"]);
});

Deno.test("DeviceGrants.redeem() answers authorization_pending until the user confirms, then tokens with no-store", async () => {
  await using scene = await openScene();
  const { device, user } = await begin(scene);
  scene.time += 5000;
  assertEquals(verdict(await poll(scene, device)), [400, "authorization_pending"]);
  scene.server.approve(user.toLowerCase().replace("-", ""), "bot");
  scene.time += 5000;
  const { status, json, headers } = await poll(scene, device);
  assertEquals(status, 200);
  assertEquals([json.token_type, json.expires_in, json.scope], ["Bearer", 300, SCOPE]);
  assertEquals(headers.get("cache-control"), "no-store");
});

Deno.test("DeviceGrants.redeem() answers slow_down to a fast poll, and raises the interval", async () => {
  await using scene = await openScene();
  const { device } = await begin(scene);
  const errors: unknown[] = [];
  for (const wait of [4999, 9999, 15_000]) {
    scene.time += wait;
    errors.push((await poll(scene, device)).json.error);
  }
  assertEquals(errors, ["slow_down", "slow_down", "authorization_pending"]);
});

Deno.test("LoopbackAuthorizationServer rejects a device code that was used, expired, refused, unknown or issued to another client", async () => {
  await using scene = await openScene();
  const used = await begin(scene), late = await begin(scene), denied = await begin(scene), others = await begin(scene);
  scene.server.approve(used.user, "bot");
  await poll(scene, used.device);
  assertEquals(verdict(await poll(scene, used.device)), [400, "invalid_grant"]);
  scene.server.expire(late.user);
  assertEquals(verdict(await poll(scene, late.device)), [400, "expired_token"]);
  scene.server.deny(denied.user);
  assertEquals(verdict(await poll(scene, denied.device)), [400, "access_denied"]);
  assertEquals(verdict(await poll(scene, "x")), [400, "invalid_grant"]);
  scene.clientId = String((await scene.register()).json.client_id);
  assertEquals(verdict(await poll(scene, others.device)), [400, "invalid_grant"]);
});

Deno.test("token() rejects a grant type that is missing, unknown, or has no token", async () => {
  await using scene = await openScene();
  const client_id = scene.clientId;
  assertEquals(verdict(await scene.post("/token", { client_id })), [400, "invalid_request"]);
  assertEquals(verdict(await scene.post("/token", { client_id, grant_type: "password" })), [
    400,
    "unsupported_grant_type",
  ]);
  assertEquals(verdict(await scene.post("/token", { client_id, grant_type: DEVICE_CODE })), [400, "invalid_request"]);
});

Deno.test("Sessions.refresh() accepts a refresh token until the new pair is used, and ends the session after that", async () => {
  await using scene = await openScene();
  const first = await logIn(scene);
  const lost = tokensOf(await refresh(scene, first.refresh));
  const second = tokensOf(await refresh(scene, first.refresh));
  assertEquals(verdict(await refresh(scene, lost.refresh)), [400, "invalid_grant"]);
  assertEquals(scene.server.introspect(second.access)?.localpart, "bot");
  assertEquals(scene.server.introspect(first.access), undefined);
  assertEquals(verdict(await refresh(scene, first.refresh)), [400, "invalid_grant"]);
  assertEquals(scene.server.sessions.map(({ ended }) => ended), [true]);
  assertEquals(verdict(await refresh(scene, second.refresh)), [400, "invalid_grant"]);
});

Deno.test("Sessions.begin() ends the former session of a device", async () => {
  await using scene = await openScene();
  const first = await logIn(scene);
  await logIn(scene);
  assertEquals(scene.server.introspect(first.access), undefined);
  assertEquals(scene.server.sessions.map(({ ended }) => ended), [true, false]);
});

Deno.test("revoke() ends the session, ignores an unknown token and rejects an unknown client", async () => {
  await using scene = await openScene();
  const { access, refresh } = await logIn(scene);
  const answer = await scene.post("/revoke", { token: refresh, client_id: scene.clientId });
  assertEquals([answer.status, answer.text], [200, ""]);
  assertEquals(scene.server.introspect(access), undefined);
  assertEquals((await scene.post("/revoke", { token: "x" })).status, 200);
  assertEquals(verdict(await scene.post("/revoke", { token: refresh, client_id: "x" })), [401, "invalid_client"]);
  assertEquals(verdict(await scene.post("/revoke", { client_id: scene.clientId })), [400, "invalid_request"]);
  assertEquals(verdict(await scene.post("/revoke", { token: refresh, token_type_hint: "cookie" })), [
    400,
    "unsupported_token_type",
  ]);
});

Deno.test("approve() throws when no login is pending for the code", async () => {
  await using scene = await openScene();
  assertThrows(() => scene.server.approve("ABCD-EFGH", "bot"), Error, "no login waits for it");
});

Deno.test("LoopbackHomeserver accepts tokens of its authorization server and has no login of its own", async () => {
  await using scene = await openScene();
  const { homeserver } = scene;
  const { access: token } = await logIn(scene);
  const roomId = homeserver.createRoom({ members: ["@bot:loopback.test"] });
  const whoami = await scene.ask("GET", `${homeserver.url}/_matrix/client/v3/account/whoami`, { token });
  assertEquals([whoami.json.user_id, whoami.json.device_id], ["@bot:loopback.test", "ABCDEFGHIJ"]);
  const sent = await scene.ask("PUT", homeserver.url + sendPath(roomId, "1"), {
    token,
    body: '{"msgtype":"m.text","body":"Hi"}',
  });
  assertEquals(sent.status, 200);
  for (const [method, path] of [["GET", "login"], ["POST", "login"], ["POST", "refresh"], ["POST", "logout"]]) {
    const { status, json } = await scene.ask(method, `${homeserver.url}/_matrix/client/v3/${path}`, {
      token,
      ...method === "POST" && { body: "{}" },
    });
    assertEquals([path, status, json.errcode], [path, 404, "M_UNRECOGNIZED"]);
  }
});

Deno.test("Delegation.authenticate() caches a token for two minutes and never reports a soft logout", async () => {
  await using scene = await openScene();
  const ask = (token: string) =>
    scene.ask("GET", `${scene.homeserver.url}/_matrix/client/v3/account/whoami`, { token });
  const { access } = await logIn(scene);
  assertEquals((await ask(access)).status, 200);
  scene.server.endSession(access);
  assertEquals((await ask(access)).status, 200);
  scene.time += 120_000;
  const { status, json } = await ask(access);
  assertEquals([status, json.errcode, json.soft_logout], [401, "M_UNKNOWN_TOKEN", false]);
  const expiring = (await logIn(scene)).access;
  scene.time += 300_000;
  assertEquals((await ask(expiring)).json.soft_logout, false);
});

Deno.test("Delegation.authenticate() accepts only cached tokens while the authorization server is down", async () => {
  await using scene = await openScene();
  const ask = (token: string) =>
    scene.ask("GET", `${scene.homeserver.url}/_matrix/client/v3/account/whoami`, { token });
  const { access } = await logIn(scene);
  await ask(access);
  await scene.server.stop();
  assertEquals((await ask(access)).status, 200);
  const { status, json } = await ask("other");
  assertEquals([status, json.errcode], [503, "M_UNKNOWN"]);
  assertStringIncludes(String(json.error), "introspect");
});
