/**
 * A clock that jumps: as soon as no request is in flight, it goes to the end of the next sleep. A
 * time limit aborts its request when the clock passes it.
 *
 * @module
 */

import type { Runtime } from "../../src/runtime/runtime.ts";

/** A sleep, or the time limit of a request. */
interface Timer {
  readonly at: number;
  /** True if the clock may jump to this timer. */
  readonly isSleep: boolean;
  readonly fire: () => void;
}

/** How many turns of the event loop pass without a request before the clock jumps. */
const IDLE_TURNS = 5;

export class JumpingClock implements Pick<Runtime, "now" | "sleep" | "timeout"> {
  #time: number;
  #timers: Timer[] = [];
  #requests = 0;
  /** The number of requests that wait for their time limit. */
  #silent = 0;
  #isRunning = false;

  /** @param time the start, in milliseconds since 1970 */
  constructor(time: number) {
    this.#time = time;
  }

  now: Runtime["now"] = () => this.#time;

  sleep: Runtime["sleep"] = (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = { at: this.#time + ms, isSleep: true, fire: resolve };
      signal?.addEventListener("abort", () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        resolve();
      });
      this.#add(timer);
    });

  timeout: Runtime["timeout"] = (ms) => {
    const controller = new AbortController();
    const fire = () => controller.abort(new DOMException("Signal timed out", "TimeoutError"));
    this.#add({ at: this.#time + ms, isSleep: false, fire });
    return controller.signal;
  };

  /** Holds the clock while a request is in flight. */
  async hold<Value>(request: Promise<Value>): Promise<Value> {
    this.#requests++;
    try {
      return await request;
    } finally {
      this.#requests--;
    }
  }

  /** Lets the time pass until a signal aborts, for a server that does not answer. */
  async pass(signal: AbortSignal | null | undefined): Promise<void> {
    if (!signal || signal.aborted) return;
    this.#requests--;
    this.#silent++;
    this.#run();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    this.#silent--;
    this.#requests++;
  }

  #add(timer: Timer): void {
    this.#timers.push(timer);
    this.#timers.sort((a, b) => a.at - b.at);
    this.#run();
  }

  /** True if a sleep or a request waits for the clock. */
  get #isNeeded(): boolean {
    return this.#timers.length > 0 && (this.#silent > 0 || this.#timers.some(({ isSleep }) => isSleep));
  }

  #run(): void {
    if (this.#isRunning || !this.#isNeeded) return;
    this.#isRunning = true;
    this.#jump().finally(() => {
      this.#isRunning = false;
      this.#run();
    });
  }

  async #jump(): Promise<void> {
    for (let turns = 0; this.#isNeeded; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.#requests > 0) turns = 0;
      if (turns < IDLE_TURNS) continue;
      turns = 0;
      const timer = this.#timers.shift();
      if (timer === undefined) return;
      this.#time = Math.max(this.#time, timer.at);
      timer.fire();
    }
  }
}
