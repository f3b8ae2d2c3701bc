/** Helpers for tests of `setup`: a loopback homeserver and an empty home directory. */

import { main } from "../../../src/cli/main.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { LoopbackHomeserver, type LoopbackUser } from "../../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime, type FakeRuntimeOptions } from "../../fakes/runtime.ts";

/** The result of running the program. */
export interface RunResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A loopback homeserver and an empty home directory. */
export interface SetupScene extends AsyncDisposable {
  readonly home: string;
  readonly homeserver: LoopbackHomeserver;
  readonly bot: LoopbackUser;
  /** Runs the program. Standard input is a terminal only if `typed` is given. */
  run(
    args: readonly string[],
    options?: Pick<FakeRuntimeOptions, "typed"> & { readonly runtime?: Partial<Runtime> },
  ): Promise<
    RunResult
  >;
  /** Writes a file that only its owner can read, and returns its path. */
  secretFile(name: string, text: string): string;
  /** Reads the configuration file. */
  config(): Record<string, unknown>;
}

/** Starts the homeserver and creates the home directory. */
export async function openSetupScene(): Promise<SetupScene> {
  const homeserver = await LoopbackHomeserver.start();
  const bot = homeserver.addUser("bot");
  homeserver.addUser("alice");
  const home = Deno.makeTempDirSync({ prefix: "setup-" });
  let time: number | undefined;
  return {
    home,
    homeserver,
    bot,
    async run(args, { typed, runtime: overrides } = {}) {
      const stdin = typed === undefined ? "" : undefined;
      using runtime: FakeRuntime = fakeRuntime({ env: { HOME: home }, typed, stdin, now: time, realIds: true });
      const stdio = { ...runtime.stdio, stdoutIsTerminal: () => typed !== undefined };
      const code = await main(args, { ...runtime, stdio, ...overrides });
      // Synapse caches a sync response for two minutes. With a later time, the next request gets a
      // new response.
      time = runtime.time + 1;
      return { code, out: runtime.out(), err: runtime.err() };
    },
    secretFile(name, text) {
      Deno.writeTextFileSync(`${home}/${name}`, text, { mode: 0o600 });
      return `${home}/${name}`;
    },
    config: () => JSON.parse(Deno.readTextFileSync(`${home}/.config/matrix-notify/config.json`)),
    async [Symbol.asyncDispose]() {
      await homeserver[Symbol.asyncDispose]();
      Deno.removeSync(home, { recursive: true });
    },
  };
}
