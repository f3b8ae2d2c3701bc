/** `run`: runs a command and tells how it went. The command comes first: no trouble of ours keeps it from running or changes its exit code. */

import { formatDuration } from "../../base/duration.ts";
import { HintedError } from "../../base/errors.ts";
import { type NotificationInput, SEVERITIES } from "../../notification/notification.ts";
import type { Arguments } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { openNotifier } from "../notifier.ts";
import { reportTrouble } from "../outcomes.ts";
import { type CommandEnd, supervise } from "../supervised.ts";
import { Tail } from "../tail.ts";

/** Runs it. A success resolves the failure that was told under the same key; one that resolves nothing opens nothing either, and has no key. */
export async function run(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  await check(context);
  const tail = new Tail();
  const start = runtime.now();
  const end = await supervise(args.operands, { runtime, onOutput: (chunk) => tail.push(chunk) });
  if (end.how === "no start") ui.fail(`Cannot run ${args.operands[0]}: ${end.reason}`);
  const isSilent = end.code === 0 && args.has("only-on-failure");
  if (isSilent && args.text("key") === undefined) return 0;
  const input = inputFor(end, args, { tail: tail.toString(), tookMs: runtime.now() - start });
  await guard(context, "Cannot tell how the command went", async () => {
    await using notifier = await openNotifier(context);
    const resolves = end.code === 0 && notifier.hasOpenIncident(input, whereFrom(args));
    if (isSilent && !resolves) return;
    const said = end.code === 0 ? { ...input, resolves, key: resolves ? input.key : undefined } : input;
    reportTrouble(await notifier.notify(said, { ...whereFrom(args), waitMs: args.durationMs("wait") }), ui);
  });
  return end.code;
}

/** What would be in the way of a notification is better known before one is needed. */
async function check(context: CommandContext): Promise<void> {
  const { args } = context;
  await guard(context, "Nobody will be told how the command goes", async () => {
    const input = inputFor({ how: "exit", code: 1 }, args, { tail: "", tookMs: 0 });
    await using notifier = await openNotifier(context);
    notifier.plan(input, whereFrom(args));
  });
}

async function guard({ ui }: CommandContext, problem: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    ui.fail(`${problem}: ${message}`, error instanceof HintedError ? error.hint : undefined);
  }
}

function whereFrom(args: Arguments) {
  const channels = args.list("channel");
  return { channels: channels.length > 0 ? channels : undefined, room: args.text("room") };
}

/** The command's arguments may hold secrets, so that only its name is told. */
function inputFor(
  end: CommandEnd,
  args: Arguments,
  { tail, tookMs }: { readonly tail: string; readonly tookMs: number },
): NotificationInput {
  const [command] = args.operands;
  const name = command.slice(command.lastIndexOf("/") + 1);
  const failureSeverity = SEVERITIES.find((severity) => severity === args.text("severity")) ?? "error";
  return {
    subject: `${args.text("subject") ?? name} ${endText(end)}${
      end.how === "no start" ? "" : ` after ${formatDuration(tookMs)}`
    }`,
    message: tail,
    format: "code",
    severity: end.code === 0 ? "info" : failureSeverity,
    origin: args.text("origin") ?? name,
    silent: args.has("silent"),
    link: args.text("link"),
    key: args.text("key"),
    ttlMs: args.durationMs("ttl"),
  };
}

function endText(end: CommandEnd): string {
  if (end.how === "exit") return end.code === 0 ? "succeeded" : `failed: exit ${end.code}`;
  return `failed: ${end.how === "signal" ? end.signal : end.reason}`;
}
