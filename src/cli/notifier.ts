/** Opens a notifier with the options of the command line. */

import { stateDirPath } from "../config/paths.ts";
import { NotifierCore } from "../notifier/core.ts";
import type { CoreOptions } from "../notifier/wiring.ts";
import type { ArgumentsFor } from "./arguments.ts";
import type { CommandContext, ContextFor } from "./command.ts";
import type { DELIVERY_OPTIONS, INSECURE_HTTP_OPTION } from "./options.ts";
import type { Ui } from "./ui.ts";

/**
 * Opens a notifier with the configured channels. A background process delivers the queued entries,
 * unless `--no-background` is given.
 */
export async function openNotifier(context: ContextFor<typeof DELIVERY_OPTIONS>): Promise<NotifierCore> {
  return await openWith(context, !context.args.has("no-background"));
}

/** Opens a notifier with the configured channels, for a command that does not send. */
export async function openPlanner(context: ContextFor<[typeof INSECURE_HTTP_OPTION]>): Promise<NotifierCore> {
  return await openWith(context, true);
}

/**
 * Opens a notifier for `flush --timer`. This notifier starts no background process and logs its
 * attempts.
 */
export async function openForTimer(context: ContextFor<typeof DELIVERY_OPTIONS>): Promise<NotifierCore> {
  const { logOutcome } = await import("../notifier/background/main.ts");
  const { stateDir = stateDirPath(context.runtime) } = findPaths(context.args);
  return await openWith(context, false, (outcome) => logOutcome(stateDir, outcome, context.runtime.now()));
}

async function openWith(
  { args, runtime, ui }: ContextFor<[typeof INSECURE_HTTP_OPTION]>,
  background: boolean,
  onAttempt?: CoreOptions["onAttempt"],
): Promise<NotifierCore> {
  const notifier = await NotifierCore.open({
    onAttempt,
    runtime,
    ...findPaths(args),
    insecureHttp: args.has("insecure-http"),
    role: "program",
    background,
    onWarning: (text) => ui.warn(text),
  });
  for (const { message, hint } of notifier.problems) ui.fail(message, hint);
  return notifier;
}

/**
 * Opens a notifier for a command that only reads or edits the queue. Does not print mistakes in the
 * configuration: the configuration is used only to find delayed and held (paused) entries.
 */
export async function openQueueOnly({ args, runtime, ui }: CommandContext): Promise<NotifierCore> {
  const { configFile, stateDir = stateDirPath(runtime) } = findPaths(args);
  return await NotifierCore.open({
    ...{ runtime, stateDir, configFile },
    // Plain http is not a risk here, because the command does not send.
    insecureHttp: true,
    role: "program",
    background: true,
    onWarning: (text) => ui.warn(text),
  });
}

function findPaths(args: ArgumentsFor<readonly []>) {
  return { configFile: args.text("config"), stateDir: args.text("state-dir") };
}

/** Delivers the queued notifications that could not be sent without a login. */
export async function releaseHeld(notifier: NotifierCore, ui: Ui): Promise<void> {
  const outcomes = await notifier.flush({ waitMs: 0 });
  const delivered = outcomes.filter(({ state }) => state === "delivered").length;
  if (outcomes.length > 0) ui.warn(`Delivered ${delivered} of ${outcomes.length} queued entries`);
}
