/** A loopback homeserver with two users, for tests of the Matrix API. */

import { assertRejects } from "@std/assert";
import { MatrixError } from "../../src/matrix/errors.ts";
import { sendEvent } from "../../src/matrix/events.ts";
import type { MatrixClient } from "../../src/matrix/request.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

export const BOT = "@bot:loopback.test";
export const ALICE = "@alice:loopback.test";
export const LIMITS = { timeoutMs: 1000 } as const;

export interface MatrixScene {
  readonly runtime: FakeRuntime;
  /** Replace `sleep` to change how the homeserver waits. */
  readonly server: { sleep: FakeRuntime["sleep"] };
  readonly homeserver: LoopbackHomeserver;
  readonly bot: MatrixClient;
  readonly alice: MatrixClient;
}

/** Runs a test with a homeserver of its own. */
export async function matrixTest(body: (scene: MatrixScene) => Promise<void>): Promise<void> {
  using runtime = fakeRuntime();
  const server = { sleep: runtime.sleep };
  await using homeserver = await LoopbackHomeserver.start({
    now: runtime.now,
    sleep: (ms, signal) => server.sleep(ms, signal),
  });
  const createClient = (name: string) => {
    const { accessToken } = homeserver.addUser(name);
    return {
      runtime,
      baseUrl: homeserver.url,
      credentials: { accessToken: () => accessToken },
      userAgent: "test/1",
    };
  };
  await body({ runtime, server, homeserver, bot: createClient("bot"), alice: createClient("alice") });
}

/**
 * Runs a test that sends one event to a room, with a given transaction id or always the same one.
 */
export async function sendTest(
  body: (scene: MatrixScene & { readonly roomId: string; send(txnId?: string): Promise<string> }) => Promise<void>,
): Promise<void> {
  const content = {
    msgtype: "m.text",
    body: "Hi",
    "m.mentions": {},
    "dev.matrix-notify.id": "1",
    "dev.matrix-notify.severity": "info",
  } as const;
  await matrixTest(async (scene) => {
    const roomId = scene.homeserver.createRoom({ members: [BOT] });
    await body({
      ...scene,
      roomId,
      send: (txnId = "t") => sendEvent(scene.bot, content, { roomId, txnId, ...LIMITS }),
    });
  });
}

/** Returns the status and the errcode of a refusal: `404 M_NOT_FOUND`. */
export async function readRefusal(work: () => Promise<unknown>): Promise<string> {
  const { status, errcode } = await assertRejects(work, MatrixError);
  return `${status} ${errcode}`;
}
