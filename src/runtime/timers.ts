/**
 * Waiting without `setTimeout`. The first call of `setTimeout` makes Deno load `node:timers` and
 * its dependencies: 7 ms and 4 MiB (Deno 2.9). `AbortSignal.timeout` needs nothing of this.
 *
 * A signal of `AbortSignal.timeout` occupies memory until its time is over. Therefore all sleeps of
 * the process share alarms, and quick calls of {@linkcode createTimeouts} share a signal.
 *
 * @module
 */

/**
 * The maximum delay of a signal, in milliseconds. With a longer delay, the signal would abort
 * immediately.
 */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A signal that aborts at the time `at`, on the clock of `performance.now()`. */
interface Alarm {
  readonly signal: AbortSignal;
  readonly at: number;
}

interface Sleeper {
  /** The end of the sleep, on the clock of `performance.now()`. */
  readonly until: number;
  readonly wake: () => void;
}

/** All sleeps that are not over yet. */
const sleepers = new Set<Sleeper>();
/**
 * The alarms that are set, the next one last. Only the last one has a listener. The others are kept
 * for later sleeps. Otherwise short sleeps beside a long one would set a long alarm each time.
 */
const alarms: Alarm[] = [];

/** Waits for `ms` milliseconds, or until the signal aborts. The promise never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      sleepers.delete(sleeper);
      signal?.removeEventListener("abort", wake);
      // Without a listener, the alarm does not keep the process alive.
      if (sleepers.size === 0) alarms.at(-1)?.signal.removeEventListener("abort", ring);
      resolve();
    };
    const sleeper = { until: performance.now() + ms, wake };
    sleepers.add(sleeper);
    signal?.addEventListener("abort", wake);
    setAlarm(sleeper.until);
  });
}

/** Makes sure that an alarm is set to this time, up to 1 ms later, or earlier. */
function setAlarm(until: number): void {
  while (alarms.at(-1)?.signal.aborted) alarms.pop();
  const next = alarms.at(-1);
  if (next === undefined || next.at >= until + 1) {
    next?.signal.removeEventListener("abort", ring);
    const now = performance.now();
    const delay = Math.min(Math.max(0, Math.ceil(until - now)), MAX_DELAY_MS);
    alarms.push({ signal: AbortSignal.timeout(delay), at: now + delay });
  }
  alarms.at(-1)?.signal.addEventListener("abort", ring);
}

/** Wakes all sleepers whose time is over, in the order of their times, and sets the next alarm. */
function ring(): void {
  const now = performance.now();
  const over = [...sleepers].filter(({ until }) => until <= now);
  for (const { wake } of over.sort((one, other) => one.until - other.until)) wake();
  let next = Infinity;
  for (const { until } of sleepers) next = Math.min(next, until);
  if (sleepers.size > 0) setAlarm(next);
}

/** How late an abort can be, as a fraction of the time limit. */
const TIMEOUT_SLACK = 0.02;

/**
 * Creates the function `timeout`. Calls that follow each other quickly share a signal. A signal
 * occupies memory until its time is over, even if its request ends earlier. In a loop of 10,000
 * requests, a signal for each request would occupy 30 MiB.
 */
export function createTimeouts(): (ms: number) => AbortSignal {
  const latest = new Map<number, { readonly signal: AbortSignal; readonly createdAt: number }>();
  return (ms) => {
    const now = performance.now();
    const known = latest.get(ms);
    if (known && now - known.createdAt < TIMEOUT_SLACK * ms) return known.signal;
    for (const [other, { createdAt }] of latest) if (now - createdAt > TIMEOUT_SLACK * other) latest.delete(other);
    const signal = AbortSignal.timeout(ms * (1 + TIMEOUT_SLACK));
    latest.set(ms, { signal, createdAt: now });
    return signal;
  };
}
