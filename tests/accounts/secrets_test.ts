/** Homeservers, authorization servers and proxies that repeat the secrets of a login. */

import { assertEquals, assertRejects } from "@std/assert";
import { signInWithAccessToken, signInWithProof } from "../../src/accounts/sign_in.ts";
import { LoginError } from "../../src/base/errors.ts";
import { refreshOAuthTokens, revokeOAuthToken } from "../../src/matrix/oauth/client.ts";
import { pollDeviceToken, requestDeviceCode } from "../../src/matrix/oauth/device_flow.ts";
import { refreshTokens } from "../../src/matrix/session.ts";
import { exchange } from "../../src/runtime/http.ts";
import { HttpClients } from "../../src/runtime/http_clients.ts";
import { encodings } from "../fakes/encodings.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const SECRET = "s3cr3t-Pa_th-0f-Gr8at";
const USER = "@bot:example.org";

/** Returns the encodings in which a value shows the secret. */
function leaksOf(value: unknown): string[] {
  const text = Deno.inspect(value, { depth: 20, strAbbreviateSize: 100_000 }).toLowerCase();
  return Object.entries(encodings(SECRET)).flatMap(([name, encoded]) =>
    text.includes(encoded.toLowerCase()) ? [name] : []
  );
}

/** Calls `work` with a server that gives the same answer to each request. */
async function lyingTest(
  answer: () => Response,
  work: (t: { url: string; runtime: ReturnType<typeof fakeRuntime>; stateDir: string }) => Promise<unknown>,
) {
  using runtime = fakeRuntime({ realIds: true });
  const stateDir = await Deno.makeTempDir();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.body?.cancel();
    return answer();
  });
  try {
    await work({ url: `http://127.0.0.1:${server.addr.port}`, runtime, stateDir });
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

const refuse = (status: number, value: unknown) => () => Response.json(value, { status });

for (const [name, encoded] of Object.entries(encodings(SECRET)).filter(([name]) => /^(raw|a folded|AUTH)/.test(name))) {
  Deno.test(`a login shows no secret that a server repeats (${name})`, async () => {
    const echo = { errcode: "M_FORBIDDEN", error: `Bad password ${encoded}` };
    for (const type of ["m.login.password", "m.login.token"] as const) {
      for (const status of [400, 403, 500]) {
        await lyingTest(refuse(status, echo), async ({ url: baseUrl, ...context }) => {
          const signIn = { ...context, userId: USER, userAgent: "test" };
          const proof = type === "m.login.token"
            ? { type, token: SECRET } as const
            : { type, user: USER, password: SECRET } as const;
          const error = await assertRejects(() => signInWithProof(signIn, proof, { baseUrl }), LoginError);
          assertEquals(leaksOf(error), [], error.message);
        });
      }
    }
    await lyingTest(refuse(401, echo), async ({ url: baseUrl, ...context }) => {
      const signIn = { ...context, userId: USER, userAgent: "test" };
      assertEquals(leaksOf(await assertRejects(() => signInWithAccessToken(signIn, SECRET, { baseUrl }))), []);
    });
  });

  Deno.test(`a renewal and a login with a code show no secret that a server repeats (${name})`, async () => {
    const limits = { timeoutMs: 1000 };
    const echo = { error: "invalid_grant", error_description: `Bad ${encoded}`, errcode: "M_X" };
    await lyingTest(refuse(400, echo), async ({ url, runtime }) => {
      const client = { runtime, userAgent: "test", baseUrl: url };
      const form = { clientId: "c", ...limits };
      const authorization = {
        ...{ deviceCode: SECRET, userCode: "A", verificationUri: url, scope: "s" },
        ...{ expiresAt: runtime.now() + 60_000, intervalMs: 1000 },
      };
      const calls: readonly (() => Promise<unknown>)[] = [
        () => refreshTokens(client, SECRET, limits),
        () => refreshOAuthTokens(client, { tokenEndpoint: url, refreshToken: SECRET, ...form }),
        () => revokeOAuthToken(client, { revocationEndpoint: url, token: SECRET, tokenType: "access_token", ...form }),
        () => pollDeviceToken(client, { tokenEndpoint: url, authorization, ...form }),
      ];
      for (const call of calls) assertEquals(leaksOf(await assertRejects(call)), []);
    });
  });
}

Deno.test("signInWithAccessToken() and signInWithProof() show no secret that is repeated as a user id", async () => {
  const answer = refuse(200, { user_id: `@${SECRET}:example.org`, access_token: "tk_of_another" });
  await lyingTest(answer, async ({ url: baseUrl, ...context }) => {
    const signIn = { ...context, userId: USER, userAgent: "test" };
    const proof = { type: "m.login.password", user: USER, password: SECRET } as const;
    assertEquals(leaksOf(await assertRejects(() => signInWithProof(signIn, proof, { baseUrl }))), []);
    assertEquals(leaksOf(await assertRejects(() => signInWithAccessToken(signIn, SECRET, { baseUrl }))), []);
  });
});

Deno.test("requestDeviceCode() returns addresses without the device code", async () => {
  const answer = {
    device_code: SECRET,
    user_code: "AB-CD",
    expires_in: 60,
    verification_uri: `https://a.org/${SECRET}`,
  };
  await lyingTest(refuse(200, answer), async ({ url, runtime }) => {
    const metadata = {
      ...{ issuer: url, tokenEndpoint: url, registrationEndpoint: url, revocationEndpoint: url },
      deviceAuthorizationEndpoint: url,
    };
    const options = { metadata, clientId: "c", deviceId: "ABCDEFGHIJ", timeoutMs: 1000 };
    const { deviceCode, verificationUri } = await requestDeviceCode({ runtime, userAgent: "test" }, options);
    assertEquals([deviceCode, verificationUri], [SECRET, "https://a.org/[secret]"]);
  });
});

Deno.test("refreshTokens() returns the same tokens again if the server sends them", async () => {
  const answer = { access_token: SECRET, refresh_token: SECRET, token_type: "Bearer" };
  await lyingTest(refuse(200, answer), async ({ url, runtime }) => {
    const client = { runtime, userAgent: "test", baseUrl: url };
    const tokens = { accessToken: SECRET, refreshToken: SECRET };
    assertEquals(await refreshTokens(client, SECRET, { timeoutMs: 1000 }), tokens);
    const options = { tokenEndpoint: url, refreshToken: SECRET, clientId: "c", timeoutMs: 1000 };
    assertEquals(await refreshOAuthTokens(client, options), tokens);
  });
});

Deno.test("exchange() hides the password of a proxy that the proxy repeats", async () => {
  const repeat = ({ headers }: Request) => {
    return new Response(`no ${headers.get("proxy-authorization")} for ${SECRET}`, { status: 502 });
  };
  await using proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, repeat);
  using runtime = fakeRuntime();
  using clients = new HttpClients(() => undefined);
  const url = new URL(`http://bob:${SECRET}@127.0.0.1:${proxy.addr.port}`);
  const connection = { name: "c", read: () => ({ proxy: url }) };
  const fetch: typeof runtime.fetch = (url, init) => clients.fetch(url, init, connection);
  const request = { method: "GET", url: "http://ntfy.example.org/", timeoutMs: 1000 } as const;
  const { text } = await exchange({ ...runtime, fetch }, request);
  assertEquals(text, "no Basic [secret] for [secret]");
});
