/**
 * The access to the outside world. All other code uses a {@linkcode Runtime}, so that a test can
 * replace the clock, the random numbers and the network. Files are an exception: `queue/`,
 * `accounts/` and `config/` access their files directly.
 *
 * @module
 */

import { PASSED_VARIABLES, PROXY_VARIABLES } from "../base/variables.ts";
import type { Connection, HttpClients } from "./http_clients.ts";
import { Output, type OutputFailure, type OutputName, type OutputState } from "./output.ts";
import { INSPECTOR_ADDRESS, mayReadSystem, readVariable } from "./permissions.ts";
import type { Program } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";
import type { SubprocessCall, SubprocessEnd } from "./subprocess.ts";
import { createTimeouts, sleep } from "./timers.ts";

/** Standard input, output and error. */
export interface Stdio {
  /** Returns standard input as a stream. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** Returns true if standard input is a terminal. */
  readonly stdinIsTerminal: () => boolean;
  /** Reads the next part of standard input. Returns undefined at the end of the input. */
  readonly readInput: () => Promise<Uint8Array | undefined>;
  /**
   * Turns the raw mode of the terminal on or off. In raw mode, the terminal sends each key
   * immediately and does not show it.
   */
  readonly setRaw: (raw: boolean) => void;
  /** Writes data to standard output. Never throws; see {@linkcode Stdio.failures}. */
  readonly stdout: (text: string) => void;
  /** Writes messages for people to standard error. Never throws; see {@linkcode Stdio.failures}. */
  readonly stderr: (text: string) => void;
  /**
   * Writes the output of another program to standard output or standard error, unchanged. If the
   * reader of this output is slow, this process can do other work during the write. Never throws.
   *
   * @returns the state of the output after the write
   */
  readonly pass: (to: OutputName, bytes: Uint8Array) => Promise<OutputState>;
  /**
   * Returns the outputs that could not be written completely, with their errors. A broken pipe does
   * not count as an error.
   */
  readonly failures: () => readonly OutputFailure[];
  /** Returns true if standard output is a terminal. */
  readonly stdoutIsTerminal: () => boolean;
  /** Returns true if standard error is a terminal. */
  readonly stderrIsTerminal: () => boolean;
}

/** The functions that access the outside world. */
export interface Runtime {
  /**
   * Sends an HTTP request with the parameters of the global `fetch`. Each request uses a new
   * connection. If requests shared a connection that breaks, Deno could send a PUT twice. A channel
   * with certificates or a proxy in its settings passes `connection`.
   */
  readonly fetch: (url: string, init: RequestInit, connection?: Connection) => Promise<Response>;
  /** Runs a program until it ends, or kills it when the signal aborts; see `subprocess.ts`. */
  readonly run: (call: SubprocessCall) => Promise<SubprocessEnd>;
  /** Returns the current time, in milliseconds since 1970. */
  readonly now: () => number;
  /** Waits for `ms` milliseconds, or until the signal aborts. The promise never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /**
   * Returns a signal that aborts with a `TimeoutError` after `ms` milliseconds, or up to 2 % later.
   * Several calls can get the same signal.
   */
  readonly timeout: (ms: number) => AbortSignal;
  /** Watches files and directories for changes; see `file_watch.ts`. */
  readonly watch: (paths: readonly string[], onChange: () => void) => Promise<Disposable | undefined>;
  /** Returns a random number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Creates a UUID, version 4. */
  readonly uuid: () => string;
  /**
   * Reads an environment variable. Returns undefined if the variable is not set, if Deno denies
   * access, or if the value is not UTF-8.
   */
  readonly env: (name: string) => string | undefined;
  /** Returns the host name, or `localhost` if Deno denies access. */
  readonly hostname: () => string;
  /**
   * Returns true if the process runs as root. Root uses the system directories, such as `/etc`.
   * Returns false if Deno denies access to the user id.
   */
  readonly isRoot: () => boolean;
  /** Runs a program without input, and returns its output; see `askProgram`. */
  readonly ask: (path: string, args: readonly string[], signal: AbortSignal) => Promise<string | undefined>;
  /** Finds the command that started this program; see `program.ts`. */
  readonly program: () => Promise<Program>;
  /** Returns true if systemd is the init system of this host. */
  readonly hasSystemd: () => Promise<boolean>;
  /**
   * Finds out whether a background process can continue after this process ends; see
   * `surroundings.ts`.
   */
  readonly surroundings: () => Promise<Surroundings>;
  readonly stdio: Stdio;
}

/**
 * Creates the real runtime. When the runtime is disposed of, its HTTP clients are closed.
 *
 * @param onWarning a function that is called once for each problem with an environment variable
 */
