/**
 * `run`: runs a command and sends its result. If the notification cannot be sent, the command still
 * runs, and its exit code does not change.
 *
 * @module
 */

import { formatDuration } from "../../base/duration.ts";
import { HintedError } from "../../base/errors.ts";
import { type NotificationInput, SEVERITIES } from "../../notification/notification.ts";
import { formatOutputFailure } from "../../runtime/file_errors.ts";
import { toMessage } from "../body.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { DELIVERY_OPTIONS, DESTINATION_OPTIONS, JSON_OPTION, MESSAGE_OPTIONS, WAIT_OPTION } from "../options.ts";
import { printOutcomesJson, reportTrouble } from "../outcomes.ts";
import type { Sender } from "../socket_sender.ts";
import { type CommandEnd, supervise } from "../supervise.ts";

const OPTIONS = [
  {
    name: "only-on-failure",
    summary: "send nothing if the command succeeds, except while the incident of --key is open",
  },
  {
    name: "subject",
    short: "s",
    value: "NAME",
    allowsEmpty: true,
    summary: "name of the command in the subject (default: the file name of the command)",
  },
  {
    name: "severity",
    short: "p",
    value: "S",
    oneOf: SEVERITIES,
    allowsEmpty: true,
    summary: "severity of a failure (default error)",
  },
  {
    name: "origin",
    value: "NAME",
    allowsEmpty: true,
    summary: "name of the sender (default: the file name of the command)",
  },
  {
    name: "key",
    short: "k",
    value: "KEY",
    allowsEmpty: true,
    summary: "key of the incident: a failure opens the incident, a success closes it",
  },
  ...MESSAGE_OPTIONS,
  ...DESTINATION_OPTIONS,
  WAIT_OPTION,
  JSON_OPTION,
  ...DELIVERY_OPTIONS,
] as const;

type RunContext = ContextFor<typeof OPTIONS>;

export const run: Command = defineCommand({
  operands: "-- COMMAND [ARG...]",
  foreignWords: "command",
  options: OPTIONS,
  details: [
    "run exits with the exit code of the command. If a signal ends the command, the exit code is 128 plus the " +
    "number of the signal. If the command does not exist, the exit code is 127. If the command cannot be " +
    "executed, the exit code is 126. If the notification cannot be sent, run prints an error, but exits " +
    "with the exit code of the command.",
    "The output of the command is printed unchanged. If run cannot write the output of the command, for example " +
    "because the disk is full, the notification reports a failure. If the command succeeded, run then exits with " +
    "74. If the program that reads the output ends (run ... | head), the command gets SIGPIPE.",
    "The body of the notification is the output. If the output is too long for a service, the message contains only " +
    "the end, and the output follows as a file. If the output is longer than 8 MiB, the file contains only the " +
    "beginning and the end. The arguments of the command are not sent, because they can contain secrets.",
    "The command is started without a shell. If run gets a signal, it forwards the signal to the command. No " +
    "program can forward SIGKILL and SIGSTOP. The command reads the standard input of run. The command writes to a " +
    "pipe and not to a terminal, so some commands print no colours, show no progress or ask no questions. If a " +
    "command needs a terminal, start it with script(1), as in the last example.",
    "With --json, run prints the result of each delivery after the output of the command.",
  ],
  examples: [
    "matrix-notify run --only-on-failure -- /usr/local/bin/backup",
    'matrix-notify run -s "Nightly backup" -k backup -- restic backup /srv',
    "matrix-notify run -s Upgrade -- script -qec 'apt-get dist-upgrade' /dev/null",
  ],
  run: runCommand,
});

/**
 * Runs the command and sends its result. Failures with the same `--key` form an incident. A success
 * resolves the incident if it is open. If no incident is open, the notification of a success has no
 * key.
 */
async function runCommand(context: RunContext): Promise<number> {
  const { args, runtime, ui } = context;
  ui.skipRepeats();
  const sender = await checkEarly(context);
  const command = await exactCommand(context);
  const start = runtime.now();
  using supervised = await loadPartsDuring(supervise(command, runtime), sender, runtime);
  const { end } = supervised;
  if (end.how === "no start") ui.fail(`Cannot run ${args.operands[0]}: ${end.reason}`);
  const cuts = runtime.stdio.failures().map(formatOutputFailure);
  const succeeded = end.code === 0 && cuts.length === 0;
  const isSilent = succeeded && args.has("only-on-failure");
  if (isSilent && args.text("key") === undefined) return 0;
  const output = toMessage(await supervised.output.ends(), (problem) => ui.warn(problem)).trimEnd();
  const result = { end, cuts, output, tookMs: runtime.now() - start };
  const input = toInput(result, args);
  await reportErrors(context, async () => {
    const { openSender } = await import("../notifier.ts");
    await using notifier = await openSender(context);
    const resolves = succeeded && await notifier.hasOpenIncident(input, toRoute(args));
    if (isSilent && !resolves) return;
    const notification = succeeded ? { ...input, resolves, key: resolves ? input.key : undefined } : input;
    const outcomes = await notifier.notify(notification, { ...toRoute(args), waitMs: args.durationMs("wait") });
    if (args.has("json")) printOutcomesJson(outcomes, ui);
    reportTrouble(outcomes, ui, notifier.problems);
  });
  return end.code;
}

