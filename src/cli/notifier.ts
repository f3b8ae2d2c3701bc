/** Opens the notifier as the command line's options want it. */

import { stateDirPath } from "../config/paths.ts";
import { ConfigError } from "../base/errors.ts";
import { NotifierCore } from "../notifier/core.ts";
import type { CommandContext } from "./command.ts";

/** A notifier with the configured channels, which leaves a deliverer behind unless it must not. */
export async function openNotifier({ args, runtime, ui }: CommandContext): Promise<NotifierCore> {
  return await NotifierCore.open({
    runtime,
    configFile: args.text("config"),
    insecureHttp: args.has("insecure-http"),
    stateDir: args.text("state-dir"),
    role: "program",
    background: !args.has("no-background"),
    onWarning: (text) => ui.warn(text),
  });
}

/**
 * A notifier for looking at the queue and mending it. The configuration tells what waits for quiet hours or a pace; a broken one must not be in the way.
 */
export async function openQueueOnly({ args, runtime, ui }: CommandContext): Promise<NotifierCore> {
  const stateDir = args.text("state-dir") ?? stateDirPath(runtime);
  const options = { runtime, stateDir, onWarning: (text: string) => ui.warn(text) };
  try {
    // Nothing leaves through these channels, and nobody is left behind.
    return await NotifierCore.open({
      ...options,
      configFile: args.text("config"),
      insecureHttp: true,
      role: "program",
      background: !args.has("no-background"),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return await NotifierCore.open({ ...options, channels: {} });
  }
}
