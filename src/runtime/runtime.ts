/**
 * The one owner of ambient effects. Everything else takes what it needs from a {@linkcode Runtime}, so that a test can give it
 * another clock, another dice and another network. Files are the exception: `queue/` and `config/` own theirs.
 *
 * @module
 */

import { PROXY_VARIABLES } from "./address.ts";
import type { Connection } from "./connection.ts";
import type { HttpClients } from "./http_clients.ts";
import type { SubprocessCall, SubprocessEnd } from "./subprocess.ts";
import { mayReadSystem, mayReadVariable } from "./permissions.ts";
import { readAtMost } from "./streams.ts";

/** Text in and out of the process. */
export interface Stdio {
  /** Reads standard input to its end, or until there are more than `maxBytes`. */
  readonly stdin: (maxBytes: number) => Promise<Uint8Array>;
  /** Whether standard input is a terminal, where waiting for text would surprise. */
  readonly stdinIsTerminal: () => boolean;
  /** What comes next by standard input, as soon as there is something; undefined at its end. */
  readonly readInput: () => Promise<Uint8Array | undefined>;
  /** Whether a terminal gives each key as it is typed, and shows none. @default {false} */
  readonly setRaw: (raw: boolean) => void;
  /** Writes to standard output, which is for data. */
  readonly stdout: (text: string) => void;
  /** Writes to standard error, which is for people. */
  readonly stderr: (text: string) => void;
  /** Writes bytes as they are: what another program says. */
  readonly pass: (to: "stdout" | "stderr", bytes: Uint8Array) => void;
  /** Whether standard output is a terminal. */
  readonly stdoutIsTerminal: () => boolean;
  /** Whether standard error is a terminal. */
  readonly stderrIsTerminal: () => boolean;
}

/** The effects of the outside world. */
export interface Runtime {
  /**
   * `fetch`, over a client that keeps no idle connections: a pooled one that dies makes Deno send a PUT twice. A channel with a certificate or a proxy of its
   * own names its connection.
   */
  readonly fetch: (url: string, init: RequestInit, connection?: Connection) => Promise<Response>;
  /** Runs a program to its end, or kills it when its signal aborts; see `program.ts`. */
  readonly run: (call: SubprocessCall) => Promise<SubprocessEnd>;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A signal that aborts with a `TimeoutError` after `ms`: the limit of a request. */
  readonly timeout: (ms: number) => AbortSignal;
  /** A number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** A new UUID, version 4. */
  readonly uuid: () => string;
  /** An environment variable; undefined when unset or not permitted. */
  readonly env: (name: string) => string | undefined;
  /** The host's name, or `localhost` when it may not be read. */
  readonly hostname: () => string;
  /** Whether the process runs as root, who keeps things in system folders; no where it may not be asked. */
  readonly isRoot: () => boolean;
  /** Standard input, output and error. */
  readonly stdio: Stdio;
}

/** The real runtime. Dispose of it to close its HTTP client. */
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
      const { PASSED_VARIABLES, runSubprocess } = await import("./subprocess.ts");
      const passedOn = PASSED_VARIABLES.map((name) => [name, env(name)]).filter(([, value]) => value !== undefined);
      return await runSubprocess({ ...call, env: { ...Object.fromEntries(passedOn), ...call.env } });
    },
    now: () => Date.now(),
    sleep,
    timeout: (ms) => AbortSignal.timeout(ms),
    random: () => Math.random(),
    uuid: () => crypto.randomUUID(),
    env,
    hostname: () => mayReadSystem("hostname") ? Deno.hostname() : "localhost",
    isRoot: () => mayReadSystem("uid") && Deno.uid() === 0,
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

/** Timers are 32-bit: a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function denoStdio(): Stdio {
  const encoder = new TextEncoder();
  const write = (stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array) => {
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(stream.writeSync(rest));
    } catch {
      // Whoever should have read it is gone, or the disk behind it is full. What was done is done, and its exit code says so.
      return;
    }
  };
  return {
    stdin: (maxBytes) => readAtMost(Deno.stdin.readable, maxBytes),
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
