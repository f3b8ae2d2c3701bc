import { assertEquals } from "@std/assert";
import { denoRuntime } from "../../src/runtime/runtime.ts";

Deno.test("Runtime.timeout() shares a signal between calls that follow each other", async () => {
  using runtime = denoRuntime();
  const signals = [60_000, 60_000, 300_000, 60_000].map((ms) => runtime.timeout(ms));
  assertEquals(new Set(signals).size, 2);
  assertEquals(signals.every((signal) => signal === signals[2] || signal === signals[0]), true);
  const signal = runtime.timeout(10);
  const reason = await new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
  assertEquals((reason as Error).name, "TimeoutError");
});
