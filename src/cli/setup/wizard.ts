/**
 * Runs `setup`: asks for the account and the room, writes the channel into the configuration file,
 * and sends a test message. The configuration file is written only after all questions. If a step
 * fails, finished steps such as the login are kept, and the next run continues after them.
 *
 * @module
 */

import { withConnection } from "../../config/connection.ts";
import { InterruptedError } from "../../base/errors.ts";
import { quoteForShell } from "../../base/shell_word.ts";
import type { Outcome } from "../../notifier/outcomes.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { toOutcomeJson } from "../json.ts";
import { findSelectedMethod } from "../login_methods.ts";
import { findStateDir, formatRoom, requireUserId } from "../matrix_account.ts";
import { requireInvitee, requireRoom } from "../matrix_rooms.ts";
import { openNotifier, releaseHeld } from "../notifier.ts";
import { formatOutcomes, isLost, reportTrouble } from "../outcomes.ts";
import { crontabLines, quoteForCrontab } from "../shell.ts";
import { printable } from "../../base/printable.ts";
import { chooseUser, openAccount } from "./account.ts";
import { planChannel, writeChannel } from "./config_file.ts";
import { createStoppedError, givenPlaces, listenForInterrupt, type SetupContext } from "./context.ts";
import type { SetupCommandContext } from "./options.ts";
import { createPrompter } from "./prompter.ts";
import { chooseRoom, ROOM_OPTIONS } from "./rooms.ts";

/** The result of setup. `--json` prints it. */
interface SetupResult {
  readonly channel: string;
  readonly user: string;
  readonly device?: string;
  readonly homeserver: string;
  readonly room: string;
  readonly roomId: string;
  /** The path of the configuration file. */
  readonly config: string;
  readonly stateDir: string;
}

/** Runs all steps of `setup` and returns the exit code. */
export async function runWizard(context: SetupCommandContext): Promise<number> {
  const { args, ui } = context;
  const result = await setUpChannel(context);
  // From here on, Ctrl-C ends the program immediately. A queued test message stays on disk.
  const test = args.has("no-test") ? undefined : await sendTestMessage(context, result);
  if (args.has("json")) ui.json({ ...result, test: test && toOutcomeJson(test) });
  else {
    ui.data(`set up ${result.channel}: ${result.user} sends to ${printable(formatRoom(context, result.room))}`);
    ui.tell(...await nextSteps(context, result));
  }
  return toExitCode(test);
}

async function setUpChannel(context: SetupCommandContext): Promise<SetupResult> {
  const { args, runtime, ui } = context;
  checkOptions(args);
  const plan = await planChannel(context), stateDir = findStateDir(context);
  using interrupt = listenForInterrupt(runtime.stdio);
  const { signal } = interrupt;
  const prompter = createPrompter(runtime.stdio, { hasYes: args.has("yes"), ui, signal });
  const connected = withConnection(runtime, plan.connection);
  const steps: SetupContext = { ...context, prompter, plan, stateDir, connected, signal, done: [] };
  if (prompter.isInteractive) ui.tell(`Setting up channel ${plan.name} in ${plan.path}. Press Ctrl-C to stop.`);
  try {
    const user = await chooseUser(steps);
    const { deviceId, homeserver } = await openAccount(steps, user);
    const { room, roomId } = await chooseRoom(steps, { userId: user, homeserver });
    signal.throwIfAborted();
    await writeChannel({ ...plan, lockPath: `${stateDir}/setup.lock` }, plan.toChannel(user, room));
    ui.tell(`Wrote ${plan.path}`);
    return { channel: plan.name, user, device: deviceId, homeserver, room, roomId, config: plan.path, stateDir };
  } catch (error) {
    throw error instanceof InterruptedError ? createStoppedError(error, steps) : error;
  }
}

/**
 * Checks the options before the first step.
 *
 * @throws {UsageError} if two options contradict each other, or if a value is not a valid id
 */
function checkOptions(args: SetupCommandContext["args"]): void {
  const [user, room, direct] = (["user", "room", "direct"] as const).map((name) => args.text(name));
  if (user !== undefined) requireUserId(user);
  if (room !== undefined) requireRoom(room);
  if (direct !== undefined) requireInvitee(direct);
  args.list("invite").forEach(requireInvitee);
  findSelectedMethod(args);
  const [first, second] = ROOM_OPTIONS.filter((name) => args.text(name) !== undefined);
  if (second !== undefined) {
    throw new UsageError(`Cannot use --${first} with --${second}: a channel has only one room`, "keep one of them");
  }
  if (args.list("invite").length > 0 && (room ?? direct) !== undefined) {
    throw new UsageError(
      `Cannot use --invite with --${room === undefined ? "direct" : "room"}: --invite is only for a new room`,
      "create a room with --create-room NAME",
    );
  }
}

/**
 * Delivers the queued notifications that could not be sent before the login. After that, sends a
 * test message to the room through the queue, without the rules of the configuration.
 */
async function sendTestMessage(
  context: SetupCommandContext,
  { channel, room }: Pick<SetupResult, "channel" | "room">,
): Promise<Outcome> {
  const { runtime, ui } = context;
  await using notifier = await openNotifier(context);
  await releaseHeld(notifier, ui);
  const [outcome] = await notifier.notify({
    subject: "Test message",
    message: `matrix-notify is set up on ${runtime.hostname()}. Notifications from this host arrive here.`,
  }, { channels: [channel], room });
  const [line] = formatOutcomes([outcome], { now: runtime.now(), ui, destinations: notifier });
  ui.note(`Test message: ${line}`);
  reportTrouble([outcome], ui, []);
  return outcome;
}

/**
 * Returns the exit code. If the test message is queued but not delivered, setup fails, because a
 * queued message does not prove that the channel works.
 */
function toExitCode(test: Outcome | undefined): number {
  if (test === undefined || test.state === "delivered") return EXIT.ok;
  return isLost(test) ? EXIT.dataErr : EXIT.tempFail;
}

/**
 * Formats example commands for the new channel: for scripts, cron, systemd and routers. The user
 * can paste these commands. All paths are absolute, because cron and sshd use a short PATH.
 */
async function nextSteps(context: SetupCommandContext, { config, stateDir }: SetupResult) {
  const { runtime } = context;
  const { shortWords } = await runtime.program();
  const places = givenPlaces(context, { config, stateDir });
  const command = (...words: readonly string[]) => [...shortWords, ...words, ...places].map(quoteForShell).join(" ");
  const send = (subject: string, body: string) => `${command("send")} ${subject} ${body}`;
  const routerCommand = send("'Link down'", "ether1").replace(/[\\"$?]/g, "\\$&");
  const user = runtime.env("USER") ?? runtime.env("LOGNAME") ?? "root";
  const later = await runtime.hasSystemd()
    ? [
      `  restart     ${command("service", "install")}`,
      "  unit        OnFailure=matrix-notify@%n.service",
    ]
    : crontabLines({ program: shortWords, places }).map((line) => `              ${line}`);
  return [
    "",
    "Next steps:",
    `  script      ${send('"Backup failed"', '"No space left on /dev/sda1"')} --severity error`,
    `  crontab     0 3 * * * ${quoteForCrontab(command("run"))} --only-on-failure -- /usr/local/bin/backup`,
    ...later,
    `  router      ${command("setup", "router")}`,
    `              or by ssh: /system/ssh-exec address=${runtime.hostname()} user=${user} command="${routerCommand}"`,
    `  check       ${command("doctor")}`,
    `  monitoring  ${command("status", "--check")}`,
  ];
}
