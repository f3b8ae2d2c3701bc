/**
 * The access to the outside world. All other code uses a {@linkcode Runtime}, so that a test can
 * replace the clock, the random numbers and the network. For files, this rule does not apply:
 * `queue/`, `accounts/` and `config/` access their files directly.
 *
 * @module
 */

import { PROXY_VARIABLES } from "./address.ts";
import type { Connection, HttpClients } from "./http_clients.ts";
import { mayReadSystem, mayReadVariable } from "./permissions.ts";
import type { Surroundings } from "./surroundings.ts";
import type { SubprocessCall, SubprocessEnd } from "./subprocess.ts";

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
  /** Writes data to standard output. */
  readonly stdout: (text: string) => void;
  /** Writes messages for people to standard error. */
  readonly stderr: (text: string) => void;
  /** Writes the output of another program to standard output or standard error, unchanged. */
  readonly pass: (to: "stdout" | "stderr", bytes: Uint8Array) => void;
  /** Returns true if standard output is a terminal. */
  readonly stdoutIsTerminal: () => boolean;
  /** Returns true if standard error is a terminal. */
  readonly stderrIsTerminal: () => boolean;
}

/** The functions that access the outside world. */
export interface Runtime {
  /**
   * Sends an HTTP request with the parameters of the global `fetch`. Idle connections are not
   * reused, because Deno can send a PUT twice if an idle connection breaks. A channel whose
   * settings contain certificates or a proxy passes `connection`.
   */
  readonly fetch: (url: string, init: RequestInit, connection?: Connection) => Promise<Response>;
  /** Runs a program until it ends, or kills it when the signal aborts; see `subprocess.ts`. */
  readonly run: (call: SubprocessCall) => Promise<SubprocessEnd>;
  /** Returns the current time, in milliseconds since 1970. */
  readonly now: () => number;
  /** Waits for `ms` milliseconds, or until the signal aborts. The promise never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Creates a signal that aborts with a `TimeoutError` after `ms` milliseconds. */
  readonly timeout: (ms: number) => AbortSignal;
  /** Returns a random number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Creates a UUID, version 4. */
  readonly uuid: () => string;
  /**
   * Reads an environment variable. Returns undefined if the variable is not set, or if Deno denies
   * access.
   */
  readonly env: (name: string) => string | undefined;
  /** Returns the host name, or `localhost` if Deno denies access. */
  readonly hostname: () => string;
  /**
   * Returns true if the process runs as root. The program uses the system directories if it runs as
   * root. Returns false if Deno denies access to the user id.
   */
  readonly isRoot: () => boolean;
  /** Finds out whether a background process of this process survives; see `surroundings.ts`. */
  readonly surroundings: () => Promise<Surroundings>;
  readonly stdio: Stdio;
}

/** Creates the real runtime. Disposing of the runtime closes its HTTP clients. */
export function denoRuntime(): Runtime & Disposable {
  let client: Deno.HttpClient | undefined;
  let clients: HttpClients | undefined;
  let hasProxies: boolean | undefined;
  const env = (name: string) => mayReadVariable(name) ? Deno.env.get(name) : undefined;
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
      const { PASSED_VARIABLES, pickVariables } = await import("./clean_command.ts");
      const { runSubprocess } = await import("./subprocess.ts");
      return await runSubprocess({ ...call, env: { ...pickVariables(PASSED_VARIABLES, env), ...call.env } });
    },
    now: () => Date.now(),
    sleep,
    timeout: (ms) => AbortSignal.timeout(ms),
    random: () => Math.random(),
    uuid: () => crypto.randomUUID(),
    env,
    hostname: () => mayReadSystem("hostname") ? Deno.hostname() : "localhost",
    isRoot: () => mayReadSystem("uid") && Deno.uid() === 0,
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

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, MAX_TIMER_MS));
    signal?.addEventListener("abort", done);
  });
}

/**
 * The maximum delay of a timer, in milliseconds. With a longer delay, a timer would fire
 * immediately.
 */
const MAX_TIMER_MS = 2 ** 31 - 1;

function denoStdio(): Stdio {
  const encoder = new TextEncoder();
  const write = (stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array) => {
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(stream.writeSync(rest));
    } catch {
      // The program that reads the output has ended, or the disk is full.
      return;
    }
  };
  return {
    stdin: () => Deno.stdin.readable,
    stdinIsTerminal: () => Deno.stdin.isTerminal(),
    async readInput() {
      const buffer = new Uint8Array(4096);
      const size = await Deno.stdin.read(buffer);
      return size === null ? undefined : buffer.subarray(0, size);
    },
    setRaw: (raw) => Deno.stdin.setRaw(raw),
    stdout: (text) => write(Deno.stdout, encoder.encode(text)),
    stderr: (text) => write(Deno.stderr, encoder.encode(text)),
    pass: (to, bytes) => write(Deno[to], bytes),
    stdoutIsTerminal: () => Deno.stdout.isTerminal(),
    stderrIsTerminal: () => Deno.stderr.isTerminal(),
  };
}
