/** openSession() in a Matrix channel with `user`, through a whole notifier. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { MatrixConfig } from "../../src/config/config_types.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { fieldsOf } from "../fakes/outcomes.ts";
import { type AccountScene, accountTest } from "./scene.ts";

interface ChannelScene extends AccountScene {
  readonly notifier: NotifierCore;
  /** Sends a notification. Returns the reason of its outcome, else its state. */
  send(): Promise<string>;
  /** Returns the number of messages in the room. */
  countEvents(): number;
}

async function channelTest(body: (scene: ChannelScene) => Promise<void>, config: Partial<MatrixConfig> = {}) {
  await accountTest(async (scene) => {
    const { homeserver, user, runtime, stateDir } = scene;
    const room = homeserver.createRoom({ members: [user.userId] });
    await using notifier = await NotifierCore.open({
      runtime,
      stateDir,
      channels: { matrix: { user: user.userId, room, ...config } },
    });
    await body({
      ...scene,
      notifier,
      send: async () =>
        (await notifier.notify({ subject: "Hello" })).map(fieldsOf).map(({ state, reason }) => reason ?? state).join(),
      countEvents: () => homeserver.events(room).length,
    });
  });
}

Deno.test("openSession() sends with the account's token to the account's homeserver", async () => {
  await channelTest(async ({ login, send, countRequests, countEvents }) => {
    await login();
    assertEquals([await send(), countEvents(), countRequests("refresh")], ["delivered", 1, 0]);
  });
});

Deno.test("openSession() renews a refused token, and the send is repeated with the same txnId", async () => {
  await channelTest(async ({ homeserver, login, change, send, countEvents }) => {
    const { accessToken } = await login();
    await change({ expiresAt: undefined });
    // The first message also reads the state of the room. The second message is only a PUT.
    assertEquals(await send(), "delivered");
    homeserver.revoke(accessToken, { softLogout: true });
    assertEquals([await send(), countEvents()], ["delivered", 2]);
    const [, first, second] = homeserver.requests.filter(({ route }) => route === "send");
    assertEquals([first.status, second.status, first.path === second.path], [401, 200, true]);
  });
});

Deno.test("openSession() defers a send, and does not hold it, if the token cannot be renewed for lack of a network", async () => {
  await channelTest(async ({ homeserver, login, runtime, notifier, send, countEvents }) => {
    await login();
    runtime.time += 6000;
    homeserver.fault("refuse");
    assertStringIncludes(await send(), "Cannot connect");
    assertEquals(notifier.status().held, 0);
    await homeserver.clearFaults();
    assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
    assertEquals(countEvents(), 1);
  });
});

Deno.test("openSession() holds the channel until the next login, without a restart, if the login is over", async () => {
  await channelTest(async ({ homeserver, login, change, notifier, send, countEvents }) => {
    assertStringIncludes(await send(), "it is not logged in (run: matrix-notify login @bot:loopback.test)");
    const { accessToken } = await login();
    await change({ refreshToken: undefined });
    homeserver.revoke(accessToken);
    assertEquals((await notifier.flush()).map(({ state }) => state), ["held"]);
    await login();
    assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
    assertEquals(countEvents(), 1);
  });
});

Deno.test("openSession() uses the homeserver of the configuration before that of the account", async () => {
  await channelTest(async ({ login, send }) => {
    await login();
    assertStringIncludes(await send(), "Cannot connect to 127.0.0.1:9");
  }, { homeserver: "http://127.0.0.1:9" });
});
