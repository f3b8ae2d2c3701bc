import { assert, assertEquals, assertInstanceOf, assertNotEquals, assertRejects } from "@std/assert";
import { renewAccount } from "../../src/accounts/renewal.ts";
import { ConfigError, NotSentError, StorageError, TransportError } from "../../src/base/errors.ts";
import { classify } from "../../src/delivery/classify.ts";
import { MatrixError } from "../../src/matrix/errors.ts";
import { refreshTokens } from "../../src/matrix/session.ts";
import { accountTest, LIMITS } from "./scene.ts";

Deno.test("request() renews a refused token once, and is repeated", async () => {
  await accountTest(async ({ homeserver, login, use, saved, change, countRequests }) => {
    const { deviceId, accessToken, refreshToken } = await login();
    // Only the server knows that the token has expired.
    await change({ expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    assertEquals(await use(), deviceId);
    assertEquals([countRequests("refresh"), countRequests("whoami")], [1, 2]);
    assertNotEquals(saved().accessToken, accessToken);
    assertEquals(saved().previousRefreshToken, refreshToken);
    assertEquals(await use(), deviceId);
    assertEquals([countRequests("refresh"), countRequests("whoami")], [1, 3]);
  });
});

Deno.test("request() renews a token that has expired by our own clock before it sends", async () => {
  await accountTest(async ({ login, use, runtime, countRequests }) => {
    await login();
    runtime.time += 6000;
    await use();
    assertEquals([countRequests("refresh"), countRequests("whoami")], [1, 1]);
  });
});

Deno.test("request() renews a refused token without soft_logout too", async () => {
  await accountTest(async ({ homeserver, login, use, countRequests }) => {
    const { deviceId } = await login();
    homeserver.fault("unknown-token", { on: "whoami", times: 1 });
    assertEquals(await use(), deviceId);
    assertEquals(countRequests("refresh"), 1);
  });
});

Deno.test("renewAccount() refreshes once for several processes at a time", async () => {
  await accountTest(async ({ login, use, client, runtime, countRequests }) => {
    const { deviceId } = await login();
    runtime.time += 6000;
    const clients = Array.from({ length: 8 }, client);
    assertEquals(new Set(await Promise.all(clients.map((each) => use(each)))), new Set([deviceId]));
    assertEquals(countRequests("refresh"), 1);
  });
});

Deno.test("renewAccount() saves the new pair before its first use", async () => {
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

Deno.test("renewAccount() tries the old refresh token again if its answer was lost", async () => {
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

Deno.test("renewAccount() tries the previous refresh token if a late answer ended the saved pair", async () => {
  await accountTest(async ({ homeserver, login, use, runtime, user, client, countRequests, context }) => {
    const { refreshToken = "", deviceId, accessToken } = await login();
    assert(await renewAccount(context, accessToken, { ...LIMITS, softLogout: true }));
    // A refresh that timed out earlier arrives only now.
    await refreshTokens({ ...client(), credentials: undefined }, refreshToken, LIMITS);
    assertEquals(await use(), deviceId);
    assertEquals(countRequests("refresh"), 4);
    assertEquals(homeserver.devices(user.userId).filter((device) => device === deviceId), [deviceId]);
    runtime.time += 6000;
    assertEquals(await use(), deviceId);
  });
});

Deno.test("request() throws the first refusal, and deletes nothing, if the login is over", async () => {
  await accountTest(async ({ homeserver, login, use, saved, change }) => {
    const before = await login();
    await change({ refreshToken: "syr_unknown" });
    homeserver.revoke(before.accessToken);
    const error = await assertRejects(() => use(), MatrixError);
    assertEquals([error.status, error.errcode], [401, "M_UNKNOWN_TOKEN"]);
    assertEquals(saved().accessToken, before.accessToken);
  });
});

Deno.test("request() throws BeforeSendingError if a refresh gets no answer", async () => {
  await accountTest(async ({ homeserver, login, use, runtime, countRequests }) => {
    await login();
    runtime.time += 6000;
    homeserver.fault("drop-before-persisting", { on: "refresh" });
    const error = await assertRejects(() => use(), NotSentError);
    assertInstanceOf(error.cause, TransportError);
    assertEquals(countRequests("whoami"), 0);
  });
});

Deno.test("request() throws BeforeSendingError if the server is too busy to refresh", async () => {
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

Deno.test("request() throws the reason of its signal if that aborts during a refresh", async () => {
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

Deno.test("renewAccount() waits for the lock of the account, and not for ever", async () => {
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

Deno.test("renewAccount() logs in again on the same device after a soft logout without a refresh token", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user, countRequests }) => {
    const { deviceId, accessToken } = await login({ passwordFile: passwordFile(stateDir, user.password) });
    await change({ refreshToken: undefined, expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    assertEquals(await use(), deviceId);
    assertEquals([countRequests("login"), countRequests("refresh")], [2, 0]);
    assertEquals(homeserver.devices(user.userId), [user.deviceId, `${deviceId}`]);
  });
});

Deno.test("renewAccount() does not log in again after a hard logout", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user, countRequests }) => {
    const { accessToken } = await login({ passwordFile: passwordFile(stateDir, user.password) });
    await change({ refreshToken: undefined });
    homeserver.revoke(accessToken);
    await assertRejects(() => use(), MatrixError);
    assertEquals(countRequests("login"), 1);
  });
});

Deno.test("renewAccount() tries a wrong password once, until its file changes", async () => {
  await accountTest(async ({ homeserver, login, use, change, stateDir, user, countRequests }) => {
    const path = passwordFile(stateDir, "wrong");
    const { accessToken, deviceId } = await login({ passwordFile: path });
    await change({ refreshToken: undefined, expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    for (let tries = 1; tries <= 3; tries++) await assertRejects(() => use(), MatrixError);
    assertEquals(countRequests("login"), 2);
    passwordFile(stateDir, user.password);
    Deno.utimeSync(path, 1, 1);
    assertEquals(await use(), deviceId);
  });
});

Deno.test("renewAccount() keeps the password and the tokens if the homeserver refuses the account", async () => {
  for (const errcode of ["user-locked", "user-deactivated", "resource-limit-exceeded"] as const) {
    await accountTest(async ({ homeserver, login, use, change, saved, stateDir, user }) => {
      const { accessToken, deviceId } = await login({ passwordFile: passwordFile(stateDir, user.password) });
      await change({ expiresAt: undefined });
      homeserver.revoke(accessToken, { softLogout: true });
      homeserver.fault(errcode, { on: "refresh", times: 1 });
      const refreshing = await assertRejects(() => use(), NotSentError);
      await change({ refreshToken: undefined });
      homeserver.fault(errcode, { on: "login", times: 1 });
      const loggingIn = await assertRejects(() => use(), NotSentError);
      assertEquals(classify(loggingIn).class, "credentials");
      assertEquals(`${loggingIn.cause}`, `${refreshing.cause}`);
      assertEquals(saved().refusedPassword, undefined);
      assertEquals(await use(), deviceId);
    });
  }
});

Deno.test("renewAccount() refuses a world-readable password file, and ignores a missing one", async () => {
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
