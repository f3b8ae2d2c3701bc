/**
 * Reports the state of a service to systemd (sd_notify(3)). Deno cannot send Unix datagrams, so the
 * program `systemd-notify` sends them. The unit needs `NotifyAccess=all`.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";

/** The time limit of `systemd-notify`, in milliseconds. */
const NOTIFY_MS = 5_000;

/** Reports to systemd. */
export class SystemdNotifier {
  readonly #runtime: Pick<Runtime, "env" | "run" | "now" | "timeout">;
  readonly #socket: string | undefined;
  readonly #log: (text: string) => void;
  /** The minimum time between two reports, in milliseconds. Infinity without a watchdog. */
  readonly #intervalMs: number;
  #lastAlive = -Infinity;

  constructor(runtime: Pick<Runtime, "env" | "run" | "now" | "timeout">, log: (text: string) => void) {
    this.#runtime = runtime;
    this.#log = log;
    this.#socket = runtime.env("NOTIFY_SOCKET") || undefined;
    const watchdogMs = Number(runtime.env("WATCHDOG_USEC")) / 1000;
    // systemd expects one report in each period. The interval is shorter, because a slow disk can
    // delay a report.
    this.#intervalMs = watchdogMs > 0 ? watchdogMs / 3 : Infinity;
  }

  /** Reports that the service has started, or that a reload has ended. */
  async ready(status: string): Promise<void> {
    this.#lastAlive = this.#runtime.now();
    await this.#send("READY=1", `STATUS=${status}`, ...this.#intervalMs === Infinity ? [] : ["WATCHDOG=1"]);
  }

  /** Reports that the service is stopping. */
  async stopping(): Promise<void> {
    await this.#send("STOPPING=1");
  }

  /** Reports progress, at most once in a third of the watchdog's period. */
  alive(): void {
    const now = this.#runtime.now();
    if (now - this.#lastAlive < this.#intervalMs) return;
    this.#lastAlive = now;
    void this.#send("WATCHDOG=1");
  }

  async #send(...lines: readonly string[]): Promise<void> {
    if (this.#socket === undefined) return;
    const call = { env: { NOTIFY_SOCKET: this.#socket }, stdin: "", signal: this.#runtime.timeout(NOTIFY_MS) };
    try {
      const { code, stderr } = await this.#runtime.run({ path: "systemd-notify", args: lines, ...call });
      if (code !== 0) this.#log(`systemd-notify failed: ${stderr.trim()}`);
    } catch (error) {
      this.#log(`systemd-notify failed: ${error instanceof Error ? error.message : error}`);
    }
  }
}
