import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  AIRGAP_CONFIG,
  inheritedConfig,
  modulesFor,
  sourceFrom,
  STD_SOURCE_ENV,
  withConfig,
} from "../../scripts/std/argv.ts";
import { probe } from "../../scripts/std/run.ts";

/** The notice depends on whether this machine has the standard library. */
const NOTICE_OR_NOTHING = /^(|matrix-notify: the standard library is neither cached nor reachable; .*\n)$/;

const WRAPPER = new URL("../../scripts/with_std.ts", import.meta.url).pathname;

Deno.test("withConfig() puts the configuration after the subcommand and before the program's own arguments", () => {
  assertEquals(withConfig(["test", "-A", "tests"], "c"), ["test", "--config", "c", "-A", "tests"]);
  assertEquals(withConfig(["-q", "run", "mod.ts"], "c"), [
    "-q",
    "run",
    "--config",
    "c",
    "mod.ts",
  ]);
});

Deno.test("withConfig() changes nothing if the command has a configuration of its own, or no subcommand", () => {
  for (const args of [["run", "-c", "x", "a.ts"], ["run", "--config=x", "a.ts"], ["run", "--no-config", "a.ts"]]) {
    assertEquals(withConfig(args, "c"), args);
  }
  assertEquals(withConfig(["--version"], "c"), ["--version"]);
});

Deno.test("withConfig() takes an option after the program's file as an argument of the program", () => {
  assertEquals(withConfig(["run", "-A", "mod.ts", "send", "--config", "x"], "c"), [
    "run",
    "--config",
    "c",
    "-A",
    "mod.ts",
    "send",
    "--config",
    "x",
  ]);
});

Deno.test("modulesFor() lists only the modules of the program when the program runs", () => {
  assertEquals(modulesFor(["run", "--allow-net", "mod.ts", "send"]).length, 1);
  assertEquals(modulesFor(["compile", "-o", "x", "/a/mod.ts"]).length, 1);
  for (const args of [["test"], ["check", "mod.ts"], ["run", "-A", "scripts/build.ts"]]) {
    assert(modulesFor(args).includes("@std/assert"), args.join(" "));
  }
});

Deno.test("sourceFrom() returns undefined for an unknown source", () => {
  assertEquals(["jsr", "airgap", "", "no", undefined].map(sourceFrom), [
    "jsr",
    "airgap",
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("probe() finds the library when every module loads", async () => {
  const loaded: string[] = [];
  const load = (specifier: string) => Promise.resolve(loaded.push(specifier));
  assertEquals(await probe(["a", "b"], { load, sleep: forever }), "jsr");
  assertEquals(loaded, ["a", "b"]);
});

Deno.test("probe() returns airgap at once when a module does not load", async () => {
  const load = (specifier: string) => specifier === "b" ? Promise.reject(new TypeError("no")) : forever();
  assertEquals(await probe(["a", "b"], { load, sleep: forever }), "airgap");
});

Deno.test("probe() returns airgap after its limit when the network does not answer", async () => {
  const limits: number[] = [];
  const sleep = (ms: number) => Promise.resolve(void limits.push(ms));
  assertEquals(await probe(["a"], { load: forever, sleep }, 7), "airgap");
  assertEquals(limits, [7]);
});

Deno.test("inheritedConfig() gives a child process the same library", async () => {
  const program = new URL("../../src/cli/arguments.ts", import.meta.url).href;
  const args = ["run", ...inheritedConfig(), "--cached-only", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`import "${program}"; console.log("loaded");`));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), "loaded\n", new TextDecoder().decode(stderr));
});

Deno.test("with_std runs the command with the stand-ins and prints nothing to standard output", async () => {
  const { code, stdout, stderr } = await withStd(["eval", "console.log('data'); Deno.exit(3)"], "airgap");
  assertEquals({ code, stdout, stderr }, { code: 3, stdout: "data\n", stderr: "" });
  const probed = await withStd(["eval", "console.log('data')"], "", { XDG_CACHE_HOME: "/dev/null/no_directory" });
  assertEquals(probed.stdout, "data\n");
  assertMatch(probed.stderr, NOTICE_OR_NOTHING);
});

Deno.test("with_std prints its notice once per machine", async () => {
  const cache = Deno.makeTempDirSync();
  try {
    const env = { XDG_CACHE_HOME: `${cache}/new` };
    const first = await withStd(["eval", ""], "", env);
    const second = await withStd(["eval", ""], "", env);
    assertMatch(first.stderr, NOTICE_OR_NOTHING);
    assertEquals(second.stderr, "");
    const isMarked = first.stderr !== "";
    assertEquals(existsAt(`${cache}/new/matrix-notify/airgap-notice`), isMarked);
  } finally {
    Deno.removeSync(cache, { recursive: true });
  }
});

Deno.test("with_std runs the command unchanged if the library is available, and passes the source on to child processes", async () => {
  const print = `console.log(Deno.env.get("${STD_SOURCE_ENV}"), import.meta.resolve("@std/assert"))`;
  const real = await withStd(["eval", print], "jsr");
  assertMatch(real.stdout, /^jsr jsr:/);
  const gap = await withStd(["eval", print], "airgap");
  assertStringIncludes(gap.stdout, `airgap file://${AIRGAP_CONFIG.replace("deno.json", "std/assert/mod.ts")}`);
});

Deno.test({
  name: "with_std forwards signals and leaves no child process behind",
  ignore: Deno.build.os === "windows",
  async fn() {
    const program = "console.log(Deno.pid); setInterval(() => {}, 1000)";
    const wrapper = command(["eval", program], "airgap").spawn();
    const reader = wrapper.stdout.getReader();
    const { value } = await reader.read();
    const pid = Number(new TextDecoder().decode(value));
    wrapper.kill("SIGTERM");
    assertEquals((await wrapper.status).code, 143);
    assertEquals(isRunning(pid), false);
    await reader.cancel();
    await wrapper.stderr.cancel();
  },
});

/** Without a source the wrapper probes. */
function command(args: readonly string[], source: string, env: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", WRAPPER, ...args],
    env: { [STD_SOURCE_ENV]: source, NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function withStd(
  args: readonly string[],
  source = "",
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await command(args, source, env).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

function existsAt(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
