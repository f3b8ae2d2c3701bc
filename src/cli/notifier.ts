/** Opens the notifier as the command line's options want it. */

import { startBackgroundFrom } from "../background.ts";
import { Notifier } from "../notifier.ts";
import type { CommandContext } from "./command.ts";

/** A notifier with the configured channels, which leaves a deliverer behind unless it must not. */
export async function openNotifier({ args, runtime, ui }: CommandContext): Promise<Notifier> {
  const configFile = args.text("config");
  const insecureHttp = args.has("insecure-http");
  return await Notifier.open({
    runtime,
    configFile,
    insecureHttp,
    stateDir: args.text("state-dir"),
    onWarning: (text) => ui.warn(text),
    startBackground: args.has("no-background")
      ? undefined
      : startBackgroundFrom({ compiled: Deno.build.standalone, configFile, insecureHttp }),
  });
}

/** A notifier for looking at the queue and mending it: a broken configuration must not be in the way of that. */
export async function openQueueOnly({ args, runtime, ui }: CommandContext): Promise<Notifier> {
  return await Notifier.open({
    runtime,
    channels: {},
    stateDir: args.text("state-dir"),
    onWarning: (text) => ui.warn(text),
  });
}
