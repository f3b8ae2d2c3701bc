import { assertEquals } from "@std/assert";
import { demo } from "../../../src/cli/commands/demo.ts";
import { EXIT } from "../../../src/cli/exit_codes.ts";
import { Ui } from "../../../src/cli/ui.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

Deno.test("demo passes the variables that Deno needs to its commands, but no configuration of the user", async () => {
  const env = {
    ...{ HOME: "/home/alice", DENO_DIR: "/var/cache/deno", PATH: "/usr/bin" },
    ...{
      MATRIX_ROOM: "!other:example.org",
      XDG_STATE_HOME: "/home/alice/state",
      HTTP_PROXY: "http://proxy.example.org",
    },
  };
  using runtime = fakeRuntime({ env });
  const seen: Record<string, string | undefined> = {};
  const exitCode = await demo.run({ operands: [], values: new Map() }, {
    runtime,
    ui: new Ui(runtime.stdio, runtime.env),
    main: (_argv, { env: get }) => {
      for (const name of Object.keys(env)) seen[name] = get(name);
      return Promise.resolve(EXIT.software);
    },
    commands: [],
  });
  assertEquals(exitCode, EXIT.software);
  assertEquals(seen, {
    ...{ HOME: "/home/alice", DENO_DIR: "/var/cache/deno", PATH: "/usr/bin" },
    ...{ MATRIX_ROOM: undefined, XDG_STATE_HOME: undefined, HTTP_PROXY: undefined },
  });
});
