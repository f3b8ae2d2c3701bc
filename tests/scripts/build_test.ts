import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes, assertThrows } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { checksumLines, sha256 } from "../../scripts/build/checksums.ts";
import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { compileArgv, missingRuntime, versionProblem } from "../../scripts/build/compile.ts";
import { binaryName, chooseTargets, TARGETS } from "../../scripts/build/targets.ts";

const [LINUX] = TARGETS;

Deno.test("chooseTargets() returns this machine's target by default, each name once, and all targets for all", () => {
  const names = (...asked: string[]) => chooseTargets(asked, "aarch64-apple-darwin").map(({ name }) => name);
  assertEquals(names(), ["aarch64-apple-darwin"]);
  assertEquals(names("x86_64-pc-windows-msvc", "x86_64-pc-windows-msvc"), ["x86_64-pc-windows-msvc"]);
  assertEquals(names("x86_64-pc-windows-msvc", "all").length, TARGETS.length);
});

Deno.test("chooseTargets() lists the known targets when a target is unknown", () => {
  const error = assertThrows(() => chooseTargets(["armv7"], "x"), RangeError, "Cannot build for armv7");
  for (const { name } of TARGETS) assertStringIncludes(error.message, name);
});

Deno.test("binaryName() contains the target, and ends with .exe for Windows", () => {
  assertEquals(TARGETS.map(binaryName).filter((name) => name.endsWith(".exe")), [
    "matrix-notify-x86_64-pc-windows-msvc.exe",
  ]);
  assertEquals(new Set(TARGETS.map(binaryName)).size, TARGETS.length);
});

Deno.test("compileArgv() contains target, output, entry and all other files in the order of Deno", () => {
  const argv = compileArgv(LINUX, "dist/x", ["a.js", "a/b.js", "a/c.js"]);
  assertEquals(argv.slice(0, 5), ["compile", "--target", LINUX.name, "--output", "dist/x"]);
  assertEquals(argv.slice(-5), ["--include", "a/b.js", "--include", "a/c.js", "a.js"]);
  for (const option of ["--no-prompt", "--no-code-cache", "--no-config"]) assert(argv.includes(option), option);
});

Deno.test("PERMISSIONS are those of the task matrix-notify", () => {
  const words = manifest.tasks["matrix-notify"].command.split(" ");
  assertEquals(words.filter((word) => word.startsWith("--allow-")), PROGRAM_FLAGS);
});

Deno.test("missingRuntime() explains the missing runtime and the fix in one sentence", () => {
  const stderr = "Check mod.ts\nerror: Writing deno compile executable\n\nCaused by:\n    0: Setting up base binary.\n";
  const sentence = missingRuntime(stderr, LINUX, "2.9.6") ?? "";
  assertMatch(sentence, /^Cannot build for x86_64-unknown-linux-gnu: .*denort 2\.9\.6.*DENORT_BIN/);
  assertNotMatch(sentence, /\n|\.$/);
  assertEquals(missingRuntime("error: Type checking failed.", LINUX, "2.9.6"), undefined);
});

Deno.test("versionProblem() returns undefined for the right version", () => {
  assertEquals(versionProblem("matrix-notify 0.1.0\n", "0.1.0"), undefined);
});

Deno.test("versionProblem() reports another version, another program, and deno instead of denort", () => {
  assertStringIncludes(versionProblem("matrix-notify 0.0.9\n", "0.1.0") ?? "", `instead of "matrix-notify 0.1.0"`);
  assertStringIncludes(versionProblem("", "0.1.0") ?? "", `with ""`);
  assertStringIncludes(versionProblem("deno 2.9.6 (stable)\nv8 15\n", "0.1.0") ?? "", "DENORT_BIN must name a denort");
});

Deno.test("checksumLines() formats lines for sha256sum, sorted by name", async () => {
  const hex = await sha256(new TextEncoder().encode("abc"));
  assertEquals(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assertEquals(checksumLines([{ name: "b", hex }, { name: "a", hex: "00" }]), `00  a\n${hex}  b\n`);
});
