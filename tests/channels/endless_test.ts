/** Services whose answers never end. */

import { assertEquals, assertRejects } from "@std/assert";
import { discoverHomeserver } from "../../src/matrix/discovery.ts";
import {
  LoopbackAuthorizationServer,
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../src/testing/mod.ts";
import { readAuthMetadata, refreshOAuthTokens } from "../../src/matrix/oauth/client.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";
import { openChannel } from "./harness.ts";

/** A loopback server with the faults of this test. */
interface EndlessServer extends AsyncDisposable {
  readonly url: string;
  fault(name: "endless-body" | "unfinished-body", options: { readonly on: "any" }): unknown;
  received(predicate: () => boolean): Promise<unknown>;
}

/** A way to ask a server: starts the server, and returns it with a function that asks it. */
type Way = (runtime: FakeRuntime) => Promise<readonly [server: EndlessServer, ask: () => Promise<unknown>]>;

const LIMITS = { timeoutMs: 1000 } as const;

const WAYS: Readonly<Record<string, Way>> = {
  async "send() of the kind matrix"(runtime) {
    const server = await LoopbackHomeserver.start();
    const config = { homeserver: server.url, accessToken: "t", room: "#a:loopback.test" };
    return [server, () => openChannel("matrix", config, runtime).send({ subject: "Up" })];
  },
  async "send() of the kind ntfy"(runtime) {
    const server = await LoopbackNtfy.start();
    return [server, () => openChannel("ntfy", { server: server.url, topic: "t" }, runtime).send({ subject: "Up" })];
  },
  async "send() of the kind gotify"(runtime) {
    const server = await LoopbackGotify.start();
    return [server, () => openChannel("gotify", { server: server.url, token: "t" }, runtime).send({ subject: "Up" })];
  },
  async "send() of the kind telegram"(runtime) {
    const server = await LoopbackTelegram.start();
    const config = { server: server.url, token: server.token, chat: 1 };
    return [server, () => openChannel("telegram", config, runtime).send({ subject: "Up" })];
  },
  async "send() of the kind slack"(runtime) {
    const server = await LoopbackWebhook.start();
    return [server, () => openChannel("slack", { url: `${server.url}/x` }, runtime).send({ subject: "Up" })];
  },
  async "discoverHomeserver()"(runtime) {
    const server = await LoopbackHomeserver.start();
    const name = new URL(server.url).host;
    return [server, () => discoverHomeserver(runtime, name, { userAgent: "test/1", ...LIMITS })];
  },
  async "readAuthMetadata()"(runtime) {
    const server = await LoopbackHomeserver.start();
    return [server, () => readAuthMetadata({ runtime, baseUrl: server.url, userAgent: "test/1" }, LIMITS)];
  },
  async "refreshOAuthTokens()"(runtime) {
    const server = await LoopbackAuthorizationServer.start();
    const options = { tokenEndpoint: `${server.url}/token`, clientId: "c", refreshToken: "r", ...LIMITS };
    return [server, () => refreshOAuthTokens({ runtime, userAgent: "test/1" }, options)];
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  Deno.test(`${name} ends although the answer has no end`, async () => {
    using runtime = fakeRuntime();
    const [server, ask] = await way(runtime);
    await using _ = server;
    server.fault("endless-body", { on: "any" });
    const error = await assertRejects(ask);
    assertEquals(`${error}`.includes("longer than 1 MiB"), true, `${error}`);
  });

  Deno.test(`${name} ends at its time limit although the answer has begun`, async () => {
    using runtime = fakeRuntime();
    const [server, ask] = await way(runtime);
    await using _ = server;
    server.fault("unfinished-body", { on: "any" });
    const asked = assertRejects(ask);
    await server.received(() => true);
    runtime.expireTimeouts();
    assertEquals(`${await asked}`.includes("No answer from 127.0.0.1"), true);
  });
}

for (const fault of ["endless-body", "unfinished-body"] as const) {
  Deno.test(`WebhookChannel.send() decides by the status after ${fault}, so that no message arrives again`, async () => {
    using runtime = fakeRuntime();
    await using server = await LoopbackWebhook.start();
    server.fault(fault, { on: "any" });
    const { send } = openChannel("webhook", { url: `${server.url}/x` }, {
      ...runtime,
      async fetch(url, init) {
        const response = await runtime.fetch(url, init);
        // The status has arrived, and the body is being read.
        if (fault === "unfinished-body") setTimeout(() => runtime.expireTimeouts(), 0);
        return response;
      },
    });
    assertEquals((await send({ subject: "Up" })).id, "200");
  });
}
