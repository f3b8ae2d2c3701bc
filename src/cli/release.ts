/** Letting go what waited for a login. */

import type { NotifierCore } from "../notifier/core.ts";
import type { Ui } from "./ui.ts";

/** What was held for want of an account goes out now. */
export async function releaseHeld(notifier: NotifierCore, ui: Ui): Promise<void> {
  const outcomes = await notifier.flush({ waitMs: 0 });
  const delivered = outcomes.filter(({ state }) => state === "delivered").length;
  if (outcomes.length > 0) ui.warn(`${delivered} of ${outcomes.length} that waited in the queue are delivered`);
}
