/** A Matrix channel that names its user, through the whole of a notifier. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { MatrixConfig } from "../../src/channels/matrix/fields.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { fieldsOf } from "../fakes/outcomes.ts";
import { type AccountScene, accountTest } from "./scene.ts";

interface ChannelScene extends AccountScene {
  readonly notifier: NotifierCore;
  /** Sends, and says what became of it. */
  send(): Promise<string>;
  /** How many messages are in the room. */
  arrived(): number;
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
      arrived: () => homeserver.events(room).length,
    });
  });
}

Deno.test("a channel that names its user sends with the account's token to the account's homeserver", async () => {
  await channelTest(async ({ login, send, asked, arrived }) => {
    await login();
    assertEquals([await send(), arrived(), asked("refresh")], ["delivered", 1, 0]);
  });
});

Deno.test("a send whose token is refused is repeated with the same txnId and the next token", async () => {
  await channelTest(async ({ homeserver, login, change, send, arrived }) => {
    const { accessToken } = await login();
    await change({ expiresAt: undefined });
    homeserver.revoke(accessToken, { softLogout: true });
    assertEquals([await send(), arrived()], ["delivered", 1]);
    const [first, second] = homeserver.requests.filter(({ route }) => route === "send");
    assertEquals([first.status, second.status, first.path === second.path], [401, 200, true]);
  });
});

Deno.test("a send waits for the network when the session cannot be renewed by it, and is not held", async () => {
  await channelTest(async ({ homeserver, login, runtime, notifier, send, arrived }) => {
    await login();
    runtime.time += 6000;
    homeserver.fault("refuse");
    assertStringIncludes(await send(), "Cannot connect");
    assertEquals(notifier.status().held, 0);
    await homeserver.clearFaults();
    assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
    assertEquals(arrived(), 1);
  });
});

Deno.test("a session that is over holds the channel until the next login, without a restart", async () => {
  await channelTest(async ({ homeserver, login, change, notifier, send, arrived }) => {
    assertStringIncludes(await send(), "it is not logged in (run: matrix-notify login @bot:loopback.test)");
    const { accessToken } = await login();
    await change({ refreshToken: undefined });
    homeserver.revoke(accessToken);
    assertEquals((await notifier.flush()).map(({ state }) => state), ["held"]);
    await login();
    assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
    assertEquals(arrived(), 1);
  });
});

Deno.test("a homeserver that the configuration names goes before the account's", async () => {
  await channelTest(async ({ login, send }) => {
    await login();
    assertStringIncludes(await send(), "Cannot connect to 127.0.0.1:9");
  }, { homeserver: "http://127.0.0.1:9" });
});
