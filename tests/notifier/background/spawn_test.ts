import { assert, assertEquals } from "@std/assert";
import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { delivererCommand } from "../../../src/notifier/background/spawn.ts";

Deno.test("delivererCommand() starts this program again, with the permissions that delivering needs", () => {
  const options = { stateDir: "/s", configFile: "/c.json" };
  const words = [DELIVERER_COMMAND, '{"stateDir":"/s","configFile":"/c.json"}'];
  const binary = {
    execPath: "/usr/bin/matrix-notify",
    mode: "self",
    entry: "file:///x/mod.ts",
    runsSubprocesses: false,
  } as const;
  assertEquals(delivererCommand(binary, options), { path: "/usr/bin/matrix-notify", args: words });
  const file = delivererCommand({
    execPath: "/bin/deno",
    mode: "deno",
    entry: "file:///x/mod.ts",
    runsSubprocesses: false,
  }, options);
  assertEquals(file.args.slice(-3), ["file:///x/mod.ts", ...words]);
  assert(
    file.args.includes("--cached-only") && !file.args.some((arg) => arg.startsWith("--allow-run") || arg === "-A"),
  );
  assert(file.args.includes("--no-lock"), "a program that imports the library has no lock file of ours");
  const locked = delivererCommand(
    { execPath: "/bin/deno", mode: "deno", entry: "file:///x/mod.ts", lock: "/x/deno.lock", runsSubprocesses: false },
    options,
  ).args;
  const at = locked.indexOf("--lock");
  assertEquals(locked.slice(at, at + 3), ["--lock", "/x/deno.lock", "--frozen"]);
  assert(!locked.includes("--no-lock"));
  const url = delivererCommand(
    { execPath: "/bin/deno", mode: "deno", entry: "https://example.org:444/mod.ts", runsSubprocesses: false },
    options,
  );
  assert(url.args.includes("--allow-import=example.org:444"));
  const runs = delivererCommand(
    { execPath: "/bin/deno", mode: "deno", entry: "file:///x/mod.ts", runsSubprocesses: true },
    options,
  );
  assert(runs.args.includes("--allow-run"), "killing a process group takes the permission to run every program");
});
