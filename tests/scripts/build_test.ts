import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { exists } from "@std/fs";
import manifest from "../../deno.json" with { type: "json" };
import { checksumLines, sha256 } from "../../scripts/build/checksums.ts";
import { compileArgv, INCLUDED, missingRuntime, PERMISSIONS, versionProblem } from "../../scripts/build/compile.ts";
import { binaryName, chooseTargets, TARGETS } from "../../scripts/build/targets.ts";

const [LINUX] = TARGETS;

Deno.test("chooseTargets() takes this machine's by default, each named one once, and all for all", () => {
  const names = (...asked: string[]) => chooseTargets(asked, "aarch64-apple-darwin").map(({ name }) => name);
  assertEquals(names(), ["aarch64-apple-darwin"]);
  assertEquals(names("x86_64-pc-windows-msvc", "x86_64-pc-windows-msvc"), ["x86_64-pc-windows-msvc"]);
  assertEquals(names("x86_64-pc-windows-msvc", "all").length, TARGETS.length);
});

Deno.test("chooseTargets() names what there is when asked for what there is not", () => {
  const error = assertThrows(() => chooseTargets(["armv7"], "x"), RangeError, "Cannot build for armv7");
  for (const { name } of TARGETS) assertStringIncludes(error.message, name);
});

Deno.test("binaryName() holds the target, and ends as Windows wants it there", () => {
  assertEquals(TARGETS.map(binaryName).filter((name) => name.endsWith(".exe")), [
    "matrix-notify-x86_64-pc-windows-msvc.exe",
  ]);
  assertEquals(new Set(TARGETS.map(binaryName)).size, TARGETS.length);
});

Deno.test("compileArgv() names target, output and entry, in Deno's order", () => {
  const argv = compileArgv(LINUX, "dist/x");
  assertEquals(argv.slice(0, 5), ["compile", "--target", LINUX.name, "--output", "dist/x"]);
  assertEquals(argv.at(-1), "src/main.ts");
  for (const option of ["--no-prompt", "--no-code-cache", "--node-modules-dir=none"]) {
    assert(argv.includes(option), option);
  }
});

Deno.test("compileArgv() includes each module that the compiler cannot find, and all of them exist", async () => {
  const argv = compileArgv(LINUX, "x");
  for (const module of INCLUDED) {
    assertEquals(argv[argv.indexOf(module) - 1], "--include");
    assert(await exists(new URL(`../../${module}`, import.meta.url)), module);
  }
});

Deno.test("PERMISSIONS are those of the task that runs the program from its source", () => {
  const words = manifest.tasks["matrix-notify"].command.split(" ");
  assertEquals(words.filter((word) => word.startsWith("--allow-")), PERMISSIONS);
});

Deno.test("missingRuntime() says in one sentence what is missing and what mends it", () => {
  const stderr = "Check mod.ts\nerror: Writing deno compile executable\n\nCaused by:\n    0: Setting up base binary.\n";
  const sentence = missingRuntime(stderr, LINUX, "2.9.6") ?? "";
  assertMatch(sentence, /^Cannot build for x86_64-unknown-linux-gnu: .*denort 2\.9\.6.*DENORT_BIN/);
  assertNotMatch(sentence, /\n|\.$/);
  assertEquals(missingRuntime("error: Type checking failed.", LINUX, "2.9.6"), undefined);
});

Deno.test("versionProblem() finds nothing wrong with the program's own answer", () => {
  assertEquals(versionProblem("matrix-notify 0.1.0\n", "0.1.0"), undefined);
});

Deno.test("versionProblem() finds another version, another program, and deno in the place of denort", () => {
  assertStringIncludes(versionProblem("matrix-notify 0.0.9\n", "0.1.0") ?? "", `instead of "matrix-notify 0.1.0"`);
  assertStringIncludes(versionProblem("", "0.1.0") ?? "", `with ""`);
  assertStringIncludes(versionProblem("deno 2.9.6 (stable)\nv8 15\n", "0.1.0") ?? "", "DENORT_BIN must name a denort");
});

Deno.test("checksumLines() writes what sha256sum reads, in the order of the names", async () => {
  const hex = await sha256(new TextEncoder().encode("abc"));
  assertEquals(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assertEquals(checksumLines([{ name: "b", hex }, { name: "a", hex: "00" }]), `00  a\n${hex}  b\n`);
});
