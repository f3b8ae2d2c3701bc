import { assertEquals, assertInstanceOf, assertNotEquals, assertRejects } from "@std/assert";
import { NotTheServiceError, TransportError } from "../../../src/base/errors.ts";
import {
  OAuthError,
  readAuthMetadata,
  refreshOAuthTokens,
  revokeOAuthToken,
} from "../../../src/matrix/oauth/client.ts";
import { pollDeviceToken, registerClient, requestDeviceCode } from "../../../src/matrix/oauth/device_flow.ts";
import { LoopbackAuthorizationServer, LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { LIMITS, type OAuthScene, setOAuthScene } from "../../fakes/oauth.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

/**
 * Reads the metadata of a homeserver, with changes. The issuer is https://auth.example.org/.
 *
 * @param documents other documents by URL
 */
async function readChanged(
  change: Readonly<Record<string, unknown>>,
  { baseUrl = "https://matrix.example.org", documents = {} }: {
    readonly baseUrl?: string;
    readonly documents?: Readonly<Record<string, unknown>>;
  } = {},
) {
  await using server = await LoopbackAuthorizationServer.start();
  const metadata = JSON.parse(JSON.stringify(server.metadata).replaceAll(server.url, "https://auth.example.org"));
  const requested: string[] = [];
  const fetch = (url: string) => {
    requested.push(url);
    if (url.startsWith(baseUrl)) return Promise.resolve(Response.json({ ...metadata, ...change }));
    const found = documents[url];
    return Promise.resolve(found === undefined ? new Response("", { status: 404 }) : Response.json(found));
  };
  using runtime = fakeRuntime({ fetch });
  return { read: await readAuthMetadata({ runtime, baseUrl, userAgent: "test/1" }, LIMITS), requested };
}

Deno.test("readAuthMetadata() returns the endpoints, and sends no token", async () => {
  await using scene = await setOAuthScene();
  const { url } = scene.server;
  assertEquals(scene.metadata, {
    issuer: `${url}/`,
    tokenEndpoint: `${url}/token`,
    registrationEndpoint: `${url}/register`,
    revocationEndpoint: `${url}/revoke`,
    deviceAuthorizationEndpoint: `${url}/device`,
  });
  const [{ path, headers }] = scene.homeserver.requests;
  assertEquals(path, "/_matrix/client/v1/auth_metadata");
  assertEquals(headers.get("authorization"), null);
});

Deno.test("readAuthMetadata() returns undefined for a homeserver with the legacy API only", async () => {
  using runtime = fakeRuntime();
  await using homeserver = await LoopbackHomeserver.start();
  assertEquals(await readAuthMetadata({ runtime, baseUrl: homeserver.url, userAgent: "test/1" }, LIMITS), undefined);
});

Deno.test("readAuthMetadata() finds no device authorization if the server does not list the grant", async () => {
  await using scene = await setOAuthScene({ deviceAuthorization: false });
  assertEquals(scene.metadata.deviceAuthorizationEndpoint, undefined);
});

const UNUSABLE: [change: Record<string, unknown>, state: string][] = [
  [{ issuer: undefined }, "issuer is missing"],
  [{ token_endpoint: 7 }, "token_endpoint is not an address"],
  [{ token_endpoint: "nowhere" }, "token_endpoint is not an address"],
  [{ token_endpoint: "http://auth.example.org/token" }, "token_endpoint begins with http:// instead of https://"],
  [
    { revocation_endpoint: "http://127.0.0.1.example.org/" },
    "revocation_endpoint begins with http:// instead of https://",
  ],
  [
    { registration_endpoint: "https://a:b@auth.example.org/" },
    "registration_endpoint contains a user name or a password",
  ],
  [{ device_authorization_endpoint: undefined }, "device_authorization_endpoint is missing"],
  [{ token_endpoint: "https://auth.example.org/token#x" }, "token_endpoint has a fragment"],
  [{ token_endpoint: `https://auth.example.org/${"x".repeat(2048)}` }, "token_endpoint is not an address"],
  [{ token_endpoint: "http://127.0.0.1:631/" }, "token_endpoint is an address of this machine"],
  [{ token_endpoint: "https://[::ffff:127.0.0.1]/" }, "token_endpoint is an address of this machine"],
  [{ registration_endpoint: "https://0x7f.1/" }, "registration_endpoint is an address of this machine"],
  [{ revocation_endpoint: "https://localhost./" }, "revocation_endpoint is an address of this machine"],
  [{ device_authorization_endpoint: "https://[::]/" }, "device_authorization_endpoint is an address of this machine"],
  [{ issuer: "https://169.254.169.254/" }, "issuer is an address of a private network"],
  [{ token_endpoint: "https://router.lan/" }, "token_endpoint is an address of a private network"],
  [
    { issuer: "https://bank.example/" },
    "the issuer https://bank.example/ does not confirm token_endpoint, registration_endpoint, revocation_endpoint, device_authorization_endpoint",
  ],
];
for (const [change, state] of UNUSABLE) {
  Deno.test(`readAuthMetadata() refuses metadata whose ${state}`, async () => {
    await assertRejects(
      () => readChanged(change),
      NotTheServiceError,
      `Cannot use the OAuth 2.0 metadata of matrix.example.org: ${state}`,
    );
  });
}

Deno.test("readAuthMetadata() accepts endpoints with another origin if the issuer confirms them", async () => {
  const token_endpoint = "https://tokens.example.org/token";
  const own = "https://auth.example.org/.well-known/openid-configuration";
  const confirm = (document: unknown) => readChanged({ token_endpoint }, { documents: { [own]: document } });
  const { read, requested } = await confirm({ issuer: "https://auth.example.org/", token_endpoint });
  assertEquals(read?.tokenEndpoint, token_endpoint);
  assertEquals(requested.slice(1), ["https://auth.example.org/.well-known/oauth-authorization-server", own]);
  for (const [issuer, endpoint] of [["https://auth.example.org", token_endpoint], ["https://auth.example.org/", "x"]]) {
    const state = "the issuer https://auth.example.org/ does not confirm token_endpoint";
    await assertRejects(() => confirm({ issuer, token_endpoint: endpoint }), NotTheServiceError, state);
  }
});

Deno.test("readAuthMetadata() asks no issuer whose endpoints have its origin", async () => {
  assertEquals((await readChanged({})).requested, ["https://matrix.example.org/_matrix/client/v1/auth_metadata"]);
});

Deno.test("readAuthMetadata() accepts a private network if a person named a homeserver there", async () => {
  const change = { issuer: "https://10.0.0.9/", token_endpoint: "https://10.0.0.9/token" };
  const moved = { ...change, registration_endpoint: "https://10.0.0.9/r", revocation_endpoint: "https://10.0.0.9/v" };
  const { read } = await readChanged({ ...moved, device_authorization_endpoint: "https://10.0.0.9/d" }, {
    baseUrl: "https://matrix.lan",
  });
  assertEquals(read?.issuer, "https://10.0.0.9/");
});

async function logIn({ client, metadata, server }: OAuthScene) {
  const { registrationEndpoint, tokenEndpoint, revocationEndpoint } = metadata;
  const program = { clientName: "matrix-notify", clientUri: "https://client.example.org/" };
  const clientId = await registerClient(client, { registrationEndpoint, ...program, ...LIMITS });
  const authorization = await requestDeviceCode(client, { metadata, clientId, deviceId: "ABCDEFGHIJ", ...LIMITS });
  server.approve(authorization.userCode, "bot");
  const tokens = await pollDeviceToken(client, { tokenEndpoint, clientId, authorization, ...LIMITS });
  return {
    tokens,
    refresh: (refreshToken = tokens.refreshToken) =>
      refreshOAuthTokens(client, { tokenEndpoint, clientId, refreshToken, ...LIMITS }),
    revoke: (token: string, tokenType: "access_token" | "refresh_token") =>
      revokeOAuthToken(client, { revocationEndpoint, clientId, token, tokenType, ...LIMITS }),
  };
}

Deno.test("refreshOAuthTokens() exchanges a refresh token for a new pair", async () => {
  await using scene = await setOAuthScene();
  const { tokens, refresh } = await logIn(scene);
  const renewed = await refresh();
  assertNotEquals(renewed.accessToken, tokens.accessToken);
  assertNotEquals(renewed.refreshToken, tokens.refreshToken);
  assertEquals(renewed.expiresInMs, 300_000);
});

Deno.test("refreshOAuthTokens() gets another pair if the answer to the first request was lost", async () => {
  await using scene = await setOAuthScene();
  const { refresh } = await logIn(scene);
  scene.server.fault("drop-after-persisting", { times: 1 });
  const error = await assertRejects(() => refresh());
  assertInstanceOf(error, TransportError);
  const renewed = await refresh();
  assertEquals(scene.server.introspect(renewed.accessToken)?.localpart, "bot");
});

Deno.test("refreshOAuthTokens() throws invalid_grant if the login is over", async () => {
  await using scene = await setOAuthScene();
  const { tokens, refresh } = await logIn(scene);
  scene.server.endSession(tokens.accessToken);
  const error = await assertRejects(() => refresh());
  assertInstanceOf(error, OAuthError);
  assertEquals([error.errcode, error.status, error.hint], [
    "invalid_grant",
    400,
    "log in again: matrix-notify login",
  ]);
});

for (const tokenType of ["access_token", "refresh_token"] as const) {
  Deno.test(`revokeOAuthToken() ends the login by its ${tokenType}, also for a second time`, async () => {
    await using scene = await setOAuthScene();
    const { tokens, revoke } = await logIn(scene);
    const token = tokenType === "access_token" ? tokens.accessToken : tokens.refreshToken;
    await revoke(token, tokenType);
    assertEquals(scene.server.sessions.map(({ ended }) => ended), [true]);
    await revoke(token, tokenType);
  });
}
