import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { NotTheServiceError } from "../../../src/base/errors.ts";
import { OAuthError } from "../../../src/matrix/oauth/client.ts";
import { pollDeviceToken, registerClient, requestDeviceCode } from "../../../src/matrix/oauth/device_flow.ts";
import { LIMITS, type OAuthScene, setOAuthScene } from "../../fakes/oauth.ts";
import { TEST_TIME } from "../../fakes/runtime.ts";

const CLIENT = { clientName: "matrix-notify", clientUri: "https://client.example.org/" };
const DEVICE_ID = "ABCDEFGHIJ";

async function begin({ client, metadata }: OAuthScene) {
  const { registrationEndpoint, tokenEndpoint } = metadata;
  const clientId = await registerClient(client, { registrationEndpoint, ...CLIENT, ...LIMITS });
  const authorization = await requestDeviceCode(client, { metadata, clientId, deviceId: DEVICE_ID, ...LIMITS });
  const poll = (signal?: AbortSignal) =>
    pollDeviceToken(client, { tokenEndpoint, clientId, authorization, signal, ...LIMITS });
  return { clientId, authorization, poll };
}

async function refused(work: () => Promise<unknown>): Promise<OAuthError> {
  const error = await assertRejects(work);
  assertInstanceOf(error, OAuthError);
  return error;
}

Deno.test("registerClient() registers a native public client without a redirection", async () => {
  await using scene = await setOAuthScene();
  const { registrationEndpoint } = scene.metadata;
  await registerClient(scene.client, { registrationEndpoint, ...CLIENT, ...LIMITS });
  const [request] = scene.server.requests;
  assertEquals(request.headers.get("content-type"), "application/json");
  assertEquals(JSON.parse(request.body), {
    client_name: "matrix-notify",
    client_uri: "https://client.example.org/",
    application_type: "native",
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    response_types: [],
    token_endpoint_auth_method: "none",
  });
});

Deno.test("registerClient() throws the error code of the server", async () => {
  await using scene = await setOAuthScene();
  const { registrationEndpoint } = scene.metadata;
  const error = await refused(() =>
    registerClient(scene.client, {
      registrationEndpoint,
      ...CLIENT,
      clientUri: "http://client.example.org/",
      ...LIMITS,
    })
  );
  assertEquals([error.errcode, error.status], ["invalid_client_metadata", 400]);
  assertStringIncludes(error.message, "Cannot register this program: 127.0.0.1:");
  assertStringIncludes(error.message, "answered 400 invalid_client_metadata: client_uri must be an https address");
});

Deno.test("requestDeviceCode() requests the whole API on one device", async () => {
  await using scene = await setOAuthScene();
  const { authorization } = await begin(scene);
  const { userCode, verificationUri, verificationUriComplete, intervalMs, expiresAt } = authorization;
  assertEquals(scene.server.userCodes, [userCode]);
  assertEquals(verificationUri, `${scene.server.url}/link`);
  assertEquals(verificationUriComplete, `${scene.server.url}/link?code=${userCode}`);
  assertEquals([intervalMs, expiresAt], [5000, TEST_TIME + 20 * 60_000]);
  const form = new URLSearchParams(scene.server.requests[1].body);
  assertEquals(form.get("scope"), "urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ");
});

Deno.test("requestDeviceCode() accepts an answer without the optional fields", async () => {
  await using scene = await setOAuthScene({ completeUri: false });
  const { authorization } = await begin(scene);
  assertEquals(authorization.verificationUriComplete, undefined);
});

Deno.test("requestDeviceCode() throws unsupported_grant_type if there is no device authorization", async () => {
  await using scene = await setOAuthScene({ deviceAuthorization: false });
  const { client, metadata } = scene;
  const error = await refused(() =>
    requestDeviceCode(client, { metadata, clientId: "any", deviceId: DEVICE_ID, ...LIMITS })
  );
  assertEquals(error.errcode, "unsupported_grant_type");
  assertStringIncludes(error.message, "does not offer device authorization");
});

