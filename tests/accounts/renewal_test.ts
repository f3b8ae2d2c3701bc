import { assert, assertEquals, assertInstanceOf, assertNotEquals, assertRejects } from "@std/assert";
import { renewAccount } from "../../src/accounts/renewal.ts";
import { ConfigError, NotSentError, StorageError, TransportError } from "../../src/base/errors.ts";
import { MatrixError } from "../../src/matrix/errors.ts";
import { refreshTokens } from "../../src/matrix/session.ts";
import { accountTest, LIMITS } from "./scene.ts";

Deno.test("a request with a token that is over renews it once, and is made again", async () => {
  await accountTest(async ({ homeserver, login, use, saved, change, asked }) => {
    const { deviceId, accessToken, refreshToken } = await login();
    // Our clock does not know that it is over; the server says so.
    await change({ expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    assertEquals(await use(), deviceId);
    assertEquals([asked("refresh"), asked("whoami")], [1, 2]);
    assertNotEquals(saved().accessToken, accessToken);
    assertEquals(saved().previousRefreshToken, refreshToken);
    assertEquals(await use(), deviceId);
    assertEquals([asked("refresh"), asked("whoami")], [1, 3]);
  });
});

Deno.test("a token that is over by our own clock is renewed before it costs a request", async () => {
  await accountTest(async ({ login, use, runtime, asked }) => {
    await login();
    runtime.time += 6000;
    await use();
    assertEquals([asked("refresh"), asked("whoami")], [1, 1]);
  });
});

Deno.test("a refused token is renewed whatever soft_logout says", async () => {
  await accountTest(async ({ homeserver, login, use, asked }) => {
    const { deviceId } = await login();
    homeserver.fault("unknown-token", { on: "whoami", times: 1 });
    assertEquals(await use(), deviceId);
    assertEquals(asked("refresh"), 1);
  });
});

Deno.test("several that find the token over refresh it once", async () => {
  await accountTest(async ({ login, use, client, runtime, asked }) => {
    const { deviceId } = await login();
    runtime.time += 6000;
    const clients = Array.from({ length: 8 }, client);
    assertEquals(new Set(await Promise.all(clients.map((each) => use(each)))), new Set([deviceId]));
    assertEquals(asked("refresh"), 1);
  });
});

Deno.test("the new pair is on the disk before its first use", async () => {
  await accountTest(async ({ homeserver, login, use, runtime, saved }) => {
    await login();
    runtime.time += 6000;
    const used = homeserver.received(({ route }) => route === "whoami");
    const renewal = use();
    const { headers } = await used;
    assertEquals(headers.get("authorization"), `Bearer ${saved().accessToken}`);
    await renewal;
  });
});

Deno.test("the old refresh token is tried again when its answer was lost", async () => {
  for (const fault of ["drop-after-persisting", "502-after-persisting"] as const) {
    await accountTest(async ({ homeserver, login, use, runtime, saved }) => {
      const before = await login();
      runtime.time += 6000;
      homeserver.fault(fault, { on: "refresh", times: 1 });
      assertInstanceOf(await assertRejects(() => use()), NotSentError);
      assertEquals(saved().refreshToken, before.refreshToken);
      assertEquals(await use(), before.deviceId);
    });
  }
});

Deno.test("the refresh token before is tried when a late answer ended the pair that was saved", async () => {
  await accountTest(async ({ homeserver, login, use, runtime, user, client, asked, signIn }) => {
    const { refreshToken = "", deviceId, accessToken } = await login();
    assert(await renewAccount(signIn, accessToken, { ...LIMITS, softLogout: true }));
    // A refresh that was given up earlier gets through only now.
    await refreshTokens({ ...client(), credentials: undefined }, refreshToken, LIMITS);
    assertEquals(await use(), deviceId);
    assertEquals(asked("refresh"), 4);
    assertEquals(homeserver.devices(user.userId).filter((device) => device === deviceId), [deviceId]);
    runtime.time += 6000;
    assertEquals(await use(), deviceId);
  });
});

Deno.test("a session that is over leaves the refusal as it was, and deletes nothing", async () => {
  await accountTest(async ({ homeserver, login, use, saved, change }) => {
    const before = await login();
    await change({ refreshToken: "syr_unknown" });
    homeserver.revoke(before.accessToken);
    const error = await assertRejects(() => use(), MatrixError);
    assertEquals([error.status, error.errcode], [401, "M_UNKNOWN_TOKEN"]);
    assertEquals(saved().accessToken, before.accessToken);
  });
});

Deno.test("a refresh without an answer means that the request was not sent", async () => {
  await accountTest(async ({ homeserver, login, use, runtime, asked }) => {
    await login();
    runtime.time += 6000;
    homeserver.fault("drop-before-persisting", { on: "refresh" });
    const error = await assertRejects(() => use(), NotSentError);
    assertInstanceOf(error.cause, TransportError);
    assertEquals(asked("whoami"), 0);
  });
});

Deno.test("a server that is busy with refreshes is no account problem", async () => {
  await accountTest(async ({ homeserver, login, use, runtime }) => {
    await login();
    runtime.time += 6000;
    for (const fault of ["429-retry-after-ms", "500"] as const) {
      homeserver.fault(fault, { on: "refresh" });
      assertInstanceOf((await assertRejects(() => use(), NotSentError)).cause, MatrixError);
      await homeserver.clearFaults();
    }
  });
});

Deno.test("a caller's abort during a refresh is rethrown as it is", async () => {
  await accountTest(async ({ homeserver, login, client, runtime }) => {
    await login();
    runtime.time += 6000;
    homeserver.fault("hang", { on: "refresh" });
    const stop = new AbortController();
    const reason = new Error("Enough");
    homeserver.received(({ route }) => route === "refresh").then(() => stop.abort(reason));
    const { whoami } = await import("../../src/matrix/account.ts");
    assertEquals(await assertRejects(() => whoami(client(), { ...LIMITS, signal: stop.signal })), reason);
    await homeserver.clearFaults();
  });
});

Deno.test("a renewal waits for whoever holds the account, and not for ever", async () => {
  await accountTest(async ({ login, use, store, user, runtime }) => {
    await login();
    runtime.time += 6000;
    const error = await store.withLock(
      user.userId,
      { runtime, ...LIMITS },
      () => assertRejects(() => use(), NotSentError),
    );
    assertInstanceOf(error.cause, StorageError);
    await use();
  });
});

function passwordFile(stateDir: string, password: string): string {
  const path = `${stateDir}/password`;
  Deno.writeTextFileSync(path, `${password}\n`, { mode: 0o600 });
  return path;
}

Deno.test("a soft logout without a refresh token logs in again on the same device", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user, asked }) => {
    const { deviceId, accessToken } = await login({ passwordFile: passwordFile(stateDir, user.password) });
    await change({ refreshToken: undefined, expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    assertEquals(await use(), deviceId);
    assertEquals([asked("login"), asked("refresh")], [2, 0]);
    assertEquals(homeserver.devices(user.userId), [user.deviceId, `${deviceId}`]);
  });
});

