import { assertEquals, assertRejects } from "@std/assert";
import { NotTheServiceError } from "../../../src/base/errors.ts";
import { authMetadata } from "../../../src/matrix/oauth/metadata.ts";
import { LoopbackAuthorizationServer, LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { LIMITS, setOAuthScene } from "../../fakes/oauth.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

/** Asks a homeserver whose answer is made up. */
async function askAbout(change: Readonly<Record<string, unknown>>) {
  await using server = await LoopbackAuthorizationServer.start();
  const fetch = () => Promise.resolve(Response.json({ ...server.metadata, ...change }));
  using runtime = fakeRuntime({ fetch });
  return await authMetadata({ runtime, baseUrl: "https://matrix.example.org", userAgent: "test/1" }, LIMITS);
}

Deno.test("authMetadata() gives the endpoints, and brings no token", async () => {
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

Deno.test("authMetadata() gives nothing where accounts log in by the legacy API", async () => {
  using runtime = fakeRuntime();
  await using homeserver = await LoopbackHomeserver.start();
  assertEquals(await authMetadata({ runtime, baseUrl: homeserver.url, userAgent: "test/1" }, LIMITS), undefined);
});

Deno.test("authMetadata() knows no device authorization where the server does not list the grant", async () => {
  await using scene = await setOAuthScene({ deviceAuthorization: false });
  assertEquals(scene.metadata.deviceAuthorizationEndpoint, undefined);
});

const UNUSABLE: [change: Record<string, unknown>, state: string][] = [
  [{ issuer: undefined }, "issuer is missing"],
  [{ token_endpoint: 7 }, "token_endpoint is no address"],
  [{ token_endpoint: "nowhere" }, "token_endpoint is no address"],
  [{ token_endpoint: "http://auth.example.org/token" }, "token_endpoint begins with http:// instead of https://"],
  [
    { revocation_endpoint: "http://127.0.0.1.example.org/" },
    "revocation_endpoint begins with http:// instead of https://",
  ],
  [{ registration_endpoint: "https://a:b@auth.example.org/" }, "registration_endpoint holds a user name or a password"],
  [{ device_authorization_endpoint: undefined }, "device_authorization_endpoint is missing"],
  [{ token_endpoint: "https://auth.example.org/token#x" }, "token_endpoint has a fragment"],
];
for (const [change, state] of UNUSABLE) {
  Deno.test(`authMetadata() refuses metadata when ${state}`, async () => {
    await assertRejects(
      () => askAbout(change),
      NotTheServiceError,
      `Cannot use the OAuth 2.0 metadata of matrix.example.org: ${state}`,
    );
  });
}
