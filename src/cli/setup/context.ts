/** The context of the steps of `setup`, and the handling of Ctrl-C. */

import { InterruptedError } from "../../base/errors.ts";
import { lastingPath } from "../../runtime/paths.ts";
import type { Runtime, Stdio } from "../../runtime/runtime.ts";
import type { CommandContext } from "../command.ts";
import type { ChannelPlan } from "./config_file.ts";
import type { SetupCommandContext } from "./options.ts";
import type { Prompter } from "./prompter.ts";

/** The context of a running `setup`. */
export interface SetupContext extends SetupCommandContext {
  readonly prompter: Prompter;
  readonly plan: ChannelPlan;
  readonly stateDir: string;
  /** The runtime with the connection settings of the channel (proxy and certificates). */
  readonly connected: Runtime;
  /** A signal that aborts with an {@linkcode InterruptedError} on Ctrl-C. */
  readonly signal: AbortSignal;
  /** The finished steps, which are kept if setup stops: `the login of @bot:example.org`. */
  readonly done: string[];
}

/**
 * Returns the options with which later commands use the same configuration and queue as `setup`.
 * If `setup` used a default path, later commands find this path without an option.
 */
export function givenPlaces(
  { args, runtime }: Pick<CommandContext, "args" | "runtime">,
  { config, stateDir }: { readonly config: string; readonly stateDir: string },
): readonly string[] {
  const isSet = (option: "config" | "state-dir", variable: string) => args.text(option) ?? runtime.env(variable);
  return [
    ...isSet("config", "MATRIX_NOTIFY_CONFIG") ? ["--config", lastingPath(config)] : [],
    ...isSet("state-dir", "MATRIX_NOTIFY_STATE_DIR") ? ["--state-dir", lastingPath(stateDir)] : [],
  ];
}

/** A listener for Ctrl-C. */
export interface Interrupt extends Disposable {
  /** A signal that aborts with an {@linkcode InterruptedError} on Ctrl-C. */
  readonly signal: AbortSignal;
}

/**
 * Listens for Ctrl-C until disposed. After Ctrl-C, setup prints its finished steps and stops.
 */
export function listenForInterrupt(stdio: Stdio): Interrupt {
  const controller = new AbortController();
  const stop = () => {
    // The terminal has printed ^C. The next message must begin on a new line.
    stdio.stderr("\n");
    controller.abort(new InterruptedError("Stopped"));
  };
  Deno.addSignalListener("SIGINT", stop);
  return { signal: controller.signal, [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", stop) };
}

/** Creates the error for a stopped setup. Its message lists the finished steps. */
export function createStoppedError({ hint }: InterruptedError, { done, plan }: SetupContext): InterruptedError {
  if (done.length === 0) return new InterruptedError("Stopped: nothing was changed", { hint });
  const kept = `${done.join(" and ")} ${done.length > 1 ? "are" : "is"} kept`;
  return new InterruptedError(`Stopped: ${plan.path} was not written; ${kept}`, {
    hint: hint ?? "run setup again to continue from here",
  });
}
