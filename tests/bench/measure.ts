/** What a process costs. Needs Python 3, which can tell the peak memory of a child; Deno itself cannot. */

/** Runs a command and prints seconds, seconds of the processor, peak KiB and exit code. */
const MEASURE = `import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))`;

/** What one run cost. */
export interface Figures {
  readonly wallMs: number;
  /** Time of the processor, in user and system mode. */
  readonly cpuMs: number;
  /** The most memory that it had at a time (`ru_maxrss`). */
  readonly peakMib: number;
}

/**
 * Runs `deno` with arguments as a process of its own.
 *
 * @throws when it does not end with 0
 */
export async function measure(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Figures> {
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", MEASURE, Deno.execPath(), ...args],
    env: { ...env, NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  const [seconds, cpuSeconds, kib, code] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  if (code !== 0) throw new Error(`Cannot measure ${args.join(" ")}: it ended with ${code}`);
  return { wallMs: seconds * 1000, cpuMs: cpuSeconds * 1000, peakMib: kib / 1024 };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
