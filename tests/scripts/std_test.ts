import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  AIRGAP_CONFIG,
  inheritedConfig,
  modulesFor,
  sourceFrom,
  STD_SOURCE_ENV,
  withConfig,
} from "../../scripts/std/argv.ts";
import { probe } from "../../scripts/std/probe.ts";
import { testArgv } from "../../scripts/test.ts";

const WRAPPER = new URL("../../scripts/with_std.ts", import.meta.url).pathname;

Deno.test("withConfig() puts the configuration behind the subcommand, before anything that is the program's own", () => {
  assertEquals(withConfig(["test", "-A", "tests"], "c"), ["test", "--config", "c", "-A", "tests"]);
  assertEquals(withConfig(["-q", "run", "mod.ts"], "c"), [
    "-q",
    "run",
    "--config",
    "c",
    "mod.ts",
  ]);
});

Deno.test("withConfig() leaves a command alone that brings its own configuration, or is none", () => {
  for (const args of [["run", "-c", "x", "a.ts"], ["run", "--config=x", "a.ts"], ["run", "--no-config", "a.ts"]]) {
    assertEquals(withConfig(args, "c"), args);
  }
  assertEquals(withConfig(["--version"], "c"), ["--version"]);
});

Deno.test("withConfig() takes an option behind the program's file for the program's", () => {
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

Deno.test("modulesFor() asks only for what the program needs when the program runs", () => {
  assertEquals(modulesFor(["run", "--allow-net", "mod.ts", "send"]).length, 1);
  assertEquals(modulesFor(["compile", "-o", "x", "/a/mod.ts"]).length, 1);
  for (const args of [["test"], ["check", "mod.ts"], ["run", "-A", "scripts/build.ts"]]) {
    assert(modulesFor(args).includes("@std/assert"), args.join(" "));
  }
});

Deno.test("sourceFrom() knows the two sources and takes anything else for nothing", () => {
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

Deno.test("probe() falls back at once when one module does not load", async () => {
  const load = (specifier: string) => specifier === "b" ? Promise.reject(new TypeError("no")) : forever();
  assertEquals(await probe(["a", "b"], { load, sleep: forever }), "airgap");
});

Deno.test("probe() falls back after its limit when the network says nothing", async () => {
  const limits: number[] = [];
  const sleep = (ms: number) => Promise.resolve(void limits.push(ms));
  assertEquals(await probe(["a"], { load: forever, sleep }, 7), "airgap");
  assertEquals(limits, [7]);
});

Deno.test("inheritedConfig() gives a child the library of this process", async () => {
  const program = new URL("../../src/cli/deps.ts", import.meta.url).href;
  const args = ["run", ...inheritedConfig(), "--cached-only", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`import "${program}"; console.log("loaded");`));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), "loaded\n", new TextDecoder().decode(stderr));
});

Deno.test("with_std runs the command with the stand-ins, says so in one line, and keeps standard output clean", async () => {
  const { code, stdout, stderr } = await withStd(["eval", "console.log('data'); Deno.exit(3)"], "airgap");
  assertEquals({ code, stdout, stderr }, { code: 3, stdout: "data\n", stderr: "" });
  const looked = await withStd(["eval", "console.log('data')"]);
  assertEquals(looked.stdout, "data\n");
  assertMatch(looked.stderr, /^(|matrix-notify: the standard library is neither cached .*\n)$/);
});

Deno.test("with_std runs the command unchanged where the library is in reach, and tells its children", async () => {
  const print = `console.log(Deno.env.get("${STD_SOURCE_ENV}"), import.meta.resolve("@std/assert"))`;
  const real = await withStd(["eval", print], "jsr");
  assertMatch(real.stdout, /^jsr jsr:/);
  const gap = await withStd(["eval", print], "airgap");
  assertStringIncludes(gap.stdout, `airgap file://${AIRGAP_CONFIG.replace("deno.json", "std/assert/mod.ts")}`);
});

Deno.test({
  name: "with_std passes signals on and leaves no child behind",
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

Deno.test("testArgv() runs everything, unless a path says otherwise", () => {
  const exists = (path: string) => path === "tests/queue" || path === "crc32";
  const paths = (...args: string[]) => testArgv(args, exists).filter((arg) => !arg.startsWith("-")).slice(1);
  assertEquals(paths(), ["tests", "src", "mod.ts"]);
  assertEquals(paths("tests/queue"), ["tests/queue"]);
  assertEquals(paths("--filter", "crc32"), ["tests", "src", "mod.ts", "crc32"]);
  assertEquals(paths("--", "--fail-fast"), ["tests", "src", "mod.ts"]);
});

/** Without a source the wrapper has to look for itself. */
function command(args: readonly string[], source: string): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", WRAPPER, ...args],
    env: { [STD_SOURCE_ENV]: source, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function withStd(
  args: readonly string[],
  source = "",
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await command(args, source).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
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
