/**
 * `serve`: a process that delivers the queue until it is stopped. It also runs the receivers that
 * the configuration lists. A receiver accepts notifications from other programs.
 *
 * ```text
 * start     lock -> open the configuration -> open the listeners -> ready
 * SIGHUP    open the new configuration -> wrong: keep the old one, and log the mistake
 *                                      -> right: replace receivers and deliverer
 * SIGTERM   close the listeners -> end after the current attempts, at the latest after 7 s
 * ```
 *
 * A client gets its answer after its notification is on disk. So a kill loses no accepted
 * notification.
 *
 * @module
 */

import { type ConfigError, formatError, StorageError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { hideSecrets } from "../base/secret.ts";
import type { NotifierCore } from "../notifier/core.ts";
import type { CoreOptions } from "../notifier/wiring.ts";
import { denoFiles } from "../runtime/files.ts";
import { FileLock, type HeldLock } from "../runtime/file_lock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { SystemdNotifier } from "../runtime/systemd_notify.ts";
import { BodyReader } from "./body_reader.ts";
import { DeliveryCounters } from "./delivery_counters.ts";
import { Listeners } from "./listeners.ts";
import type { Receiver, ReceiverContext } from "./receiver.ts";

/** The time that the current delivery attempts get after a stop, in milliseconds. */
const STOP_MS = 7_000;

/** The pause after a failure of the deliverer, in milliseconds. */
const FAILURE_PAUSE_MS = 5_000;

/** The input of {@linkcode serve}. */
export interface ServeOptions {
  readonly runtime: Runtime;
  /** Reads the configuration, and opens a notifier with it. Passes `options` to the notifier. */
  readonly open: (options: Pick<CoreOptions, "onEvent" | "onWarning">) => Promise<NotifierCore>;
  /** Writes a line to the log. */
  readonly log: (text: string) => void;
  /** Aborts when `serve` must stop. */
  readonly stop: AbortSignal;
  /** The time that the current attempts get after a stop, in milliseconds. @default {7000} */
  readonly stopMs?: number;
  /** Registers a function that is called at each request for a reload. */
  readonly onReload: (reload: () => void) => void;
  /**
   * Called with the addresses of the listeners after the start and after each reload.
   * @default none
   */
  readonly onReady?: (addresses: readonly string[]) => void;
}

/**
 * Runs until `stop` aborts.
 *
 * @throws {ConfigError} if the settings of `serve` have a mistake
 * @throws {StorageError} if the queue cannot be used, or another `serve` uses the queue
 */
export async function serve(options: ServeOptions): Promise<void> {
  const server = new Server(options);
  await server.run();
}

/** A notifier that delivers, until it is replaced. */
interface Delivery {
  readonly notifier: NotifierCore;
  /** Ends the delivery after the current attempts. */
  readonly leave: AbortController;
  /** Resolves when the delivery has ended. */
  readonly done: Promise<void>;
}

/**
 * A notification is gathered if the time since the previous notification is shorter than this, in
 * milliseconds.
 */
const BUSY_MS = 10;

/**
 * How long the first gathered notification waits for others, in milliseconds. Then the queue stores
 * all gathered notifications.
 */
const GATHER_MS = 5;

/**
 * Gathers notifications that arrive at nearly the same time. The queue then needs only one sync to
 * the disk for all gathered notifications.
 */
class Gathering {
  readonly #runtime: Pick<Runtime, "now" | "sleep">;
  #last = -Infinity;
  #group: Promise<void> | undefined;

  constructor(runtime: Pick<Runtime, "now" | "sleep">) {
    this.#runtime = runtime;
  }

  /**
   * Waits until a notification may be stored. Resolves immediately if no other notification arrived
   * shortly before. For all gathered notifications, the wait ends at the same time.
   */
  async join(): Promise<void> {
    const { now, sleep } = this.#runtime;
    const time = now();
    const isAlone = this.#group === undefined && Math.abs(time - this.#last) >= BUSY_MS;
    this.#last = time;
    if (isAlone) return;
    this.#group ??= sleep(GATHER_MS).then(() => {
      this.#group = undefined;
    });
    await this.#group;
  }
}

class Server {
  readonly #options: ServeOptions;
  /** Undefined if systemd expects no reports. */
  #systemd: SystemdNotifier | undefined;
  readonly #listeners: Listeners;
  readonly #context: ReceiverContext;
  readonly #gathering: Gathering;
  readonly #deliveries: DeliveryCounters;
  /** Aborts when the time limit after a stop is over. Then all attempts and waits end. */
  readonly #abort = new AbortController();
  #delivery!: Delivery;
  /** The reload in progress. */
  #reloading: Promise<void> = Promise.resolve();
  /** For each notifier, the number of notifications that the notifier is accepting now. */
  readonly #accepting = new Map<NotifierCore, number>();

