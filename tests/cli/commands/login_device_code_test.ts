/**
 * Tests `login --device-code` with a homeserver that has a separate authorization server. A
 * simulated person confirms the code while the program waits.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { type OAuthScene, setOAuthScene } from "../../fakes/oauth.ts";
import { readAllFiles } from "../../fakes/read_all_files.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

const USER = "@bot:loopback.test";

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface LoginScene extends OAuthScene {
  readonly stateDir: string;
  readonly roomId: string;
  run(...argv: string[]): Promise<Result>;
  /** Runs `login --device-code`. The bot user confirms the code. */
  login(): Promise<Result>;
  account(): Record<string, unknown> | undefined;
}

async function loginTest(
  body: (scene: LoginScene) => Promise<void>,
  stdio: Partial<Runtime["stdio"]> = {},
): Promise<void> {
  await using oauth = await setOAuthScene();
  const stateDir = Deno.makeTempDirSync({ prefix: "device-login-" });
  const roomId = oauth.homeserver.createRoom({ members: [USER] });
  const env: Record<string, string> = {
    HOME: stateDir,
    MATRIX_NOTIFY_STATE_DIR: stateDir,
    MATRIX_USER: USER,
    MATRIX_ROOM: roomId,
  };
  const run = async (...argv: string[]) => {
    let out = "", err = "";
    const runtime: Runtime = {
      ...oauth.client.runtime,
      env: (name) => env[name],
      stdio: {
        ...oauth.client.runtime.stdio,
        stdout: (text) => void (out += text),
        stderr: (text) => void (err += text),
        ...stdio,
      },
    };
    const code = await main(argv, runtime);
    return { code, out, err };
  };
  const scene: LoginScene = {
    ...oauth,
    stateDir,
    roomId,
    run,
    login() {
      oauth.during(oauth.runtime.sleeps.length + 1, () => oauth.server.approve(oauth.server.userCodes[0], "bot"));
      return run("login", USER, "--homeserver", oauth.homeserver.url, "--device-code");
    },
    account() {
      try {
        return JSON.parse(Deno.readTextFileSync(`${stateDir}/accounts/${encodeURIComponent(USER)}.json`));
      } catch {
        return undefined;
      }
    },
  };
  try {
    await body(scene);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

Deno.test("login() with --device-code prints an address and a code, and saves an account that can send", async () => {
  await loginTest(async ({ login, run, server, homeserver, roomId, account }) => {
    const { code, out, err } = await login();
    assertEquals(code, 0, err);
    assertStringIncludes(err, `To log in, open this address in a browser on any device:\n  ${server.url}/link?code=`);
    assertMatch(err, /or open http:\S+\/link and enter [B-Z]{4}-[B-Z]{4}\./);
    assertStringIncludes(err, "The code is valid for 20 min.");
    assertMatch(
      out,
      /^logged in @bot:loopback\.test, device [0-9A-F]{16}, at http.*, token expires in 5 min and is renewed\n$/,
    );
    assertEquals(server.sessions.map(({ deviceId }) => deviceId), [String(account()?.deviceId)]);
    assertEquals((await run("send", "Hello", "Body")).code, 0);
    assertEquals(homeserver.events(roomId).length, 1);
  });
});

Deno.test("login() on a terminal uses a device code when the server offers only this method", async () => {
  await loginTest(async ({ run, during, server, homeserver }) => {
    during(1, () => server.approve(server.userCodes[0], "bot"));
    const { code, err } = await run("login", USER, "--homeserver", homeserver.url);
    assertEquals(code, 0, err);
    assertStringIncludes(err, `${homeserver.url} accepts a code to confirm in a browser, an access token`);
  });
});

Deno.test("login() does not wait for a person when there is no terminal", async () => {
  await loginTest(async ({ run, homeserver, server }) => {
    const { code, err } = await run("login", USER, "--homeserver", homeserver.url);
    assertEquals(code, 64);
    assertStringIncludes(err, "a code to confirm in a browser (--device-code)");
    assertEquals(server.requests.length, 0);
  }, { stdinIsTerminal: () => false });
});

Deno.test("login() with --device-code draws a QR code on a terminal", async () => {
  await loginTest(async ({ login }) => {
    const { err } = await login();
    const drawing = err.replaceAll("\x1b[97;40m", "<").replaceAll("\x1b[0m", ">");
    assertMatch(drawing, /^(<[ █▀▄]{33,}>\n){17,}/m);
  }, { stderrIsTerminal: () => true });
});

for (
  const [how, status, sentence] of [
    ["deny", 77, "cannot log in: the login was refused in the browser"],
    ["expire", 75, "cannot log in: the login was not confirmed in time"],
  ] as const
) {
  Deno.test(`login() with --device-code exits with ${status} when the person does this: ${how}`, async () => {
    await loginTest(async ({ run, during, server, homeserver, account }) => {
      during(2, () => server[how](server.userCodes[0]));
      const { code, err, out } = await run("login", USER, "--homeserver", homeserver.url, "--device-code");
      assertEquals([code, out], [status, ""]);
      assertStringIncludes(err, `matrix-notify: ${sentence}\n  hint: log in again`);
      assertEquals(account(), undefined);
    });
  });
}

Deno.test("login() with --device-code sets the name of the device, and succeeds if that fails", async () => {
  await loginTest(async ({ login, homeserver, account }) => {
    homeserver.fault("forbidden", { on: "name-device", times: 1 });
    assertEquals((await login()).code, 0);
    assertEquals((await login()).code, 0);
    const { accessToken, deviceId } = account() ?? {};
    const answer = await fetch(`${homeserver.url}/_matrix/client/v3/devices`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    assertEquals(await answer.json(), { devices: [{ device_id: deviceId, display_name: "matrix-notify on jump" }] });
  });
});

Deno.test("login() with --device-code does not save an account when another user confirms the code", async () => {
  await loginTest(async ({ run, during, server, homeserver, account }) => {
    during(1, () => server.approve(server.userCodes[0], "other"));
    const { code, err } = await run("login", USER, "--homeserver", homeserver.url, "--device-code");
    assertEquals(code, 77);
    assertStringIncludes(
      err,
      "cannot log in as @bot:loopback.test: the browser was logged in as @other:loopback.test",
    );
    assertEquals(server.sessions.map(({ ended }) => ended), [true]);
    assertEquals(account(), undefined);
  });
});

Deno.test("login() with --device-code fails when the server does not support it", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  using runtime = fakeRuntime({ env: { HOME: "/nowhere", MATRIX_NOTIFY_STATE_DIR: "/nowhere" } });
  const code = await main(["login", USER, "--homeserver", homeserver.url, "--device-code"], runtime);
  assertEquals(code, 64);
  assertStringIncludes(runtime.err(), `cannot log in with --device-code: ${homeserver.url} does not offer this method`);
});

Deno.test("login() with --device-code uses the same device and ends the first session when it runs again", async () => {
  await loginTest(async ({ login, server }) => {
    await login();
    await login();
    const [first, second] = server.sessions;
    assertEquals([first.ended, second.ended], [true, false]);
    assertEquals(first.deviceId, second.deviceId);
  });
});

Deno.test("send() renews an OAuth 2.0 token at the authorization server when a response was lost", async () => {
  await loginTest(async ({ login, run, runtime, server, homeserver, roomId, account }) => {
    await login();
    const before = account();
    runtime.time += 301_000;
    server.fault("drop-after-persisting", { times: 1 });
    const { code, err } = await run("send", "First", "Body", "--no-background");
    assertEquals(code, 0, err);
    assertEquals((await run("flush", "--no-background")).code, 0);
    assertEquals(homeserver.events(roomId).length, 1);
    assert(account()?.accessToken !== before?.accessToken);
    assertEquals(homeserver.requests.filter(({ route }) => route === "refresh").length, 0);
    assertEquals(server.sessions.length, 1);
  });
});

Deno.test("send() holds a notification after a logout in the browser, and the next login delivers it", async () => {
  await loginTest(async ({ login, run, runtime, server, homeserver, roomId, account }) => {
    await login();
    server.endSession(String(account()?.accessToken));
    runtime.time += 301_000;
    const { code, out } = await run("send", "First", "Body", "--no-background");
    assertEquals(code, 0);
    assertMatch(out, /^held /);
    const { err } = await login();
    assertStringIncludes(err, "delivered 1 of 1 queued entries");
    assertEquals(homeserver.events(roomId).length, 1);
  });
});

Deno.test("logout() revokes the tokens, and does not delete the account when the server is down", async () => {
  await loginTest(async ({ login, run, server, account }) => {
    await login();
    await server.stop();
    assertEquals((await run("logout")).code, 69);
    assert(account() !== undefined);
    await server.restart();
    const { code, out } = await run("logout");
    assertEquals([code, out], [0, `logged out ${USER}\n`]);
    assertEquals(server.sessions.map(({ ended }) => ended), [true]);
    assertEquals(account(), undefined);
  });
});

Deno.test("login() with --device-code writes the tokens and the device code only into the account file", async () => {
  await loginTest(async ({ login, run, account, stateDir, server, homeserver }) => {
    const printed = [await login(), await run("send", "Hello", "Body"), await run("whoami"), await run("status")]
      .map(({ out, err }) => out + err).join("");
    const file = account();
    Deno.removeSync(`${stateDir}/accounts`, { recursive: true });
    const polls = server.requests.filter(({ route }) => route === "token").map(({ body }) => new URLSearchParams(body));
    const requests = [...server.requests, ...homeserver.requests].map(({ path, query }) => path + query).join("\n");
    for (const secret of [file?.accessToken, file?.refreshToken, polls[0].get("device_code")].map(String)) {
      assert(secret.length > 30);
      for (const place of [printed, readAllFiles(stateDir), requests]) assert(!place.includes(secret));
    }
  });
});