Deno.test("requestDeviceCode() limits the times that the server sends", async () => {
  await using scene = await setOAuthScene();
  const times = async (expires_in: number, interval: number) => {
    const answer = { device_code: "d", user_code: "u", verification_uri: "https://example.org/", expires_in, interval };
    const runtime = { ...scene.client.runtime, fetch: () => Promise.resolve(Response.json(answer)) };
    const { metadata } = scene;
    return await requestDeviceCode({ ...scene.client, runtime }, {
      metadata,
      clientId: "any",
      deviceId: DEVICE_ID,
      ...LIMITS,
    });
  };
  assertEquals((await times(60, 1e-9)).intervalMs, 1000);
  const { intervalMs, expiresAt } = await times(1e306, 1e306);
  assertEquals([Number.isFinite(intervalMs), expiresAt - TEST_TIME], [true, 3_600_000]);
});

const HOSTILE_CODES: [change: Record<string, unknown>, state: string][] = [
  [{ verification_uri: "javascript:alert(1)" }, "contains an address that is not a web page"],
  [{ verification_uri: "file:///etc/passwd" }, "contains an address that is not a web page"],
  [
    { verification_uri_complete: `https://example.org/${"x".repeat(2000)}` },
    "contains an address that is not a web page",
  ],
  [{ verification_uri: "http://example.org/" }, "contains a page whose address begins with http://"],
  [{ verification_uri: "https://127.0.0.1/" }, "contains a page whose address is an address of this machine"],
  [{ verification_uri_complete: "https://10.0.0.1/" }, "contains a page whose address is an address of a private"],
  [{ verification_uri: "https://example.org/\x1b[2J" }, "has no verification_uri"],
  [{ user_code: "A\x1b[2J" }, "has no user_code"],
  [{ user_code: "x".repeat(100_000) }, "has no user_code"],
  [{ device_code: "" }, "has no device_code"],
  [{ expires_in: -1 }, "has no expires_in"],
];

for (const [change, state] of HOSTILE_CODES) {
  Deno.test(`requestDeviceCode() refuses an answer with ${JSON.stringify(change).slice(0, 60)}`, async () => {
    await using scene = await setOAuthScene();
    const answer = { device_code: "d", user_code: "u", verification_uri: "https://example.org/", expires_in: 60 };
    const client = {
      ...scene.client,
      runtime: { ...scene.client.runtime, fetch: () => Promise.resolve(Response.json({ ...answer, ...change })) },
    };
    const metadata = { ...scene.metadata, deviceAuthorizationEndpoint: "https://auth.example.org/device" };
    await assertRejects(
      () => requestDeviceCode(client, { metadata, clientId: "any", deviceId: DEVICE_ID, ...LIMITS }),
      NotTheServiceError,
      state,
    );
  });
}

Deno.test("pollDeviceToken() keeps the interval, and returns the tokens", async () => {
  await using scene = await setOAuthScene();
  const { authorization, poll, clientId } = await begin(scene);
  scene.during(3, () => scene.server.approve(authorization.userCode, "bot"));
  const tokens = await poll();
  assertEquals(scene.runtime.sleeps, [5000, 5000, 5000]);
  assertEquals(tokens.expiresInMs, 300_000);
  assertEquals(scene.server.introspect(tokens.accessToken)?.deviceId, DEVICE_ID);
  assertEquals(scene.server.sessions, [{ localpart: "bot", deviceId: DEVICE_ID, clientId, ended: false }]);
});

Deno.test("pollDeviceToken() keeps the longer interval after slow_down", async () => {
  await using scene = await setOAuthScene();
  const { authorization, poll } = await begin(scene);
  scene.server.fault("slow-down", { times: 2 });
  scene.during(4, () => scene.server.approve(authorization.userCode, "bot"));
  await poll();
  assertEquals(scene.runtime.sleeps, [5000, 10_000, 15_000, 15_000]);
});

