/** A homeserver, a home directory in which nothing is, and the wizard. */

import { main } from "../../src/cli/main.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { LoopbackHomeserver, type LoopbackUser } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime, type FakeRuntimeOptions } from "../fakes/runtime.ts";

/** What a run of the program came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The scene. */
export interface SetupScene extends AsyncDisposable {
  readonly home: string;
  readonly homeserver: LoopbackHomeserver;
  readonly bot: LoopbackUser;
  /** Runs the program; without anything typed there is no terminal. */
  run(
    args: readonly string[],
    options?: Pick<FakeRuntimeOptions, "typed"> & { readonly runtime?: Partial<Runtime> },
  ): Promise<
    Ran
  >;
  /** Writes a file with a secret, and says where. */
  secretFile(name: string, text: string): string;
  /** The configuration. */
  config(): Record<string, unknown>;
}

/** Sets the scene. */
export async function setSetupScene(): Promise<SetupScene> {
  const homeserver = await LoopbackHomeserver.start();
  const bot = homeserver.addUser("bot");
  const home = Deno.makeTempDirSync({ prefix: "setup-" });
  let time: number | undefined;
  return {
    home,
    homeserver,
    bot,
    async run(args, { typed, runtime: more } = {}) {
      const stdin = typed === undefined ? "" : undefined;
      using runtime: FakeRuntime = fakeRuntime({ env: { HOME: home }, typed, stdin, now: time, realIds: true });
      const stdio = { ...runtime.stdio, stdoutIsTerminal: () => typed !== undefined };
      const code = await main(args, { ...runtime, stdio, ...more });
      // The same question twice within two minutes gets the same answer from Synapse.
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
