import { assertEquals } from "@std/assert";

const MODULE = new URL("../../src/runtime/argument_bytes.ts", import.meta.url);
const PROGRAM = `import { readArgumentBytes } from ${JSON.stringify(MODULE)};
  const bytes = await readArgumentBytes();
  console.log(JSON.stringify([Deno.args, bytes?.map((word) => [...word])]));`;

/** Runs a program with the arguments of a shell command. */
async function run(words: string, permissions = "--allow-run") {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, PROGRAM);
    const script = `exec "$0" run -q --no-config --no-prompt ${permissions} "$1" ${words}`;
    const { stdout } = await new Deno.Command("/bin/sh", { args: ["-c", script, Deno.execPath(), file] }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("readArgumentBytes() reads the bytes that Deno.args replaces", async () => {
  assertEquals(await run(`"$(printf 'f\\374r')" '' --x`), [["f\ufffdr", "", "--x"], [[102, 252, 114], [], [
    45,
    45,
    120,
  ]]]);
  assertEquals(await run(""), [[], []]);
});

Deno.test("readArgumentBytes() returns undefined without the permission to run programs", async () => {
  assertEquals(await run("a", ""), [["a"], null]);
});
