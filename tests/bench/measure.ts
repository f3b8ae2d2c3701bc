/**
 * Measures the time and memory of a process. It needs Python 3: Deno cannot read the peak memory of
 * a child process.
 */

/** Runs a command and prints: wall time and CPU time in seconds, peak memory in KiB, exit code. */
const MEASURE = `import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))`;

/** The measurements of one run. */
export interface Figures {
  readonly wallMs: number;
  /** CPU time, user and system. */
  readonly cpuMs: number;
  /** Peak memory (`ru_maxrss`). */
  readonly peakMib: number;
}

/**
 * Measures a run of `deno`.
 *
 * @throws {Error} if its exit code is not 0
 */
export async function measure(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Figures> {
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", MEASURE, Deno.execPath(), ...args],
    env: { ...env, NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  const [seconds, cpuSeconds, kib, code] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  if (code !== 0) throw new Error(`Cannot measure ${args.join(" ")}: the exit code is ${code}`);
  return { wallMs: seconds * 1000, cpuMs: cpuSeconds * 1000, peakMib: kib / 1024 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