export function denoRuntime(onWarning: (text: string) => void = () => {}): Runtime & Disposable {
  let client: Deno.HttpClient | undefined;
  let clients: HttpClients | undefined;
  let hasProxies: boolean | undefined;
  const invalid = new Set<string>();
  const env = (name: string) =>
    readVariable(name, () => {
      if (invalid.has(name)) return;
      invalid.add(name);
      onWarning(`cannot read the environment variable ${name}: it is not UTF-8, and counts as not set`);
    });
  return {
    async fetch(url, init, connection) {
      hasProxies ??= PROXY_VARIABLES.some((name) => env(name));
      if (connection !== undefined || hasProxies) {
        const { HttpClients } = await import("./http_clients.ts");
        clients ??= new HttpClients(env);
        return await clients.fetch(url, init, connection);
      }
      client ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      return await fetch(url, { ...init, client } as RequestInit);
    },
    async run(call) {
      const { pickVariables } = await import("./clean_command.ts");
      const { runSubprocess } = await import("./subprocess.ts");
      return await runSubprocess({ ...call, env: { ...pickVariables(PASSED_VARIABLES, env), ...call.env } });
    },
    now: () => Date.now(),
    sleep,
    timeout: createTimeouts(),
    watch: async (paths, onChange) => (await import("./file_watch.ts")).watchFiles(paths, onChange),
    random: () => Math.random(),
    uuid: () => crypto.randomUUID(),
    env,
    hostname: () => mayReadSystem("hostname") ? Deno.hostname() : "localhost",
    isRoot: () => mayReadSystem("uid") && Deno.uid() === 0,
    ask: async (path, args, signal) => await (await import("./clean_command.ts")).askProgram(path, args, signal),
    program: async () => await (await import("./program.ts")).readProgram(env),
    hasSystemd: async () => (await import("./systemd.ts")).isBooted(),
    surroundings: async () => (await import("./surroundings.ts")).readSurroundings(env),
    stdio: denoStdio(),
    [Symbol.dispose]() {
      client?.close();
      client = undefined;
      clients?.[Symbol.dispose]();
      clients = undefined;
    },
  };
}

function denoStdio(): Stdio {
  const encoder = new TextEncoder();
  const outputs = {
    stdout: new Output(Deno.stdout, { hasLineBuffer: true, isTerminal: Deno.stdout.isTerminal() }),
    stderr: new Output(Deno.stderr, { hasLineBuffer: false, isTerminal: Deno.stderr.isTerminal() }),
  };
  const passing: Record<OutputName, Promise<unknown>> = { stdout: Promise.resolve(), stderr: Promise.resolve() };
  return {
    stdin: () => Deno.stdin.readable,
    stdinIsTerminal: () => Deno.stdin.isTerminal(),
    async readInput() {
      const buffer = new Uint8Array(4096);
      const size = await Deno.stdin.read(buffer);
      return size === null ? undefined : buffer.subarray(0, size);
    },
    setRaw: (raw) => Deno.stdin.setRaw(raw),
    stdout: (text) => outputs.stdout.write(encoder.encode(text)),
    stderr: (text) => outputs.stderr.write(encoder.encode(text)),
    pass(to, bytes) {
      const before = passing[to === "stdout" ? "stderr" : "stdout"];
      const written = waitAtMost(before, ORDER_WAIT_MS).then(() => outputs[to].writeLater(bytes));
      passing[to] = written;
      return written;
    },
    failures: () =>
      (["stdout", "stderr"] as const).filter((to) => outputs[to].state === "failed").map((to) => {
        return { to, error: outputs[to].error };
      }),
    stdoutIsTerminal: () => Deno.stdout.isTerminal(),
    stderrIsTerminal: () => Deno.stderr.isTerminal(),
  };
}

/**
 * The maximum time that a write to one output waits for an earlier write to the other output, in
 * milliseconds. Waiting keeps the lines in order if both outputs are the same file. The time is
 * limited, because the reader of the other output can be slow.
 */
const ORDER_WAIT_MS = 20;

async function waitAtMost(work: Promise<unknown>, ms: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, sleep(ms, over.signal)]);
  over.abort();
}

/**
 * How long this process occupies the port of the inspector after SIGUSR1, in milliseconds. Deno
 * opens the inspector 1 to 40 ms after the signal (measured on a busy host).
 */
const HOLD_MS = 2000;

/**
 * The times after SIGUSR1 at which the inspector is closed, in milliseconds. Used if this process
 * cannot occupy the port of the inspector.
 */
const CLOSE_AFTER_MS = [0, 10, 30, 100, 300, 1000, 3000];

/**
 * Keeps Deno's inspector closed until the process ends. When a Deno process gets SIGUSR1, Deno
 * opens the inspector, and every user of the host can run code in the process. No option of Deno
 * turns the inspector off. Therefore this function adds a listener for SIGUSR1 that occupies the
 * port of the inspector. Deno adds its own listener half a second after the start, and calls
 * listeners in the order in which they were added. Therefore call this function before that time.
 */
export function keepInspectorClosed(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGUSR1", blockInspector);
}

function blockInspector(): void {
  try {
    const listener = Deno.listen(INSPECTOR_ADDRESS);
    listener.unref();
    AbortSignal.timeout(HOLD_MS).addEventListener("abort", () => listener.close());
  } catch {
    void closeInspector();
  }
}

async function closeInspector(): Promise<void> {
  const { close } = await import("node:inspector");
  for (const ms of CLOSE_AFTER_MS) Deno.unrefTimer(setTimeout(close, ms));
}
