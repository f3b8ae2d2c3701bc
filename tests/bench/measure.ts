/**
 * Measures processes, and compares two things that ran in turns. It needs Python 3: Deno cannot
 * read the CPU time and the peak memory of a child process.
 *
 * @module
 */

/**
 * Runs a command and prints one line: wall time and CPU time in seconds, peak memory in KiB, exit
 * code. Then it passes on the standard output of the command.
 */
const MEASURE = `import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
text = child.stdout.read()
_, status, usage = os.wait4(child.pid, 0)
wall = time.perf_counter() - start
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status), flush=True)
sys.stdout.buffer.write(text)`;

/** The cost of one run. */
export interface Cost {
  readonly wallMs: number;
  /** CPU time, user and system. */
  readonly cpuMs: number;
  /** Peak memory (`ru_maxrss`). */
  readonly peakMib: number;
}

/** The cost of a run, and its standard output. */
export interface Measured extends Cost {
  readonly text: string;
}

/**
 * Runs a command to its end and measures it.
 *
 * @throws {Error} if its exit code is not 0
 */
export async function measure(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", MEASURE, ...command],
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  const [seconds, cpuSeconds, kib, code] = text.slice(0, text.indexOf("\n")).split(" ").map(Number);
  if (code !== 0) {
    throw new Error(`Cannot measure ${command.join(" ")}: exit ${code}: ${new TextDecoder().decode(stderr)}`);
  }
  return {
    wallMs: seconds * 1000,
    cpuMs: cpuSeconds * 1000,
    peakMib: kib / 1024,
    text: text.slice(text.indexOf("\n") + 1),
  };
}

/** Two things that ran in turns: each pair ran one after the other. */
export interface Pairs<Value> {
  readonly ours: readonly Value[];
  readonly floor: readonly Value[];
}

/**
 * Runs two things in turns. A first pair warms up the caches and does not count.
 *
 * @param rounds the number of pairs that count
 */
export async function inTurns<Value>(
  rounds: number,
  ours: () => Promise<Value>,
  floor: () => Promise<Value>,
): Promise<Pairs<Value>> {
  const result: { ours: Value[]; floor: Value[] } = { ours: [], floor: [] };
  for (let round = -1; round < rounds; round++) {
    const values = [await floor(), await ours()];
    if (round < 0) continue;
    result.floor.push(values[0]);
    result.ours.push(values[1]);
  }
  return result;
}

/** Reads one number from each value of the pairs. */
export function pick<Value>({ ours, floor }: Pairs<Value>, read: (value: Value) => number): Pairs<number> {
  return { ours: ours.map(read), floor: floor.map(read) };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Returns a quantile of numbers, interpolated between two neighbours. */
function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

/** Formats the median of numbers with the lower and the upper quartile: `1.23 (1.20–1.31)`. */
export function spread(values: readonly number[], digits = 2): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(values, part).toFixed(digits));
  return `${middle} (${low}–${high})`;
}

/** Formats the median of the ratios of each pair, with its quartiles. */
export function ratios({ ours, floor }: Pairs<number>): string {
  return spread(ours.map((value, at) => value / floor[at]));
}

/** Formats the medians of both: `120 / 55 ms`. */
export function medians({ ours, floor }: Pairs<number>, unit: string, digits = 0): string {
  return `${median(ours).toFixed(digits)} / ${median(floor).toFixed(digits)} ${unit}`;
}
