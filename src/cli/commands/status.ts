/** `status`: how the queue is. */

import { formatDuration } from "../../duration.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openQueueOnly } from "../notifier.ts";
import { at } from "../outcomes.ts";
import { printable } from "../ui.ts";

/** Prints the queue in numbers. */
export async function status(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  await using notifier = await openQueueOnly(context);
  const now = runtime.now();
  const figures = notifier.status();
  if (args.has("json")) {
    ui.json(figures);
    return EXIT.ok;
  }
  const { queued, deferred, held, dead, quarantined, possibleDuplicates, bytes, oldestSeconds, lastDelivery } = figures;
  ui.data(
    `queue: ${queued} queued, ${deferred} deferred, ${held} held, ${dead} dead (${bytes} bytes in ${notifier.stateDir})`,
  );
  if (queued + deferred + held > 0) ui.data(`oldest: ${formatDuration(oldestSeconds * 1000)}`);
  if (figures.waitingFor !== undefined) {
    const next = figures.until !== undefined && figures.until > now ? `; next try ${at(figures.until, now)}` : "";
    ui.data(`waiting for: ${printable(figures.waitingFor)}${next}`);
  }
  ui.data(`last delivery: ${lastDelivery === undefined ? "never" : `${formatDuration(now - lastDelivery)} ago`}`);
  if (quarantined > 0) ui.data(`quarantined: ${quarantined} damaged lines, in ${notifier.stateDir}/queue/quarantine`);
  if (possibleDuplicates > 0) ui.data(`possible duplicates: ${possibleDuplicates}`);
  if (held > 0) {
    ui.fail("Nothing goes out of a held channel", "mend its account or token, then run: matrix-notify flush");
  }
  return EXIT.ok;
}
