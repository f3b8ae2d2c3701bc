import { assertEquals } from "@std/assert";
import { trimMemory } from "../../src/runtime/memory_trim.ts";

const MIB = 2 ** 20;

/**
 * Runs `trimMemory` with these sizes of the memory, in MiB. Stops after the last size.
 *
 * @returns the sleeps in milliseconds, and `trim` for each trim
 */
async function run(sizes: readonly number[]): Promise<readonly (number | string)[]> {
  const steps: (number | string)[] = [], left = [...sizes], stop = new AbortController();
  await trimMemory({
    sleep(ms) {
      steps.push(ms);
      if (left.length === 0) stop.abort();
      return Promise.resolve();
    },
    occupied: () => (left.shift() ?? 0) * MIB,
    trim: () => steps.push("trim"),
  }, stop.signal);
  return steps;
}

const START = [5_000, "trim", 1_000];

Deno.test("trimMemory() trims the memory after the start", async () => {
  assertEquals(await run([52, 47]), [...START, 30_000]);
});

Deno.test("trimMemory() trims the memory again when it has grown by 8 MiB since the lowest size", async () => {
  assertEquals(await run([52, 47, 54, 55, 48]), [...START, 30_000, 30_000, "trim", 1_000, 30_000]);
  assertEquals(await run([52, 47, 300, 60, 68, 49]), [
    ...[...START, 30_000, "trim", 1_000],
    ...[30_000, "trim", 1_000, 30_000],
  ]);
});

Deno.test("trimMemory() waits longer after each trim that frees no memory, up to 8 minutes", async () => {
  const pauses = (await run([52, 47, ...new Array(12).fill(100), 48])).filter((step) =>
    step !== 1_000 && step !== "trim"
  );
  assertEquals(pauses, [5_000, 30_000, 60_000, 120_000, 240_000, 480_000, 480_000, 480_000, 480_000]);
});

Deno.test("denoMemory() returns the memory of this process, and survives a trim without the variable", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-config",
      `
      const { denoMemory } = await import("${import.meta.resolve("../../src/runtime/memory_trim.ts")}");
      const memory = denoMemory();
      memory.trim();
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(memory.occupied() > 1e6);
      Deno.exit();
    `,
    ],
    env: { NO_COLOR: "1" },
  });
  const { code, stdout } = await command.output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "true\n"]);
});
