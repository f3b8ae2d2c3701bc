/**
 * The parts that all fuzzers share: a host with a state directory, a clock and a network that the
 * fuzzer controls, and the checks that hold for every command.
 *
 * @module
 */

import { main } from "../../src/cli/main.ts";
import { CHECK_MEANINGS, DOCTOR_MEANINGS, EXIT, EXIT_MEANINGS } from "../../src/cli/exit_codes.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";
import { JumpingClock } from "./clock.ts";

/** A fuzzer: it plays cases, each from a number. The same number gives the same case. */
export interface Fuzzer {
  readonly name: string;
  /** True if the fuzzer starts processes. It then gets all permissions. */
  readonly runsPrograms?: true;
  /** Starts what all cases share, such as servers. */
  open(): Promise<FuzzPlayer>;
}

/** A fuzzer that was opened. */
export interface FuzzPlayer extends AsyncDisposable {
  /**
   * Plays one case.
   *
   * @returns the kind of the case, for the table of results
   * @throws {Error} if a promise of the program is broken
   */
  play(seed: number): Promise<string>;
}

/** The result of a command in this process. */
export interface CommandResult {
  readonly argv: readonly string[];
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** How long the command took by its own clock, in milliseconds. */
  readonly elapsedMs: number;
}

/** What a command gets besides its words. */
export interface CommandInput {
  readonly stdin?: string | Uint8Array;
  /** The input at the terminal. Without it and without `stdin`, the input is empty. */
  readonly typed?: readonly string[];
}

/** A command that runs longer than this hangs, in milliseconds of the real clock. */
const HANG_MS = 30_000;

/** A host with a state directory. Its clock moves only during sleeps and time limits. */
export class FuzzHost implements Disposable {
  readonly directory: string = Deno.makeTempDirSync({ prefix: "matrix-notify-fuzz-" });
  readonly env: Record<string, string>;
  /** The requests that commands sent. */
  requests = 0;
  fetch: Runtime["fetch"] | undefined;
  time: number = Date.UTC(2026, 10, 22, 20);
  #clock = new JumpingClock(this.time);

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.env = {
      HOME: this.directory,
      MATRIX_NOTIFY_STATE_DIR: this.stateDir,
      // A crash prints its stack.
      MATRIX_NOTIFY_DEBUG: "1",
      ...env,
    };
  }

  get stateDir(): string {
    return `${this.directory}/state`;
  }

  /** Writes a file that only its owner can read, and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = `${this.directory}/${name}`;
    Deno.writeFileSync(path, typeof content === "string" ? new TextEncoder().encode(content) : content, {
      mode: 0o600,
    });
    return path;
  }

  /** Runs a command in this process and checks what holds for every command. */
  async run(argv: readonly string[], { stdin = "", typed }: CommandInput = {}): Promise<CommandResult> {
    using fake = fakeRuntime({
      env: this.env,
      stdin: typed === undefined ? stdin : undefined,
      typed,
      // Only the output of the program is checked.
      hasEcho: false,
      now: this.time,
      realIds: true,
    });
    const clock = new JumpingClock(this.time);
    this.#clock = clock;
    const code = await withinRealTime(main(argv, this.#runtime(fake)), `matrix-notify ${argv.join(" ")}`);
    const result = { argv, code, out: fake.out(), err: fake.err(), elapsedMs: clock.now() - this.time };
    this.time = clock.now() + 1;
    checkResult(result);
    return result;
  }

  /** Lets the time pass until a request is given up. */
  async pass({ signal }: RequestInit): Promise<void> {
    await this.#clock.pass(signal);
    signal?.throwIfAborted();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }

  #runtime(fake: FakeRuntime): Runtime {
    const { now, sleep, timeout } = this.#clock;
    return {
      ...fake,
      ...{ now, sleep, timeout },
      fetch: async (...call) => {
        this.requests++;
        return await this.#clock.hold((this.fetch ?? fake.fetch)(...call));
      },
    };
  }
}

/** Fails if a promise takes too long by the real clock. */
export async function withinRealTime<Value>(work: Promise<Value>, what: string): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`It hangs: ${what}`)), HANG_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Matches the characters that a terminal may obey, and characters that change the direction. */
const HIDDEN_REGEXP = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** Matches a line of a stack trace. */
const STACK_REGEXP = /^\s+at .*(?:file:|\.ts:|\.js:|ext:)/m;

/**
 * Checks what holds for every command: a documented exit code, no crash, no escape on the screen.
 */
export function checkResult({ argv, code, out, err }: Omit<CommandResult, "elapsedMs">): void {
  const shown = `matrix-notify ${JSON.stringify(argv).slice(0, 2000)} ended with ${code}`;
  const text = `${out}\n${err}`;
  const fail = (problem: string) => {
    throw new Error(`${shown}: ${problem}\n${JSON.stringify(text.slice(-3000))}`);
  };
  if (code === EXIT.software || /this is a bug/i.test(err)) fail("it crashed");
  if (!documentedCodes(argv).includes(code)) fail("the exit code is not documented");
  if (STACK_REGEXP.test(text)) fail("it printed a stack trace");
  const hidden = HIDDEN_REGEXP.exec(text)?.[0];
  if (hidden !== undefined) fail(`it printed the character U+${hidden.codePointAt(0)?.toString(16)}`);
}

function documentedCodes(argv: readonly string[]): readonly number[] {
  // `run` ends with the code of its command, or as a shell does if it cannot start it.
  if (argv[0] === "run") return Array.from({ length: 256 }, (_, code) => code);
  const general = EXIT_MEANINGS.map(([code]) => code);
  if (argv[0] === "doctor") return [...general, ...DOCTOR_MEANINGS.map(([code]) => code)];
  if (argv[0] === "status") return [...general, ...CHECK_MEANINGS.map(([code]) => code)];
  return general;
}

/** What became of a notification in the queue. */
export interface QueuedText {
  readonly state: string;
  readonly text: string;
}

/**
 * Lists all entries of the queue.
 *
 * @throws {Error} if a dead letter has no reason
 */
export async function listQueue(host: FuzzHost): Promise<readonly QueuedText[]> {
  const { out } = await host.run(["queue", "export", "-"]);
  return out.split("\n").filter((line) => line !== "").map((line) => {
    const entry = JSON.parse(line);
    if (entry.state === "dead" && !entry.reason) throw new Error(`A dead letter has no reason: ${line}`);
    return { state: entry.state, text: line };
  });
}
