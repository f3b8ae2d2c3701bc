/** Ctrl-C: what is under way is called off, and what was done is told, in place of an end without a word. */

import { InterruptedError } from "../../base/errors.ts";
import type { Stdio } from "../../runtime/runtime.ts";

/** Listens for Ctrl-C as long as it is not disposed of. */
export interface Interrupt extends Disposable {
  /** Aborts with an {@linkcode InterruptedError}. */
  readonly signal: AbortSignal;
}

/** Begins to listen. The terminal has shown `^C` by then; what is said next stands on a line of its own. */
export function listenForInterrupt(stdio: Stdio): Interrupt {
  const controller = new AbortController();
  const stop = () => {
    stdio.stderr("\n");
    controller.abort(new InterruptedError("Stopped"));
  };
  Deno.addSignalListener("SIGINT", stop);
  return { signal: controller.signal, [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", stop) };
}
