/** `status`: how the queue is. */

import { formatDuration } from "../../base/duration.ts";
import { formatBytes } from "../../notification/render.ts";
import type { Ages, Status } from "../../notifier/status.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openQueueOnly } from "../notifier.ts";
import { at } from "../outcomes.ts";
import { printable } from "../ui.ts";
import { check } from "./status_check.ts";

/** Prints the queue in numbers. */
export async function status(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  if (args.has("check")) return await check(context);
  if (args.text("max-age") !== undefined) {
    throw new UsageError("Cannot use --max-age alone: it belongs to --check", "add --check");
  }
  await using notifier = await openQueueOnly(context);
  const figures = notifier.status();
  if (args.has("json")) {
    ui.json(figures);
    return EXIT.ok;
  }
  for (const line of linesOf(figures, runtime.now(), notifier.stateDir)) ui.data(line);
  if (figures.held > 0) {
    ui.fail("Nothing goes out of a held channel", "mend what it waits for, then run: matrix-notify flush");
  }
  return EXIT.ok;
}

function linesOf(figures: Status, now: number, stateDir: string): string[] {
  const { queued, deferred, held, dead, bytes, maxBytes, oldestSeconds, waitingFor, until, lastDelivery } = figures;
  const { ages, fallbacks, fileBytes, spooled, quarantined, torn, possibleDuplicates } = figures;
  const lines = [
    `queue: ${queued} queued, ${deferred} deferred, ${held} held, ${dead} dead (${bytes} of ${maxBytes} bytes in ${stateDir})`,
  ];
  // What waits for quiet hours or a pace is not late.
  if (oldestSeconds > 0) lines.push(`oldest: ${formatDuration(oldestSeconds * 1000)}`);
  if (queued + deferred + held > 0) lines.push(`ages: ${agesText(ages)}`);
  if (waitingFor !== undefined) {
    const next = until !== undefined && until > now ? `; next try ${at(until, now)}` : "";
    lines.push(`waiting for: ${printable(waitingFor)}${next}`);
  }
  lines.push(`last delivery: ${lastDelivery === undefined ? "never" : `${formatDuration(now - lastDelivery)} ago`}`);
  if (fallbacks > 0) lines.push(`fallbacks: ${fallbacks} more, which wait whether another channel delivers in time`);
  if (fileBytes > 0) lines.push(`files: ${formatBytes(fileBytes)} in ${stateDir}/attachments`);
  if (spooled > 0) lines.push(`spool: ${spooled} of the queued beside the journal, until somebody delivers`);
  if (quarantined > 0) lines.push(`quarantined: ${quarantined} damaged lines, in ${stateDir}/queue/quarantine`);
  if (torn > 0) lines.push(`torn: ${torn} unfinished lines, which nobody was told are queued`);
  if (possibleDuplicates > 0) lines.push(`possible duplicates: ${possibleDuplicates}`);
  return lines;
}

/** `3 under 1m, 12 under 15m`: the classes that hold something. */
function agesText(ages: Ages): string {
  const held = Object.entries(ages).filter(([, count]) => count > 0);
  return held.map(([name, count]) => `${count} ${name.replace(/^under/, "under ")}`).join(", ");
}
