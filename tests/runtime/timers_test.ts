import { assertEquals } from "@std/assert";
import { sleep } from "../../src/runtime/timers.ts";

const MODULE = new URL("../../src/runtime/timers.ts", import.meta.url).href;
const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("sleep() ends in the order of the times, not of the calls", async () => {
  const order: number[] = [];
  const sleeps = [40, 10, 25, 0, 10].map(async (ms) => {
    await sleep(ms);
    order.push(ms);
  });
  // All times are over before the alarm can ring.
  for (const end = performance.now() + 60; performance.now() < end;);
  await Promise.all(sleeps);
  assertEquals(order, [0, 10, 10, 25, 40]);
});

Deno.test("sleep() does not end before its time", async () => {
  for (const ms of [0, 0.5, 3, 7.25]) {
    const start = performance.now();
    await Promise.all([sleep(ms + 2), sleep(ms)]);
    assertEquals(performance.now() - start >= ms + 2, true);
  }
});

Deno.test("sleep() ends when its signal aborts, and other sleeps go on", async () => {
  const stop = new AbortController();
  const long = [sleep(DAY_MS, stop.signal), sleep(2 ** 40, stop.signal), sleep(Infinity, stop.signal)];
  let isOver = false;
  const short = sleep(20).then(() => isOver = true);
  stop.abort();
  await Promise.all(long);
  assertEquals(isOver, false);
  await short;
  await sleep(DAY_MS, stop.signal);
});

/** Runs a program that imports `sleep`, until it ends. Returns its output. */
async function run(program: string): Promise<string> {
  const code = `import { sleep } from "${MODULE}"; ${program}`;
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", code], env: { NO_COLOR: "1" } });
  const { stdout, stderr } = await command.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("sleep() keeps the process alive until it ends", async () => {
  const program = `
    const stop = new AbortController();
    sleep(${DAY_MS}, stop.signal).then(() => console.log("stopped"));
    await sleep(1);
    sleep(10).then(() => { console.log("second"); stop.abort(); });
  `;
  assertEquals(await run(program), "second\nstopped\n");
});

Deno.test("sleep() does not use setTimeout, which loads the timers of Node.js", async () => {
  const program = `
    delete globalThis.setTimeout;
    await sleep(1);
    console.log("over");
  `;
  assertEquals(await run(program), "over\n");
});

Deno.test("sleep() sets one long alarm for many long sleeps with short sleeps between them", async () => {
  const program = `
    const { timeout } = AbortSignal;
    let alarms = 0;
    AbortSignal.timeout = (ms) => {
      if (ms > 1_000_000) alarms++;
      return timeout.call(AbortSignal, ms);
    };
    for (let count = 0; count < 20; count++) {
      const stop = new AbortController();
      const long = sleep(${DAY_MS}, stop.signal);
      await sleep(1);
      stop.abort();
      await long;
    }
    console.log(alarms);
  `;
  assertEquals(await run(program), "1\n");
});
