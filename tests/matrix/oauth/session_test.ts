import { assertEquals, assertInstanceOf, assertNotEquals, assertRejects } from "@std/assert";
import { TransportError } from "../../../src/base/errors.ts";
import { requestDeviceCode } from "../../../src/matrix/oauth/device.ts";
import { OAuthError } from "../../../src/matrix/oauth/errors.ts";
import { pollDeviceToken } from "../../../src/matrix/oauth/poll.ts";
import { registerClient } from "../../../src/matrix/oauth/register.ts";
import { refreshTokens, revokeToken } from "../../../src/matrix/oauth/session.ts";
import { LIMITS, type OAuthScene, setOAuthScene } from "../../fakes/oauth.ts";

async function logIn({ client, metadata, server }: OAuthScene) {
  const { registrationEndpoint, tokenEndpoint, revocationEndpoint } = metadata;
  const who = { clientName: "matrix-notify", clientUri: "https://client.example.org/" };
  const clientId = await registerClient(client, { registrationEndpoint, ...who, ...LIMITS });
  const authorization = await requestDeviceCode(client, { metadata, clientId, deviceId: "ABCDEFGHIJ", ...LIMITS });
  server.approve(authorization.userCode, "bot");
  const tokens = await pollDeviceToken(client, { tokenEndpoint, clientId, authorization, ...LIMITS });
  return {
    tokens,
    refresh: (refreshToken = tokens.refreshToken) =>
      refreshTokens(client, { tokenEndpoint, clientId, refreshToken, ...LIMITS }),
    revoke: (token: string, tokenType: "access_token" | "refresh_token") =>
      revokeToken(client, { revocationEndpoint, clientId, token, tokenType, ...LIMITS }),
  };
}

Deno.test("refreshTokens() trades a refresh token for a new pair", async () => {
  await using scene = await setOAuthScene();
  const { tokens, refresh } = await logIn(scene);
  const renewed = await refresh();
  assertNotEquals(renewed.accessToken, tokens.accessToken);
  assertNotEquals(renewed.refreshToken, tokens.refreshToken);
  assertEquals(renewed.expiresInMs, 300_000);
});

Deno.test("refreshTokens() gets a pair again when the answer to the first try was lost", async () => {
  await using scene = await setOAuthScene();
  const { refresh } = await logIn(scene);
  scene.server.fault("drop-after-persisting", { times: 1 });
  const error = await assertRejects(() => refresh());
  assertInstanceOf(error, TransportError);
  const renewed = await refresh();
  assertEquals(scene.server.introspect(renewed.accessToken)?.localpart, "bot");
});

Deno.test("refreshTokens() says that the session is over", async () => {
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
  Deno.test(`revokeToken() ends the session by its ${tokenType}, and does not mind that it is over`, async () => {
    await using scene = await setOAuthScene();
    const { tokens, revoke } = await logIn(scene);
    const token = tokenType === "access_token" ? tokens.accessToken : tokens.refreshToken;
    await revoke(token, tokenType);
    assertEquals(scene.server.sessions.map(({ ended }) => ended), [true]);
    await revoke(token, tokenType);
  });
}