Deno.test("a hard logout does not log in again", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user, asked }) => {
    const { accessToken } = await login({ passwordFile: passwordFile(stateDir, user.password) });
    await change({ refreshToken: undefined });
    homeserver.revoke(accessToken);
    await assertRejects(() => use(), MatrixError);
    assertEquals(asked("login"), 1);
  });
});

Deno.test("a wrong password in the file is tried once, until the file changes", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user, asked }) => {
    const path = passwordFile(stateDir, "wrong");
    const { accessToken, deviceId } = await login({ passwordFile: path });
    await change({ refreshToken: undefined, expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    for (let tries = 1; tries <= 3; tries++) await assertRejects(() => use(), MatrixError);
    assertEquals(asked("login"), 2);
    passwordFile(stateDir, user.password);
    Deno.utimeSync(path, 1, 1);
    assertEquals(await use(), deviceId);
  });
});

Deno.test("a password file that the world can read is refused, and one that is gone is passed over", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user }) => {
    const path = passwordFile(stateDir, user.password);
    const { accessToken } = await login({ passwordFile: path });
    await change({ refreshToken: undefined, expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    Deno.chmodSync(path, 0o644);
    const error = await assertRejects(() => use(), NotSentError);
    assertInstanceOf(error.cause, ConfigError);
    assertEquals(error.cause.hint, `run: chmod 600 ${path}`);
    Deno.removeSync(path);
    await assertRejects(() => use(), MatrixError);
  });
});
