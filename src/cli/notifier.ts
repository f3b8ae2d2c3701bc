/** Opens the notifier as the command line's options want it. */

import { stateDirPath } from "../config/paths.ts";
import { Notifier } from "../notifier.ts";
import type { CommandContext } from "./command.ts";

/** A notifier with the configured channels, which leaves a deliverer behind unless it must not. */
export async function openNotifier({ args, runtime, ui }: CommandContext): Promise<Notifier> {
  return await Notifier.open({
    runtime,
    configFile: args.text("config"),
    insecureHttp: args.has("insecure-http"),
    stateDir: args.text("state-dir"),
    background: args.has("no-background") ? "no" : Deno.build.standalone ? "self" : "deno",
    onWarning: (text) => ui.warn(text),
  });
}

/** A notifier for looking at the queue and mending it: a broken configuration must not be in the way of that. */
export async function openQueueOnly({ args, runtime, ui }: CommandContext): Promise<Notifier> {
  return await Notifier.open({
    runtime,
    channels: {},
    stateDir: args.text("state-dir") ?? stateDirPath(runtime),
    onWarning: (text) => ui.warn(text),
  });
}