Deno.test("pollDeviceToken() doubles the interval while the server cannot be reached", async () => {
  await using scene = await setOAuthScene();
  const { authorization, poll } = await begin(scene);
  await scene.server.stop();
  scene.during(3, () => scene.server.restart());
  scene.during(5, () => scene.server.approve(authorization.userCode, "bot"));
  await poll();
  assertEquals(scene.runtime.sleeps, [5000, 10_000, 20_000, 5000, 5000]);
});

for (const name of ["500", "503", "502", "captive-portal"] as const) {
  Deno.test(`pollDeviceToken() polls again after ${name}`, async () => {
    await using scene = await setOAuthScene();
    const { authorization, poll } = await begin(scene);
    scene.server.fault(name, { times: 1 });
    scene.server.approve(authorization.userCode, "bot");
    await poll();
    assertEquals(scene.runtime.sleeps, [5000, 10_000]);
  });
}

Deno.test("pollDeviceToken() waits for the Retry-After of a rate limit", async () => {
  await using scene = await setOAuthScene();
  const { authorization, poll } = await begin(scene);
  scene.server.fault("429-retry-after-seconds", { times: 1, retryAfterMs: 42_000 });
  scene.server.approve(authorization.userCode, "bot");
  await poll();
  assertEquals(scene.runtime.sleeps, [5000, 42_000]);
});

Deno.test("pollDeviceToken() throws access_denied if the person refuses", async () => {
  await using scene = await setOAuthScene();
  const { authorization, poll } = await begin(scene);
  scene.server.deny(authorization.userCode);
  const error = await refused(poll);
  assertEquals(error.errcode, "access_denied");
  assertEquals(error.message, "Cannot log in: the login was refused in the browser");
});

Deno.test("pollDeviceToken() throws expired_token if the server says so", async () => {
  await using scene = await setOAuthScene();
  const { authorization, poll } = await begin(scene);
  scene.server.expire(authorization.userCode);
  const error = await refused(poll);
  assertEquals(error.errcode, "expired_token");
  assertEquals(error.message, "Cannot log in: the login was not confirmed in time");
});

Deno.test("pollDeviceToken() throws expired_token by its own clock if the server cannot be reached", async () => {
  await using scene = await setOAuthScene({ deviceCodeLifetimeMs: 60_000 });
  const { poll } = await begin(scene);
  await scene.server.stop();
  const error = await refused(poll);
  assertEquals(error.errcode, "expired_token");
  assertEquals(scene.runtime.sleeps, [5000, 10_000, 20_000, 25_000]);
});

Deno.test("pollDeviceToken() stops when its signal aborts", async () => {
  await using scene = await setOAuthScene();
  const { poll } = await begin(scene);
  const controller = new AbortController();
  scene.during(2, () => controller.abort(new Error("Ctrl-C")));
  await assertRejects(() => poll(controller.signal), Error, "Ctrl-C");
  assertEquals(scene.runtime.sleeps.length, 2);
  assertEquals(scene.server.requests.filter(({ route }) => route === "token").length, 1);
});

const POOR: [answer: Record<string, unknown>, state: string][] = [
  [{ refresh_token: undefined }, "has no refresh_token"],
  [{ access_token: "with space" }, "has no access_token"],
  [{ token_type: "mac" }, "has no bearer token"],
  [
    { scope: "urn:matrix:client:api:* urn:matrix:client:device:ANOTHER" },
    "does not contain the scope urn:matrix:client:device:ABCDEFGHIJ",
  ],
];
for (const [change, state] of POOR) {
  Deno.test(`pollDeviceToken() refuses an answer that ${state}`, async () => {
    await using scene = await setOAuthScene();
    const { authorization } = await begin(scene);
    const answer = { access_token: "a", refresh_token: "r", token_type: "bearer", ...change };
    const runtime = { ...scene.client.runtime, fetch: () => Promise.resolve(Response.json(answer)) };
    await assertRejects(
      () =>
        pollDeviceToken({ ...scene.client, runtime }, {
          tokenEndpoint: scene.metadata.tokenEndpoint,
          clientId: "any",
          authorization,
          ...LIMITS,
        }),
      NotTheServiceError,
      state,
    );
  });
}