  constructor(options: ServeOptions) {
    this.#options = { ...options, log: (text) => options.log(toLogLine(text)) };
    const { runtime, log } = this.#options;
    this.#gathering = new Gathering(runtime);
    this.#deliveries = new DeliveryCounters(runtime.now);
    this.#context = {
      accept: (...given) => this.#accept(...given),
      status: () => this.#delivery.notifier.status(),
      overview: () => this.#delivery.notifier.overview(),
      deliveries: this.#deliveries,
      channels: () => this.#delivery.notifier.channels,
      stateDir: () => this.#delivery.notifier.stateDir,
      hasOpenIncident: (...given) => this.#delivery.notifier.hasOpenIncident(...given),
      log,
      bodies: new BodyReader(runtime),
      runtime,
    };
    this.#listeners = new Listeners(
      (receiver, request, peer) => receiver.handle(request, peer, this.#context),
      log,
      runtime,
    );
  }

  async run(): Promise<void> {
    const { runtime, stop, onReload, log } = this.#options;
    if (runtime.env("NOTIFY_SOCKET")) {
      const { SystemdNotifier } = await import("../runtime/systemd_notify.ts");
      this.#systemd = new SystemdNotifier(runtime, log);
    }
    const notifier = await this.#open();
    try {
      const problem = findProblem(notifier);
      this.#logProblems(notifier, problem);
      if (problem !== undefined) throw problem;
      // Throws an error if the queue cannot be used.
      notifier.status();
      using _lock = acquireLock(notifier.stateDir);
      // Loads further modules now, because an update can replace their files while `serve` runs.
      await notifier.loadLateParts();
      await this.#listeners.replace(await createReceivers(notifier, log));
      this.#start(notifier);
      onReload(() => this.#reloading = this.#reloading.then(() => this.#reload()));
      await this.#announce();
      if (runtime.env("DENO_USR2_MEMORY_TRIM")) {
        const { denoMemory, trimMemory } = await import("../runtime/memory_trim.ts");
        void trimMemory({ sleep: runtime.sleep, ...denoMemory() }, stop);
      }
      if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve));
      log("stopping");
      await this.#stop();
    } catch (error) {
      await notifier[Symbol.asyncDispose]();
      throw error;
    }
  }

  #open(): Promise<NotifierCore> {
    return this.#options.open({
      onEvent: (event) => this.#deliveries.count(event),
      onWarning: (text) => this.#options.log(text),
    });
  }

  /** Starts the delivery of a notifier. */
  #start(notifier: NotifierCore, before: Promise<void> = Promise.resolve()): void {
    this.#deliveries.addChannels(notifier.channels.map(({ name }) => name));
    const leave = new AbortController();
    const done = before.then(() => this.#deliver(notifier, leave.signal));
    this.#delivery = { notifier, leave, done };
  }

  async #deliver(notifier: NotifierCore, leave: AbortSignal): Promise<void> {
    const { runtime, log } = this.#options;
    const { signal } = this.#abort;
    while (!leave.aborted && !signal.aborted) {
      try {
        await notifier.deliverUntilStopped({ leave, signal, onRound: () => this.#systemd?.alive() });
      } catch (error) {
        if (signal.aborted) return;
        log(`the delivery failed: ${formatError(error)}`);
        await runtime.sleep(FAILURE_PAUSE_MS, AbortSignal.any([leave, signal]));
      }
    }
  }

  async #accept(
    ...[input, options = {}]: Parameters<ReceiverContext["accept"]>
  ): ReturnType<ReceiverContext["accept"]> {
    await this.#gathering.join();
    const { notifier, leave, done } = this.#delivery;
    this.#accepting.set(notifier, (this.#accepting.get(notifier) ?? 0) + 1);
    try {
      const outcomes = await notifier.notify(input, { waitMs: 0, ...options, leave: leave.signal });
      return { outcomes, problems: notifier.problems };
    } finally {
      const count = (this.#accepting.get(notifier) ?? 0) - 1;
      if (count > 0) this.#accepting.set(notifier, count);
      else {
        this.#accepting.delete(notifier);
        if (notifier !== this.#delivery.notifier) void done.then(() => this.#disposeUnused(notifier));
      }
    }
  }

  /**
   * Disposes of a replaced notifier whose delivery has ended. Does nothing if it is still accepting
   * a notification.
   */
  async #disposeUnused(notifier: NotifierCore): Promise<void> {
    if (!this.#accepting.has(notifier)) await notifier[Symbol.asyncDispose]();
  }

  async #reload(): Promise<void> {
    const { log, stop } = this.#options;
    if (stop.aborted) return;
    const old = this.#delivery;
    let next: NotifierCore | undefined;
    try {
      next = await this.#open();
      const problem = findProblem(next) ?? findNewProblem(next, old.notifier);
      this.#logProblems(next, problem);
      if (problem !== undefined) throw problem;
      await next.loadLateParts();
      await this.#listeners.replace(await createReceivers(next, log));
    } catch (error) {
      await next?.[Symbol.asyncDispose]();
      const problem = `the new configuration is not used, the old one stays: ${formatError(error)}`;
      log(problem);
      return await this.#announce(toLogLine(problem));
    }
    old.leave.abort();
    this.#start(next, old.done.then(() => this.#disposeUnused(old.notifier)));
    log("the configuration was read again");
    await this.#announce();
  }

  /** Logs the mistakes in a configuration. The caller reports the mistake `except`. */
  #logProblems({ problems }: NotifierCore, except: ConfigError | undefined): void {
    for (const problem of problems) if (problem !== except) this.#options.log(formatError(problem));
  }

  /** Reports the listeners. `systemctl status` also shows the problem of the last reload. */
  async #announce(problem?: string): Promise<void> {
    const addresses = this.#listeners.addresses();
    const status = addresses.length === 0
      ? "no receiver is configured: see serve.sockets and serve.http in docs/config.md"
      : `listening at ${addresses.join(", ")}`;
    await this.#systemd?.ready(problem === undefined ? status : `${status}; ${problem}`);
    this.#options.log(status);
    const { channels, problems } = this.#delivery.notifier;
    if (channels.length + problems.length === 0) {
      this.#options.log("no channel is configured, so every notification is refused (run: matrix-notify setup)");
    }
    this.#options.onReady?.(addresses);
  }

  /** Ends attempts and requests within {@linkcode STOP_MS}. */
  async #stop(): Promise<void> {
    const { runtime, stopMs = STOP_MS } = this.#options;
    await this.#systemd?.stopping();
    const { leave, done, notifier } = this.#delivery;
    leave.abort();
    const over = new AbortController();
    const late = new Promise((resolve) => this.#abort.signal.addEventListener("abort", resolve));
    void runtime.sleep(stopMs, over.signal).then(() => this.#abort.abort(new Error("stopped")));
    const closed = this.#listeners.close();
    await done;
    await Promise.race([closed, late]);
    over.abort();
    await notifier[Symbol.asyncDispose]();
  }
}

