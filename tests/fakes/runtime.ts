/**
 * A runtime whose clock, random numbers and terminal are controlled by the test. The network is
 * real by default.
 */

import { denoRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import type { Program } from "../../src/runtime/program.ts";
import type { Surroundings } from "../../src/runtime/surroundings.ts";

/** The settings of a fake runtime. */
export interface FakeRuntimeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** The input at the terminal, one item for each read; then the input ends. */
  readonly typed?: readonly (string | Uint8Array)[];
  /** True if the terminal shows the typed characters as standard error. @default {true} */
  readonly hasEcho?: boolean;
  readonly now?: number;
  readonly fetch?: Runtime["fetch"];
  readonly run?: Runtime["run"];
  /** @default no program can be run */
  readonly ask?: Runtime["ask"];
  /** @default the binary */
  readonly program?: Program;
  /** @default {false} */
  readonly hasSystemd?: boolean;
  /** @default a plain host */
  readonly surroundings?: Surroundings;
  /**
   * True for real UUIDs, which several runtimes with one queue need; by default ids are counted.
   */
  readonly realIds?: boolean;
  /** Every random number. @default {0.5} */
  readonly random?: number;
}

/** A runtime with a clock that only moves during sleeps. */
export interface FakeRuntime extends Runtime, Disposable {
  /** The clock, in milliseconds since 1970. Tests may set it. */
  time: number;
  /** All sleeps so far, in milliseconds. */
  readonly sleeps: number[];
  /** Each change of the terminal to raw and back. */
  readonly raw: boolean[];
  /** Lets the time limits of all open requests expire. */
  expireTimeouts(): void;
  /** What was written to standard output so far. */
  out(): string;
  /** What was written to standard error so far. */
  err(): string;
}

const BINARY = "/usr/local/bin/matrix-notify";
const PROGRAM: Program = { words: [BINARY], shortWords: [BINARY] };

/** A fixed moment for tests: 2026-11-22 20:00:00 UTC. */
export const TEST_TIME: number = Date.UTC(2026, 10, 22, 20);

/**
 * Creates a fake runtime. A sleep advances its clock at once; real work such as the network goes on
 * in between.
 */
export function fakeRuntime(options: FakeRuntimeOptions = {}): FakeRuntime {
  const real = denoRuntime();
  const controllers = new Set<AbortController>();
  const typed = [...options.typed ?? []];
  let out = "", err = "", ids = 0, isRaw = false;
  const stdin = typeof options.stdin === "string" ? new TextEncoder().encode(options.stdin) : options.stdin;
  const runtime: FakeRuntime = {
    time: options.now ?? TEST_TIME,
    sleeps: [],
    raw: [],
    fetch: options.fetch ?? real.fetch,
    run: options.run ?? real.run,
    now: () => runtime.time,
    async sleep(ms, signal) {
      if (signal?.aborted) return;
      runtime.sleeps.push(ms);
      // One turn of the event loop first: an abort that is already on its way ends the sleep before
      // time has passed.
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      if (!signal?.aborted) runtime.time += ms;
    },
    timeout() {
      const controller = new AbortController();
      controllers.add(controller);
      return controller.signal;
    },
    // Sleeps take no time, so a poll notices every change.
    watch: () => Promise.resolve(undefined),
    expireTimeouts() {
      for (const controller of controllers) controller.abort(new DOMException("Signal timed out", "TimeoutError"));
      controllers.clear();
    },
    random: () => options.random ?? 0.5,
    uuid: () => options.realIds ? real.uuid() : `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    env: (name) => options.env?.[name],
    hostname: () => "jump",
    isRoot: () => false,
    ask: options.ask ?? (() => Promise.resolve(undefined)),
    program: () => Promise.resolve(options.program ?? PROGRAM),
    hasSystemd: () => Promise.resolve(options.hasSystemd ?? false),
    surroundings: () => Promise.resolve(options.surroundings ?? { kind: "host" }),
    stdio: {
      stdin: () => new Blob(stdin === undefined ? [] : [stdin as BlobPart]).stream(),
      stdinIsTerminal: () => stdin === undefined,
      readInput() {
        const next = typed.shift();
        const bytes = typeof next === "string" ? new TextEncoder().encode(next) : next;
        if (bytes !== undefined && !isRaw && options.hasEcho !== false) err += new TextDecoder().decode(bytes);
        return Promise.resolve(bytes);
      },
      setRaw(raw) {
        isRaw = raw;
        runtime.raw.push(raw);
      },
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      pass(to, bytes) {
        runtime.stdio[to](new TextDecoder().decode(bytes));
        return Promise.resolve("open");
      },
      failures: () => [],
      stdoutIsTerminal: () => false,
      stderrIsTerminal: () => false,
    },
    out: () => out,
    err: () => err,
    [Symbol.dispose]: () => real[Symbol.dispose](),
  };
  return runtime;
}
