/** What all steps of `setup` use, and the reaction to Ctrl-C. */

import { InterruptedError } from "../../base/errors.ts";
import type { Runtime, Stdio } from "../../runtime/runtime.ts";
import type { ChannelPlan } from "./config_file.ts";
import type { SetupCommandContext } from "./options.ts";
import type { Prompter } from "./prompter.ts";

/** A running `setup`. */
export interface SetupContext extends SetupCommandContext {
  readonly prompter: Prompter;
  readonly plan: ChannelPlan;
  readonly stateDir: string;
  /** The runtime with the connection settings of the channel: proxy and certificates. */
  readonly connected: Runtime;
  /** Aborts with an {@linkcode InterruptedError} on Ctrl-C. */
  readonly signal: AbortSignal;
  /** What is done and stays if setup stops now: `the login of @bot:example.org`. */
  readonly done: string[];
}

/** A listener for Ctrl-C. */
export interface Interrupt extends Disposable {
  /** Aborts with an {@linkcode InterruptedError}. */
  readonly signal: AbortSignal;
}

/** Handles Ctrl-C until it is disposed of, so that setup can say what it leaves behind. */
export function listenForInterrupt(stdio: Stdio): Interrupt {
  const controller = new AbortController();
  const stop = () => {
    // The terminal has printed ^C: the next message starts on a new line.
    stdio.stderr("\n");
    controller.abort(new InterruptedError("Stopped"));
  };
  Deno.addSignalListener("SIGINT", stop);
  return { signal: controller.signal, [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", stop) };
}

/** Creates the error that says what setup leaves behind when a person stops it. */
export function createStoppedError({ hint }: InterruptedError, { done, plan }: SetupContext): InterruptedError {
  if (done.length === 0) return new InterruptedError("Stopped: nothing was changed", { hint });
  const kept = `${done.join(" and ")} ${done.length > 1 ? "are" : "is"} kept`;
  return new InterruptedError(`Stopped: ${plan.path} was not written; ${kept}`, {
    hint: hint ?? "run setup again to continue from here",
  });
}
