/**
 * Runs the fuzzers: `deno task fuzz [SECONDS] [SEED] [NAME...]`. Each fuzzer gets SECONDS (60 by
 * default), in a process of its own. A fuzzer plays the cases SEED, SEED + 1 and so on; without
 * SEED, the first number is random. It stops at the first broken promise and prints the number of
 * the case. `deno task fuzz 0 NUMBER NAME` plays this case again.
 *
 * This process watches the other one: a case that takes too long, or too much memory, counts as a
 * broken promise.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { FUZZERS } from "./fuzzers.ts";
import type { Fuzzer } from "./fuzzer.ts";

/** A case that takes longer hangs, in milliseconds. */
const CASE_LIMIT_MS = 60_000;

/** The largest memory of a fuzzer, in bytes. */
const MAX_RSS_BYTES = 1.5 * 2 ** 30;

/**
 * With more memory, garbage is collected before the next case. A fuzzer that never waits can create
 * garbage faster than a busy host collects it.
 */
const COLLECTION_RSS_BYTES = MAX_RSS_BYTES / 2;

/** The memory is read once in this number of cases. */
const CASES_PER_LOOK = 100;

/** The word that starts one fuzzer in this process. */
const ALONE = "--alone";

/** Plays cases until the time is over, at least one. Prints the number of each case. */
async function playAlone({ name, open }: Fuzzer, seconds: number, seed: number): Promise<number> {
  await using player = await open();
  const tally = new Map<string, number>();
  const end = Date.now() + seconds * 1000;
  let at = seed;
  do {
    print(`case ${at}\n`);
    try {
      const kind = await player.play(at);
      tally.set(kind, (tally.get(kind) ?? 0) + 1);
    } catch (error) {
      print(`failed ${JSON.stringify(error instanceof Error ? error.stack : String(error))}\n`);
      return 1;
    }
    at++;
    if (at % CASES_PER_LOOK === 0 && Deno.memoryUsage().rss > COLLECTION_RSS_BYTES) await collectGarbage();
  } while (Date.now() < end);
  const kinds = [...tally].toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`).join(", ");
  print(`done ${JSON.stringify(`${name}: ${at - seed} cases: ${kinds}`)}\n`);
  return 0;
}

async function collectGarbage(): Promise<void> {
  // Deno frees some objects only in a new task.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc === "function") gc();
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

/** Runs one fuzzer in a process and watches it; returns true if all promises were kept. */
async function watch({ name, runsPrograms }: Fuzzer, seconds: number, seed: number): Promise<boolean> {
  const directory = await Deno.makeTempDir({ prefix: "matrix-notify-fuzz-" });
  const permissions = runsPrograms ? ["-A"] : [
    ...["--allow-read", `--allow-write=${directory}`, "--allow-env", "--allow-sys"],
    "--allow-net=127.0.0.1,localhost",
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--v8-flags=--expose-gc", ...permissions, ...inheritedConfig()],
      ...[import.meta.filename ?? "", ALONE, name, String(seconds), String(seed)],
    ],
    // A command may write to a relative path.
    cwd: directory,
    env: { TMPDIR: directory },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let current = "none", ending = "", changed = Date.now(), problem: string | undefined;
  const timer = setInterval(() => {
    if (Date.now() - changed > CASE_LIMIT_MS) problem = `it takes more than ${CASE_LIMIT_MS / 1000} s`;
    const rss = readRss(child.pid);
    if (rss > MAX_RSS_BYTES) problem = `it needs ${Math.round(rss / 2 ** 20)} MiB of memory`;
    if (problem !== undefined) kill(child);
  }, 250);
  let rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("case ")) [current, changed] = [line.slice(5), Date.now()];
      else if (line.startsWith("failed ")) problem = JSON.parse(line.slice(7));
      else if (line.startsWith("done ")) ending = JSON.parse(line.slice(5));
    }
  }
  clearInterval(timer);
  const { code } = await child.status;
  if (code !== 0) problem ??= `it ended with ${code}: ${(await errors).trim()}`;
  await errors;
  await Deno.remove(directory, { recursive: true });
  if (problem === undefined) {
    console.log(ending);
    return true;
  }
  console.log(`${name}: case ${current} failed: ${problem}`);
  console.log(`${name}: play it again with: deno task fuzz 0 ${current} ${name}`);
  return false;
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Reads the memory of a process, in bytes; 0 on systems other than Linux. */
function readRss(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function run([seconds = "60", seed = String(Math.floor(Math.random() * 1e9)), ...names]: readonly string[]) {
  const unknown = names.filter((name) => !FUZZERS.some((fuzzer) => fuzzer.name === name));
  if (unknown.length > 0 || !/^\d+$/.test(seconds) || !/^\d+$/.test(seed)) {
    console.error(`usage: deno task fuzz [SECONDS] [SEED] [${FUZZERS.map(({ name }) => name).join("|")}...]`);
    return 64;
  }
  console.log(`fuzzing for ${seconds} s each, seed ${seed}`);
  let failed = 0;
  for (const fuzzer of FUZZERS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    if (!await watch(fuzzer, Number(seconds), Number(seed))) failed++;
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) {
  const [first, name, seconds, seed] = Deno.args;
  const alone = first === ALONE ? FUZZERS.find((fuzzer) => fuzzer.name === name) : undefined;
  Deno.exit(await (alone ? playAlone(alone, Number(seconds), Number(seed)) : run(Deno.args)));
}
