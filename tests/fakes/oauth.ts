/**
 * A homeserver that delegates its logins to an authorization server: the setting for tests of OAuth
 * 2.0.
 */

import type { Runtime } from "../../src/runtime/runtime.ts";
import { type AuthMetadata, type OAuthClient, readAuthMetadata } from "../../src/matrix/oauth/client.ts";
import {
  type AuthorizationServerOptions,
  LoopbackAuthorizationServer,
  LoopbackHomeserver,
} from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "./runtime.ts";

/** Both servers and a client. */
export interface OAuthScene extends AsyncDisposable {
  readonly runtime: FakeRuntime;
  readonly server: LoopbackAuthorizationServer;
  readonly homeserver: LoopbackHomeserver;
  /**
   * The client of the authorization server. Its sleeps take no time, and run what {@linkcode
   * OAuthScene.during} planned.
   */
  readonly client: OAuthClient & { readonly runtime: Runtime };
  readonly metadata: AuthMetadata;
  /** Plans what happens during the n-th sleep of the client, counted from 1. */
  during(sleep: number, act: () => void | Promise<void>): void;
}

/** Limits of requests in tests. */
export const LIMITS = { timeoutMs: 1000 } as const;

/** Starts both servers. */
export async function setOAuthScene(options: AuthorizationServerOptions = {}): Promise<OAuthScene> {
  const runtime = fakeRuntime({ realIds: true });
  const server = await LoopbackAuthorizationServer.start({ now: runtime.now, ...options });
  const homeserver = await LoopbackHomeserver.start({ now: runtime.now, authorizationServer: server });
  const plans = new Map<number, () => void | Promise<void>>();
  const client = {
    userAgent: "test/1",
    runtime: {
      ...runtime,
      now: runtime.now,
      async sleep(ms: number, signal?: AbortSignal) {
        await runtime.sleep(ms, signal);
        await plans.get(runtime.sleeps.length)?.();
      },
    },
  };
  const metadata = await readAuthMetadata({ runtime, baseUrl: homeserver.url, userAgent: "test/1" }, LIMITS);
  if (metadata === undefined) throw new Error("Cannot set the scene: the homeserver does not delegate");
  return {
    runtime,
    server,
    homeserver,
    client,
    metadata,
    during: (sleep, act) => void plans.set(sleep, act),
    async [Symbol.asyncDispose]() {
      await homeserver[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      runtime[Symbol.dispose]();
    },
  };
}
