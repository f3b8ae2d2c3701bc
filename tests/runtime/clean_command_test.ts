import { assertEquals } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";

const MODULE = new URL("../../src/runtime/subprocess.ts", import.meta.url).href;

/** Runs programs in a process whose parent left descriptors 3, 9, 12 and 200 open. */
async function runWithOpenDescriptors(calls: readonly (readonly string[])[]): Promise<unknown> {
  const script = `
    const { runSubprocess } = await import(${JSON.stringify(MODULE)});
    const results = [];
    for (const [path, ...args] of ${JSON.stringify(calls)}) {
      const call = { path, args, env: { GIVEN: "1" }, stdin: "", signal: new AbortController().signal };
      results.push(await runSubprocess(call).then(({ code, stdout }) => [code, stdout], (error) => error.name));
    }
    console.log(JSON.stringify(results));`;
  const shell = 'exec 3</dev/null 9</dev/null 12</dev/null 200</dev/null; cd /tmp; exec "$@"';
  const { stdout } = await new Deno.Command("bash", {
    args: [
      "-c",
      shell,
      "bash",
      Deno.execPath(),
      "run",
      "-A",
      "--quiet",
      ...inheritedConfig(),
      `data:,${encodeURIComponent(script)}`,
    ],
    env: { CALLERS_SECRET: "x" },
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("cleanCommand() starts a program in / without the caller's descriptors and variables", async () => {
  const look = 'for fd in 3 9 12 200; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; pwd; echo "$GIVEN$CALLERS_SECRET"';
  const calls = [
    ["/bin/sh", "-c", look],
    ["/bin/sh", "-c", 'printf "%s|" "$@"', "sh", "two words", "$(id)", "-x"],
    ["/bin/sh", "-c", "exit 127"],
    ["/nowhere/program"],
    ["/etc/passwd"],
  ];
  assertEquals(await runWithOpenDescriptors(calls), [
    [0, "/\n1\n"],
    [0, "two words|$(id)|-x|"],
    [127, ""],
    "NotFound",
    "PermissionDenied",
  ]);
});
