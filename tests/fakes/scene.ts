/**
 * A homeserver, an ntfy server, a room, a state directory and a runtime: the setting for tests of
 * the notifier.
 */

import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { type HomeserverOptions, LoopbackHomeserver, LoopbackNtfy } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "./runtime.ts";

/** Servers, state directory and clock of a test. */
export interface Scene extends AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  readonly ntfy: LoopbackNtfy;
  readonly runtime: FakeRuntime;
  readonly stateDir: string;
  readonly accessToken: string;
  readonly room: string;
  /** The first line of each message in the room, without the origin. */
  subjects(): string[];
  /** How many requests to send an event reached the homeserver. */
  puts(): number;
  /** Opens a notifier with a Matrix channel, unless the options name other channels. */
  open(options?: Partial<CoreOptions>): Promise<NotifierCore>;
}

/**
 * Options for a Matrix channel and the ntfy channel `phone` of a scene.
 *
 * @param matrix more settings of the Matrix channel
 */
export function withPhone(
  { homeserver, accessToken, room, ntfy }: Pick<Scene, "homeserver" | "accessToken" | "room" | "ntfy">,
  matrix: object = {},
): Pick<CoreOptions, "channels"> {
  return {
    channels: {
      matrix: { homeserver: homeserver.url, accessToken, room, ...matrix },
      phone: { kind: "ntfy", server: ntfy.url, topic: "alerts" },
    },
  };
}

/** Starts the servers and creates the room. */
export async function setScene(
  options: Pick<HomeserverOptions, "software" | "transactions" | "rateLimit" | "maxUploadBytes"> = {},
): Promise<Scene> {
  const runtime = fakeRuntime({ realIds: true });
  const homeserver = await LoopbackHomeserver.start({ ...options, now: runtime.now });
  const ntfy = await LoopbackNtfy.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const stateDir = Deno.makeTempDirSync();
  return {
    homeserver,
    ntfy,
    runtime,
    stateDir,
    accessToken,
    room,
    subjects: () =>
      homeserver.events(room).map(({ content }) => String(content.body).split("\n")[0].replace("[jump] ", "")),
    puts: () => homeserver.requests.filter((request) => request.route === "send").length,
    open: (options = {}) =>
      NotifierCore.open({
        stateDir,
        runtime,
        channels: { matrix: { homeserver: homeserver.url, accessToken, room } },
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await homeserver[Symbol.asyncDispose]();
      await ntfy[Symbol.asyncDispose]();
      runtime[Symbol.dispose]();
      Deno.removeSync(stateDir, { recursive: true });
    },
  };
}