/**
 * Hides secrets in a text, and makes it one line, so that a sender cannot forge lines of the log.
 */
function toLogLine(text: string): string {
  return printable(hideSecrets(text));
}

/**
 * Creates the receivers that the configuration lists. Loads the code for HTTP or for sockets only
 * if the configuration has a receiver of this type.
 *
 * @throws {ConfigError} if the settings contain the path of a file that cannot be used
 */
async function createReceivers(
  { serveSettings }: NotifierCore,
  log: (text: string) => void,
): Promise<readonly Receiver[]> {
  const receivers: Receiver[] = [];
  const sockets = serveSettings?.sockets, http = serveSettings?.http;
  if (http) {
    const { createHttpReceiver } = await import("./http_receiver.ts");
    const { findTokenProblems } = await import("../config/serve.ts");
    for (const problem of findTokenProblems(http)) log(formatError(problem));
    receivers.push(createHttpReceiver(http));
  }
  if (sockets !== undefined && sockets.size > 0) {
    const { createSocketReceiver } = await import("./socket_receiver.ts");
    for (const [name, settings] of sockets) receivers.push(createSocketReceiver(name, settings));
  }
  return receivers;
}

/** Returns the first mistake in the settings of `serve`. */
function findProblem({ problems, serveSettings }: NotifierCore): ConfigError | undefined {
  if (serveSettings !== undefined) return undefined;
  return problems.find(({ place: { setting = "" } }) => setting === "serve" || setting.startsWith("serve."));
}

/**
 * Returns a mistake that the old configuration does not have. Returns undefined if the new
 * configuration has no more mistakes than the old one.
 */
function findNewProblem({ problems }: NotifierCore, old: NotifierCore): ConfigError | undefined {
  if (problems.length <= old.problems.length) return undefined;
  const known = new Set(old.problems.map(({ message }) => message));
  return problems.find(({ message }) => !known.has(message)) ?? problems.at(-1);
}

/** Makes sure that only one `serve` uses a queue. */
function acquireLock(stateDir: string): HeldLock {
  denoFiles.makeDirectory(`${stateDir}/queue`);
  const lock = new FileLock(denoFiles, `${stateDir}/queue/serve.lock`).tryAcquire();
  if (lock !== undefined) return lock;
  throw new StorageError("locked", `Cannot serve: another matrix-notify serve uses the queue in ${stateDir}`, {
    hint: "stop the other serve first",
  });
}
