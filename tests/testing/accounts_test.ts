import { assertEquals, assertMatch } from "@std/assert";
import type { HomeserverOptions } from "../../src/testing/mod.ts";
import { TEST_TIME } from "../fakes/runtime.ts";
import { openScene, type Scene, type SeenAnswer } from "./scene.ts";

const V3 = "/_matrix/client/v3";

interface LoginScene extends Scene {
  /** The clock of the server, in milliseconds since 1970. */
  readonly clock: { now: number };
  login(body?: object): Promise<SeenAnswer>;
  refresh(refreshToken: unknown): Promise<SeenAnswer>;
  whoami(token: unknown): Promise<SeenAnswer>;
}

async function loginTest(body: (scene: LoginScene) => Promise<void>, options: HomeserverOptions = {}) {
  const clock = { now: TEST_TIME };
  await using scene = await openScene({ now: () => clock.now, ...options });
  const { ask, alice } = scene;
  const post = (path: string, json: object) => ask("POST", V3 + path, { token: undefined, body: JSON.stringify(json) });
  const proof = {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "alice" },
    password: alice.password,
  };
  await body({
    ...scene,
    clock,
    login: (json = {}) => post("/login", { ...proof, device_id: "DESK", refresh_token: true, ...json }),
    refresh: (refreshToken) => post("/refresh", { refresh_token: refreshToken }),
    whoami: (token) => ask("GET", `${V3}/account/whoami`, { token: String(token) }),
  });
}

Deno.test("login() returns tokens for the requested device", async () => {
  await loginTest(async ({ login, whoami, alice, homeserver }) => {
    const { json } = await login({ initial_device_display_name: "Desk" });
    const { access_token: accessToken, refresh_token: refreshToken, ...rest } = json;
    assertEquals(rest, {
      user_id: alice.userId,
      device_id: "DESK",
      home_server: "loopback.test",
      expires_in_ms: 300_000,
    });
    assertMatch(String(refreshToken), /^syr_/);
    assertEquals((await whoami(accessToken)).json, { user_id: alice.userId, device_id: "DESK", is_guest: false });
    await login();
    assertEquals(homeserver.devices(alice.userId), [alice.deviceId, "DESK"]);
  });
});

Deno.test("login() rejects a wrong password, and the sixth attempt in a row", async () => {
  await loginTest(async ({ login, clock }) => {
    for (let tries = 1; tries <= 5; tries++) {
      const { status, json } = await login({ password: "wrong" });
      assertEquals([status, json.errcode], [403, "M_FORBIDDEN"]);
    }
    const { status, json, headers } = await login();
    assertEquals([status, json.errcode, json.retry_after_ms, headers.get("retry-after")], [
      429,
      "M_LIMIT_EXCEEDED",
      300_000,
      "300",
    ]);
    clock.now += 300_000;
    assertEquals((await login()).status, 200);
    assertEquals((await login()).status, 429);
  });
});

Deno.test("login() returns a token that does not expire without a refresh token, and always when the software is Dendrite", async () => {
  for (const software of ["Synapse", "Dendrite"] as const) {
    await loginTest(async ({ login, whoami, refresh, clock }) => {
      const { json } = await login({ refresh_token: software === "Dendrite" });
      assertEquals([json.refresh_token, json.expires_in_ms], [undefined, undefined]);
      clock.now += 86_400_000;
      assertEquals((await whoami(json.access_token)).status, 200);
      if (software === "Dendrite") assertEquals((await refresh("syr_1")).json.errcode, "M_UNRECOGNIZED");
    }, { software });
  }
});

Deno.test("authenticate() reports a soft logout when an access token has expired", async () => {
  await loginTest(async ({ login, whoami, clock }) => {
    const { json } = await login();
    clock.now += 5000;
    const { status, json: refusal } = await whoami(json.access_token);
    assertEquals([status, refusal.errcode, refusal.soft_logout], [401, "M_UNKNOWN_TOKEN", true]);
  }, { tokenLifetimeMs: 5000 });
});

Deno.test("refresh() returns another pair as long as the first is unused, and revokes the first", async () => {
  await loginTest(async ({ login, refresh, whoami }) => {
    const { json: { refresh_token: old } } = await login();
    const lost = (await refresh(old)).json, kept = (await refresh(old)).json;
    const refusal = await whoami(lost.access_token);
    assertEquals([refusal.status, refusal.json.soft_logout], [401, false]);
    assertEquals((await refresh(lost.refresh_token)).status, 401);
    assertEquals((await whoami(kept.access_token)).status, 200);
    const over = await refresh(old);
    assertEquals([over.status, over.json.errcode], [403, "M_FORBIDDEN"]);
    assertEquals((await refresh(kept.refresh_token)).status, 200);
  });
});

Deno.test("refresh() rejects unknown and missing tokens", async () => {
  await loginTest(async ({ refresh }) => {
    const unknown = await refresh("syr_1");
    assertEquals([unknown.status, unknown.json.errcode, "soft_logout" in unknown.json], [
      401,
      "M_UNKNOWN_TOKEN",
      false,
    ]);
    const missing = await refresh(undefined);
    assertEquals([missing.status, missing.json.errcode], [400, "M_MISSING_PARAM"]);
  });
});

Deno.test("logout() removes the device with all its tokens", async () => {
  await loginTest(async ({ login, refresh, whoami, ask, homeserver, alice }) => {
    const [one, two] = [(await login()).json, (await login()).json];
    assertEquals((await ask("POST", `${V3}/logout`, { token: String(one.access_token), body: "{}" })).status, 200);
    assertEquals((await whoami(two.access_token)).status, 401);
    assertEquals((await refresh(two.refresh_token)).status, 401);
    assertEquals(homeserver.devices(alice.userId), [alice.deviceId]);
    const { json } = await ask("GET", `${V3}/devices`);
    assertEquals(json, { devices: [{ device_id: alice.deviceId }] });
  });
});

Deno.test("ssoRedirect() returns a login token that is valid once", async () => {
  await loginTest(async ({ login, ask, homeserver, alice }) => {
    const flows = async () => (await ask("GET", `${V3}/login`)).json.flows;
    assertEquals(await flows(), [{ type: "m.login.password" }]);
    homeserver.allowSso(alice.userId);
    assertEquals(await flows(), ["m.login.password", "m.login.sso", "m.login.token"].map((type) => ({ type })));
    const back = "http://127.0.0.1:1/?a=b";
    const { headers } = await ask("GET", `${V3}/login/sso/redirect?redirectUrl=${encodeURIComponent(back)}`);
    const target = new URL(headers.get("location") ?? "");
    assertEquals([target.origin, target.searchParams.get("a")], ["http://127.0.0.1:1", "b"]);
    const token = target.searchParams.get("loginToken");
    assertEquals((await login({ type: "m.login.token", token })).json.user_id, alice.userId);
    assertEquals((await login({ type: "m.login.token", token })).status, 403);
  });
});
