/** `status --check`: the queue as a monitoring system asks for it. */

import { healthOf } from "../../notifier/health.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { CHECK_EXIT } from "../exit_codes.ts";
import { openQueueOnly } from "../notifier.ts";
import { pluginLine, unknownLine } from "../plugin.ts";

/** How long an entry may wait unless somebody says otherwise: longer than a homeserver takes to restart. */
const DEFAULT_MAX_AGE_MS = 15 * 60_000;

/** Prints one line, whatever happens, and returns a plug-in's exit code. */
export async function check(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  if (args.has("json")) {
    throw new UsageError("Cannot use --json together with --check: a plug-in prints its line", "leave one of them out");
  }
  const maxAgeMs = args.durationMs("max-age") ?? DEFAULT_MAX_AGE_MS;
  try {
    await using notifier = await openQueueOnly(context);
    if (!notifier.hasQueue()) {
      // An empty queue and a mistyped directory look alike, and only one of them is well.
      ui.data(unknownLine(`there is no queue in ${notifier.stateDir}; the first notification makes it`));
      return CHECK_EXIT.unknown;
    }
    const status = notifier.status();
    const health = healthOf(status, maxAgeMs);
    ui.data(pluginLine(status, health, { now: runtime.now(), maxAgeMs }));
    return CHECK_EXIT[health.state];
  } catch (error) {
    ui.data(unknownLine(error));
    return CHECK_EXIT.unknown;
  }
}