/** Returns the command line to start, with the exact bytes of arguments that are not UTF-8. */
async function exactCommand({ args, ui }: RunContext): Promise<readonly string[]> {
  // Deno replaces bytes that are not UTF-8 with U+FFFD.
  if (!args.operands.some((word) => word.includes("\ufffd"))) return args.operands;
  const { createRawCommand } = await import("../raw_command.ts");
  const command = await createRawCommand(args.operands);
  if (command === undefined) {
    ui.fail(
      "Cannot read the exact bytes of the arguments: the command gets U+FFFD instead of bytes that are not UTF-8",
      "write the command into a script, and run the script",
    );
  }
  return command ?? args.operands;
}

/**
 * Reports mistakes in the options and the configuration before the command runs. Without this
 * check, the user would see these mistakes only after the command has ended.
 *
 * @returns the closed sender, which is used only for `loadLateParts`. Undefined if the sender could
 *   not be opened.
 */
async function checkEarly(context: RunContext): Promise<Pick<Sender, "loadLateParts"> | undefined> {
  const { args } = context;
  let sender: Sender | undefined;
  await reportErrors(context, async () => {
    const input = toInput({ end: { how: "exit", code: 1 }, cuts: [], output: "", tookMs: 0 }, args);
    const { openSender } = await import("../notifier.ts");
    await using notifier = sender = await openSender(context);
    notifier.plan?.(input, toRoute(args));
  });
  return sender;
}

/**
 * A command that runs longer than this time, in milliseconds, can be an update that replaces the
 * files of matrix-notify. Therefore `run` then loads the rest of its code before the command ends.
 */
const LONG_COMMAND_MS = 250;

/**
 * Waits for the command. If the command runs longer than {@linkcode LONG_COMMAND_MS}, loads the
 * code that sends the result.
 */
async function loadPartsDuring<Result>(
  command: Promise<Result>,
  sender: Pick<Sender, "loadLateParts"> | undefined,
  { timeout }: Pick<RunContext["runtime"], "timeout">,
): Promise<Result> {
  let loading: Promise<unknown> | undefined, isRunning = true;
  timeout(LONG_COMMAND_MS).addEventListener("abort", () => {
    if (isRunning) loading = Promise.allSettled([sender?.loadLateParts(), import("../socket_sender.ts")]);
  });
  try {
    return await command;
  } finally {
    isRunning = false;
    await loading;
  }
}

async function reportErrors({ ui }: RunContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    ui.fail(`Cannot send the result of the command: ${message}`, error instanceof HintedError ? error.hint : undefined);
  }
}

function toRoute(args: RunContext["args"]) {
  const channels = args.list("channel");
  return { channels: channels.length > 0 ? channels : undefined, room: args.text("room") };
}

/** The result of a command. */
interface Result {
  readonly end: CommandEnd;
  /**
   * The errors of stdout and stderr. Empty if `run` could print the whole output of the command.
   */
  readonly cuts: readonly string[];
  readonly output: string;
  readonly tookMs: number;
}

function toInput(result: Result, args: RunContext["args"]): NotificationInput {
  const { end, cuts, output, tookMs } = result;
  const [command] = args.operands;
  const name = command.slice(command.lastIndexOf("/") + 1);
  const duration = end.how === "no start" ? "" : ` after ${formatDuration(tookMs)}`;
  return {
    subject: `${args.text("subject") ?? name} ${formatEnd(result)}${duration}`,
    message: [output, ...cuts.map((cut) => `✂ ${cut}`)].filter((part) => part !== "").join("\n"),
    format: "code",
    severity: end.code === 0 && cuts.length === 0 ? "info" : args.choice("severity", SEVERITIES) ?? "error",
    origin: args.text("origin") ?? name,
    silent: args.has("silent"),
    link: args.text("link"),
    key: args.text("key"),
    ttlMs: args.durationMs("ttl"),
  };
}

function formatEnd({ end, cuts }: Result): string {
  if (end.how === "signal") return `failed: ${end.signal}`;
  if (end.how === "no start") return `failed: ${end.reason}`;
  if (end.code !== 0) return `failed: exit ${end.code}`;
  return cuts.length === 0 ? "succeeded" : "failed: its output is cut";
}
