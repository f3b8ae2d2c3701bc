/** The proof: a message on the way that every notification takes. */

import type { Outcome } from "../../notifier/outcomes.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openNotifier } from "../notifier.ts";
import { outcomeLine, reportTrouble } from "../outcomes.ts";
import { releaseHeld } from "../release.ts";

/** Sends a message to the room that was set up, whatever rules say of it, after what waited for its account. */
export async function sendTestMessage(
  context: CommandContext,
  { channel, room }: { readonly channel: string; readonly room: string },
): Promise<Outcome> {
  const { runtime, ui } = context;
  await using notifier = await openNotifier(context);
  await releaseHeld(notifier, ui);
  const [outcome] = await notifier.notify({
    subject: "Test message",
    message: `matrix-notify is set up on ${runtime.hostname()}: its notifications come here.`,
  }, { channels: [channel], room });
  ui.picture(`Test message: ${outcomeLine(outcome, runtime.now(), ui)}`);
  reportTrouble([outcome], ui);
  return outcome;
}

/** Who sets something up wants to know that it works: what only waits has not shown that. */
export function exitCodeAfter(outcome: Outcome | undefined): number {
  if (outcome === undefined || outcome.state === "delivered") return EXIT.ok;
  return outcome.state === "dead" ? EXIT.dataErr : EXIT.tempFail;
}
