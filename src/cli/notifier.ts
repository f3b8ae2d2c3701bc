/** Opens the notifier as the command line's options want it. */

import type { BackgroundMode } from "../notifier/background/spawn.ts";
import { stateDirPath } from "../config/paths.ts";
import { ConfigError } from "../base/errors.ts";
import { Notifier } from "../notifier/notifier.ts";
import type { CommandContext } from "./command.ts";

/** A notifier with the configured channels, which leaves a deliverer behind unless it must not. */
export async function openNotifier({ args, runtime, ui }: CommandContext): Promise<Notifier> {
  return await Notifier.open({
    runtime,
    configFile: args.text("config"),
    insecureHttp: args.has("insecure-http"),
    stateDir: args.text("state-dir"),
    background: backgroundOf(args),
    onWarning: (text) => ui.warn(text),
  });
}

/**
 * A notifier for looking at the queue and mending it. The configuration tells what waits for quiet hours or a pace; a broken one must not be in the way.
 */
export async function openQueueOnly({ args, runtime, ui }: CommandContext): Promise<Notifier> {
  const stateDir = args.text("state-dir") ?? stateDirPath(runtime);
  const options = { runtime, stateDir, onWarning: (text: string) => ui.warn(text) };
  try {
    // Nothing leaves through these channels, and nobody is left behind.
    const background = backgroundOf(args);
    return await Notifier.open({ ...options, configFile: args.text("config"), insecureHttp: true, background });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return await Notifier.open({ ...options, channels: {} });
  }
}

function backgroundOf(args: CommandContext["args"]): BackgroundMode {
  if (args.has("no-background")) return "no";
  return Deno.build.standalone ? "self" : "deno";
}
