import { assert, assertEquals } from "@std/assert";
import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { delivererCommand } from "../../../src/notifier/background/spawn.ts";

Deno.test("delivererCommand() starts this program again, with the given permissions", () => {
  const options = { stateDir: "/s", configFile: "/c.json" };
  const words = [DELIVERER_COMMAND, '{"stateDir":"/s","configFile":"/c.json"}'];
  const permissions = [
    { kind: "net", value: "example.org:443" },
    { kind: "read", value: "/s" },
    { kind: "read", value: "/x/a,b/c,d" },
    { kind: "write", value: "/a,b" },
  ] as const;
  const common = { permissions, entry: "file:///x/mod.ts" };
  assertEquals(delivererCommand({ ...common, execPath: "/usr/bin/matrix-notify", mode: "self" }, options), {
    path: "/usr/bin/matrix-notify",
    args: words,
  });
  const file = delivererCommand({ ...common, execPath: "/bin/deno", mode: "deno" }, options);
  assertEquals(file.args.slice(-3), ["file:///x/mod.ts", ...words]);
  assert(file.args.includes("--cached-only") && file.args.includes("--no-prompt"));
  assertEquals(file.args.filter((arg) => arg.startsWith("--allow") || arg === "-A"), [
    "--allow-net=example.org:443",
    "--allow-read=/s,/x",
    "--allow-write=/",
  ]);
  assert(file.args.includes("--no-lock"), "a program that imports the library has no lock file of ours");
  const locked =
    delivererCommand({ ...common, execPath: "/bin/deno", mode: "deno", lock: "/x/deno.lock" }, options).args;
  const at = locked.indexOf("--lock");
  assertEquals(locked.slice(at, at + 3), ["--lock", "/x/deno.lock", "--frozen"]);
  assert(!locked.includes("--no-lock"));
  const entry = "https://example.org:444/mod.ts";
  const url = delivererCommand({ ...common, entry, execPath: "/bin/deno", mode: "deno" }, options);
  assert(url.args.includes("--allow-import=example.org:444"));
});
