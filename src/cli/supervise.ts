/**
 * Runs a command with the standard input, environment, directory and process group of
 * matrix-notify. Prints the output of the command unchanged, keeps it for the message, and forwards
 * signals to the command. If the program that reads an output has ended (`| head -1`), the command
 * gets SIGPIPE. If a write fails for another reason, the command continues, and its output is
 * discarded.
 *
 * @module
 */

import { formatDenial, permissionHint } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EndsBuffer } from "../runtime/streams.ts";
import { createBodyBuffer } from "./body.ts";
import { EXIT } from "./exit_codes.ts";

/**
 * The end of a command. `code` has the value that a shell would return: the exit code of the
 * command, 126 (not executable), 127 (not found), or 128 plus the number of the signal that ended
 * it.
 */
export type CommandEnd =
  | { readonly how: "exit"; readonly code: number }
  | { readonly how: "signal"; readonly code: number; readonly signal: string }
  | { readonly how: "no start"; readonly code: number; readonly reason: string };

/** The result of a supervised command. Disposing of the result ends the handling of signals. */
export interface Supervised extends Disposable {
  readonly end: CommandEnd;
  readonly output: EndsBuffer;
}

/**
 * The signals that are forwarded to the command: all signals that another process sends to control
 * a program. The other signals are about matrix-notify itself, or cannot be received:
 *
 * - SIGKILL, SIGSTOP: no program can listen for them.
 * - SIGILL, SIGFPE, SIGSEGV: Deno does not allow a listener.
 * - SIGBUS, SIGTRAP, SIGSYS: a fault of this process. A listener would hide the fault.
 * - SIGPIPE, SIGCHLD, SIGTTIN, SIGTTOU, SIGURG, SIGXFSZ: the kernel sends these signals about the
 *   files, sockets, terminal and child processes of this process.
 *
 * Some systems do not have all of these signals.
 */
const SIGNALS: readonly Deno.Signal[] = [
  ...["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGABRT", "SIGALRM", "SIGVTALRM"] as const,
  ...["SIGPROF", "SIGXCPU", "SIGIO", "SIGPWR", "SIGWINCH", "SIGTSTP", "SIGCONT"] as const,
];

/**
 * The signals that a terminal sends to its whole process group, including the command: for Ctrl-C,
 * Ctrl-\, Ctrl-Z, and a new size of the window.
 */
const TERMINAL_SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT", "SIGTSTP", "SIGWINCH"];

/**
 * The maximum time to wait for more output after the command has ended, in milliseconds. The output
 * can stay open for a long time if the command started a background process.
 */
const DRAIN_MS = 2000;

/**
 * Runs a command without a shell. Searches for the command in `PATH`. Until the caller disposes of
 * the returned object, signals do not end matrix-notify. So even after a signal, the caller can
 * send a message about the end of the command.
 */
export async function supervise(
  command: readonly string[],
  { stdio, timeout }: Pick<Runtime, "stdio" | "timeout">,
): Promise<Supervised> {
  const output = createBodyBuffer();
  const child = start(command);
  if ("how" in child) return { end: child, output, [Symbol.dispose]() {} };
  const isOnTerminal = stdio.stdinIsTerminal() || stdio.stdoutIsTerminal() || stdio.stderrIsTerminal();
  const stopForwarding = forwardSignals(child, isOnTerminal);
  const copies = ([["stdout", child.stdout], ["stderr", child.stderr]] as const).map(([to, stream]) =>
    new Copy(stream, async (chunk) => {
      output.push(chunk);
      return await stdio.pass(to, chunk) !== "closed";
    })
  );
  const { code, signal } = await child.status;
  const copied = Promise.all(copies.map(({ done }) => done)).then(() => true);
  while (!await Promise.race([copied, aborted(timeout(DRAIN_MS))])) {
    for (const copy of copies) copy.stopReading();
  }
  const end: CommandEnd = signal === null ? { how: "exit", code } : { how: "signal", code, signal };
  return { end, output, [Symbol.dispose]: stopForwarding };
}

/** Reads an output of the command and passes each chunk on. */
class Copy {
  /** Resolves at the end of the output, or if reading was stopped. */
  readonly done: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #isReading = true;

  /**
   * @param pass passes a chunk on, and returns false if no program reads the chunks any more. This
   *   class then closes the output of the command. The next write of the command causes SIGPIPE,
   *   as in a shell.
   */
  constructor(stream: ReadableStream<Uint8Array>, pass: (chunk: Uint8Array) => Promise<boolean>) {
    this.#reader = stream.getReader();
    this.done = this.#copy(pass);
  }

  /**
   * Stops reading the output of the command. Does nothing while a chunk is being passed on, because
   * a slow reader must still get this chunk.
   */
  stopReading(): void {
    if (this.#isReading) void this.#reader.cancel();
  }

  async #copy(pass: (chunk: Uint8Array) => Promise<boolean>): Promise<void> {
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
      this.#isReading = false;
      if (!await pass(part.value)) return await this.#reader.cancel();
      this.#isReading = true;
    }
  }
}

function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    signal.addEventListener("abort", () => resolve(false));
  });
}

function start([path, ...args]: readonly string[]): Deno.ChildProcess | CommandEnd {
  try {
    return new Deno.Command(path, { args, stdin: "inherit", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { how: "no start", code: 127, reason: interpreterProblem(path) ?? "there is no such command" };
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return { how: "no start", code: 126, reason: "permission is denied" };
    }
    if (error instanceof Deno.errors.NotCapable) {
      return { how: "no start", code: EXIT.noPerm, reason: `${formatDenial(error)}; ${permissionHint(error)}` };
    }
    if (!(error instanceof Error)) throw error;
    return { how: "no start", code: 126, reason: error.message };
  }
}

/**
 * Describes a script whose interpreter does not exist. The system reports this error as if the
 * script did not exist. A frequent reason is a file with the line ends of Windows.
 */
function interpreterProblem(path: string): string | undefined {
  if (!path.includes("/")) return undefined;
  try {
    if (!Deno.statSync(path).isFile) return undefined;
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(256);
    const [line] = new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0)).split("\n", 1);
    const interpreter = /^#![ \t]*([^ \t\r]+)/.exec(line)?.[1];
    if (interpreter === undefined) return undefined;
    if (line.endsWith("\r")) return "its first line ends with CR LF, as on Windows; a script needs LF";
    return `its first line names the interpreter ${interpreter}, which cannot be found`;
  } catch {
    return undefined;
  }
}

/**
 * Forwards signals to the command, except signals that the terminal also sends to the command.
 * SIGTSTP also stops this process, until SIGCONT continues both.
 *
 * The listeners are added after the command has started. `nohup` makes this process ignore SIGHUP,
 * and the command inherits this setting. If this process had a listener before the start, the
 * command would not ignore SIGHUP.
 */
function forwardSignals(child: Deno.ChildProcess, isOnTerminal: boolean): () => void {
  const listeners = SIGNALS.map((signal) => {
    const forward = () => {
      if (!isOnTerminal || !TERMINAL_SIGNALS.includes(signal)) ignoreErrors(() => child.kill(signal));
      if (signal === "SIGTSTP") ignoreErrors(() => Deno.kill(Deno.pid, "SIGSTOP"));
    };
    ignoreErrors(() => Deno.addSignalListener(signal, forward));
    return () => ignoreErrors(() => Deno.removeSignalListener(signal, forward));
  });
  return () => listeners.forEach((remove) => remove());
}

/** Ignores the error if the command has ended, or if this system does not have the signal. */
function ignoreErrors(action: () => void): void {
  try {
    action();
  } catch {
    return;
  }
}
