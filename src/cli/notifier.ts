/** Opens a notifier with the options of the command line. */

import { socketPath, stateDirPath } from "../config/paths.ts";
import { NotifierCore } from "../notifier/core.ts";
import type { CoreOptions } from "../notifier/wiring.ts";
import type { ArgumentsFor } from "./arguments.ts";
import type { CommandContext, ContextFor } from "./command.ts";
import type { DELIVERY_OPTIONS, INSECURE_HTTP_OPTION } from "./options.ts";
import type { Sender } from "./socket_sender.ts";
import type { Ui } from "./ui.ts";

/**
 * Opens a notifier with the configured channels. A background process delivers the queued entries,
 * unless `--no-background` is given.
 */
export async function openNotifier(context: ContextFor<typeof DELIVERY_OPTIONS>): Promise<NotifierCore> {
  return await openWith(context, !context.args.has("no-background"));
}

/**
 * Opens a notifier. If this user cannot send, opens the socket of `serve` instead. A user cannot
 * send if no channel is configured, if the configuration cannot be read, or if the queue belongs to
 * another user. If `MATRIX_NOTIFY_SOCKET` is set, opens the socket even if this user can send. With
 * `--config` or `--state-dir`, never opens the socket.
 */
export async function openSender(context: ContextFor<typeof DELIVERY_OPTIONS>): Promise<Sender> {
  const { args, runtime } = context;
  const openLocal = () => openNotifier(context);
  if (args.text("config") !== undefined || args.text("state-dir") !== undefined) return await openLocal();
  const openSocket = async () => {
    const { SocketSender } = await import("./socket_sender.ts");
    return new SocketSender(socketPath(runtime), context, openLocal);
  };
  if (runtime.env("MATRIX_NOTIFY_SOCKET")) return await openSocket();
  const notifier = await open(context, !args.has("no-background"));
  if (!notifier.needsServer) return printProblems(notifier, context);
  const { probeSocket } = await import("../runtime/unix_socket.ts");
  if (await probeSocket(socketPath(runtime)) === "absent") return printProblems(notifier, context);
  await notifier[Symbol.asyncDispose]();
  return await openSocket();
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
  context: ContextFor<[typeof INSECURE_HTTP_OPTION]>,
  background: boolean,
  onAttempt?: CoreOptions["onAttempt"],
): Promise<NotifierCore> {
  return printProblems(await open(context, background, onAttempt), context);
}

function printProblems(notifier: NotifierCore, { ui }: Pick<CommandContext, "ui">): NotifierCore {
  for (const { message, hint } of notifier.problems) ui.fail(message, hint);
  return notifier;
}

async function open(
  { args, runtime, ui }: ContextFor<[typeof INSECURE_HTTP_OPTION]>,
  background: boolean,
  onAttempt?: CoreOptions["onAttempt"],
): Promise<NotifierCore> {
  return await NotifierCore.open({
    onAttempt,
    runtime,
    ...findPaths(args),
    insecureHttp: args.has("insecure-http"),
    role: "program",
    background,
    onWarning: (text) => ui.warn(text),
  });
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

/**
 * Opens the queue of this user for a command that shows the queue. If this user sends through the
 * socket of `serve`, prints that the notifications are in the queue of `serve`.
 */
export async function openOwnQueue(context: CommandContext): Promise<NotifierCore> {
  const notifier = await openQueueOnly(context);
  const { args, runtime, ui } = context;
  if (!notifier.needsServer || args.text("state-dir") !== undefined) return notifier;
  const { probeSocket } = await import("../runtime/unix_socket.ts");
  const socket = socketPath(runtime);
  if (await probeSocket(socket) === "open") {
    ui.fail(
      `This user sends through ${socket}, into the queue of serve`,
      "run the same command as root, or as the user of serve",
    );
  }
  return notifier;
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
