import { assertEquals, assertRejects } from "@std/assert";
import { askLine, askSecret, readLine } from "../../src/cli/prompt.ts";
import { InterruptedError } from "../../src/base/errors.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const TYPED: readonly (readonly [what: string, typed: readonly (string | Uint8Array)[], secret: string])[] = [
  ["a line", ["secret\r"], "secret"],
  ["key by key", [..."secret", "\n"], "secret"],
  ["a character in two chunks", [Uint8Array.of(0xf0, 0x9f), Uint8Array.of(0x98, 0x80), "ä\r"], "😀ä"],
  ["corrections", ["secrex\x7ft\r"], "secret"],
  ["a backspace too many", ["\b\bsecret\r"], "secret"],
  ["Ctrl-U, which clears the line", ["wrong\x15secret\r"], "secret"],
  ["arrows, which are ignored", ["se\x1b[Dcr\x1bOAet\x1b[3~\r"], "secret"],
  ["spaces, which are kept", [" a b \r"], " a b "],
];

for (const [what, typed, secret] of TYPED) {
  Deno.test(`askSecret() reads ${what} without echo`, async () => {
    using runtime = fakeRuntime({ typed });
    assertEquals(await askSecret("Password: ", runtime.stdio), secret);
    assertEquals([runtime.out(), runtime.err(), runtime.raw], ["", "Password: \n", [true, false]]);
  });
}

for (const [what, typed] of [["Ctrl-C", ["se\x03"]], ["Ctrl-D", ["\x04"]], ["the end of the input", ["se"]]] as const) {
  Deno.test(`askSecret() stops at ${what} and restores the terminal`, async () => {
    using runtime = fakeRuntime({ typed });
    await assertRejects(() => askSecret("Password: ", runtime.stdio), InterruptedError);
    assertEquals(runtime.raw, [true, false]);
  });
}

Deno.test("askSecret() turns off the echo before it prints the question", async () => {
  using runtime = fakeRuntime({ typed: ["secret\r"] });
  const steps: string[] = [];
  const { stdio } = runtime;
  await askSecret("Password: ", {
    ...stdio,
    stderr: (text) => void steps.push(text),
    setRaw: (raw) => void steps.push(raw ? "unseen" : "seen"),
  });
  assertEquals(steps, ["unseen", "Password: ", "seen", "\n"]);
});

Deno.test("askLine() echoes the line, and stops waiting when the signal aborts", async () => {
  using runtime = fakeRuntime({ typed: ["line\n"] });
  assertEquals(await askLine("Name: ", runtime.stdio), "line");
  assertEquals(runtime.err(), "Name: line\n");
  const stop = new AbortController();
  const silent = { ...runtime.stdio, readInput: () => new Promise<undefined>(() => {}) };
  const waiting = askLine("Name: ", silent, { signal: stop.signal });
  stop.abort(new InterruptedError("Stopped"));
  await assertRejects(() => waiting, InterruptedError, "Stopped");
});

Deno.test("readLine() reads up to the line break or the end of the input", async () => {
  using runtime = fakeRuntime({ typed: ["ab", "c\nd", "e"] });
  assertEquals([await readLine(runtime.stdio), await readLine(runtime.stdio), await readLine(runtime.stdio)], [
    "abc",
    "e",
    undefined,
  ]);
});
