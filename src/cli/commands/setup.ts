/**
 * `setup`: from nothing to the first message. Each step asks what no option says, and what it made stays where a later one fails, so that the next run goes on
 * from there. The configuration is written when all is known, whole or not at all.
 *
 * @module
 */

import { withConnection } from "../../config/connection.ts";
import { writeChannel } from "../../config/write.ts";
import { InterruptedError } from "../../base/errors.ts";
import type { CommandContext } from "../command.ts";
import { chooseUser, openAccount } from "../setup/account.ts";
import { NON_INTERACTIVE, personAt } from "../setup/asker.ts";
import { planChannel } from "../setup/channel.ts";
import type { SetupContext } from "../setup/desk.ts";
import { listenForInterrupt } from "../setup/interrupt.ts";
import { nextSteps, type Places } from "../setup/next_steps.ts";
import { chooseRoom } from "../setup/room.ts";
import { checkOptions } from "../setup/options.ts";
import { exitCodeAfter, sendTestMessage } from "../setup/test_message.ts";
import { stateDirOf } from "../sign_in.ts";

/** What was set up, for programs. */
interface Written extends Places {
  readonly channel: string;
  readonly user: string;
  readonly device?: string;
  readonly homeserver: string;
  readonly room: string;
  readonly roomId: string;
}

/** Sets a channel up, and sends a test message by it. */
export async function setup(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const written = await write(context);
  // From here on Ctrl-C ends it as it ends a send: what is on disk is delivered later.
  const outcome = args.has("no-test") ? undefined : await sendTestMessage(context, written);
  if (args.has("json")) ui.json({ ...written, test: outcome });
  else {
    ui.data(`set up ${written.channel}: ${written.user} sends to ${written.room}`);
    ui.tell(...nextSteps(context, written));
  }
  return exitCodeAfter(outcome);
}

async function write(context: CommandContext): Promise<Written> {
  const { args, runtime, ui } = context;
  checkOptions(context.args);
  const plan = planChannel(context), stateDir = stateDirOf(context);
  using interrupt = listenForInterrupt(runtime.stdio);
  const { signal } = interrupt;
  const isPerson = runtime.stdio.stdinIsTerminal() && !args.has("yes");
  const asker = isPerson ? personAt(runtime.stdio, { ui, signal }) : NON_INTERACTIVE;
  const desk: SetupContext = {
    ...context,
    asker,
    plan,
    stateDir,
    online: withConnection(runtime, plan.connection),
    signal,
    done: [],
  };
  if (isPerson) ui.tell(`This sets up the channel ${plan.name} in ${plan.path}. Ctrl-C stops it.`);
  try {
    const user = await chooseUser(desk);
    const { deviceId, homeserver } = await openAccount(desk, user);
    const { room, roomId } = await chooseRoom(desk, { userId: user, homeserver });
    signal.throwIfAborted();
    writeChannel({ ...plan, lockPath: `${stateDir}/setup.lock` }, plan.write(user, room));
    ui.tell(`Wrote ${plan.path}`);
    return { channel: plan.name, user, device: deviceId, homeserver, room, roomId, config: plan.path, stateDir };
  } catch (error) {
    throw error instanceof InterruptedError ? stopped(error, desk) : error;
  }
}

/** Says what stays of a wizard that was stopped. */
function stopped({ hint }: InterruptedError, { done, plan }: SetupContext): InterruptedError {
  if (done.length === 0) return new InterruptedError("Stopped: nothing was changed", { hint });
  const kept = `${done.join(" and ")} ${done.length > 1 ? "stay" : "stays"}`;
  return new InterruptedError(`Stopped: ${plan.path} was not written; ${kept}`, {
    hint: hint ?? "the next setup goes on from there",
  });
}
