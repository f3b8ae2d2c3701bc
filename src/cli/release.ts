/** Letting go what waited for a login. */

import { HintedError } from "../errors.ts";
import type { CommandContext } from "./command.ts";
import { openNotifier } from "./notifier.ts";

/** What was held for want of an account goes out now. That a channel is not configured well is no reason to undo a login. */
export async function releaseHeld(context: CommandContext): Promise<void> {
  const { ui } = context;
  try {
    await using notifier = await openNotifier(context);
    const outcomes = await notifier.flush({ waitMs: 0 });
    const delivered = outcomes.filter(({ state }) => state === "delivered").length;
    if (outcomes.length > 0) ui.warn(`${delivered} of ${outcomes.length} that waited in the queue are delivered`);
  } catch (error) {
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint);
  }
}
