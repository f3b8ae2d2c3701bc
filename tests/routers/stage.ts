/**
 * `serve` with a room behind it, and the script that `setup router` prints for a router on this
 * host.
 */

import { assertEquals } from "@std/assert";
import { freePort } from "../../scripts/free_port.ts";
import { main } from "../../src/cli/main.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { serve } from "../../src/server/serve.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** A host with `serve`, next to a router. */
export interface RouterStage extends AsyncDisposable {
  /** What `setup router` printed: the text to paste into the router. */
  readonly script: string;
  readonly port: number;
  /** A directory for the files of the router. */
  readonly directory: string;
  /** Starts `serve`. Before, the host is away. */
  start(): Promise<void>;
  /** Stops `serve`. */
  stop(): Promise<void>;
  /**
   * Delivers everything that `serve` has accepted, and starts it again. Otherwise, the end of an
   * incident can replace its beginning in the queue.
   */
  settle(): Promise<void>;
  /** Delivers everything that `serve` has accepted, and returns the texts in the room. */
  texts(): Promise<readonly string[]>;
}

/** Sets up a router of this kind. `serve` does not run yet. */
export async function setRouterStage(kind: string, options: readonly string[] = []): Promise<RouterStage> {
  const directory = await Deno.makeTempDir({ prefix: "router-" });
  const homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const [configFile, stateDir] = [`${directory}/config.json`, `${directory}/state`];
  const matrix = { homeserver: homeserver.url, accessToken, room };
  await Deno.writeTextFile(configFile, JSON.stringify({ identity: "jump", channels: { matrix } }), { mode: 0o600 });
  const port = freePort();
  using setup = fakeRuntime({ stdin: "" });
  const words = ["setup", "router", "core1", "--for", kind, "--address", "127.0.0.1", "--network", "127.0.0.1"];
  const places = ["--config", configFile, "--state-dir", stateDir];
  assertEquals(await main([...words, "--port", `${port}`, ...options, ...places], setup), 0, setup.err());
  const runtime = denoRuntime();
  const open = () => NotifierCore.open({ runtime, configFile, stateDir, role: "deliverer" });
  let stopping: AbortController | undefined, served: Promise<void> | undefined;
  const stage: RouterStage = {
    ...{ directory, port, script: setup.out() },
    async start() {
      const ready = Promise.withResolvers<void>();
      stopping = new AbortController();
      served = serve({
        ...{ runtime, open, stop: stopping.signal, stopMs: 5000, onReload() {}, log() {} },
        onReady: () => ready.resolve(),
      });
      await Promise.race([served, ready.promise]);
    },
    async stop() {
      stopping?.abort();
      await served;
    },
    async texts() {
      await stage.stop();
      await using notifier = await open();
      await notifier.flush({ waitMs: 20_000 });
      return homeserver.events(room).map(({ content }) => String(content.body));
    },
    async settle() {
      await stage.texts();
      await stage.start();
    },
    async [Symbol.asyncDispose]() {
      await stage.stop();
      runtime[Symbol.dispose]();
      await homeserver[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
  return stage;
}
