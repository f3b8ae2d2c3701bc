/** `service install`, `service uninstall`, `service status` and `service alert`. */

import { SEVERITIES } from "../../notification/notification.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { DELIVERY_OPTIONS, DESTINATION_OPTIONS, WAIT_OPTION } from "../options.ts";
import { exitCodeForOutcomes, reportTrouble } from "../outcomes.ts";

const TIMER_SUMMARY =
  "The timer delivers queued notifications every 45 seconds, also after a restart of the host. You need the timer " +
  "if the background process of send can end before everything is delivered. This happens when the host restarts. " +
  "It also happens if send runs in a systemd service that has no permission to start other units.";

/** The options of `service install`. */
const INSTALL_OPTIONS = [
  { name: "serve", summary: "also install and start matrix-notify-serve.service, which runs serve" },
  { name: "dry-run", short: "n", summary: "print the unit files, and do not write them" },
] as const;

export const install: Command = defineCommand({
  operands: "",
  options: INSTALL_OPTIONS,
  details: [
    "service install writes and enables matrix-notify-flush.timer, and writes matrix-notify@.service. As root, " +
    "service install installs units of the system (/etc/systemd/system). Otherwise, it installs units of the user " +
    "(~/.config/systemd/user). You can run service install again, for example after an update.",
    TIMER_SUMMARY,
    "To get an alert when another unit fails, write OnFailure=matrix-notify@%n.service into the section [Unit] of " +
    "that unit. The alert contains the name of the unit, its result and its last lines in the journal.",
    "With --serve, service install also writes, enables and starts matrix-notify-serve.service. If you run the " +
    "command again, it restarts this service. Before you use the socket of serve, create its group: groupadd " +
    "--system matrix-notify.",
    "Without systemd, service install prints the lines for a crontab, and exits with 69.",
  ],
  examples: [
    "matrix-notify service install",
    "matrix-notify service install --serve",
    "matrix-notify service install --dry-run",
  ],
  run: async (context) => await (await import("../service/install.ts")).installUnits(context),
});

export const uninstall: Command = defineCommand({
  operands: "",
  options: [],
  details: ["service uninstall stops the timer and removes the files that service install wrote."],
  examples: ["matrix-notify service uninstall"],
  run: async (context) => await (await import("../service/install.ts")).uninstallUnits(context),
});

export const status: Command = defineCommand({
  operands: "",
  options: [],
  details: ["Exit 0: the timer is active. Exit 69: the timer is not active, and the output says what to do."],
  examples: ["matrix-notify service status"],
  run: async (context) => await (await import("../service/install.ts")).printStatus(context),
});

const ALERT_OPTIONS = [
  { name: "severity", short: "p", value: "S", oneOf: SEVERITIES, summary: "severity of the alert (default error)" },
  ...DESTINATION_OPTIONS,
  WAIT_OPTION,
  ...DELIVERY_OPTIONS,
] as const;

export const alert: Command = defineCommand({
  operands: "UNIT",
  options: ALERT_OPTIONS,
  details: [
    "matrix-notify@.service runs this command. The alert contains the name of the unit, its result and its last " +
    "lines in the journal. service alert does not send alerts about the units of matrix-notify.",
  ],
  examples: ["matrix-notify service alert backup.service"],
  run: sendAlert,
});

async function sendAlert(context: ContextFor<typeof ALERT_OPTIONS>): Promise<number> {
  const { args, runtime, ui } = context;
  const [unit] = args.operands;
  if (unit.startsWith("matrix-notify")) {
    ui.warn(`No alert is sent about ${unit}: an alert about a unit of matrix-notify could repeat without end`);
    return EXIT.ok;
  }
  const { describeFailure } = await import("../service/alert.ts");
  const { openNotifier } = await import("../notifier.ts");
  const input = { ...await describeFailure(unit, runtime), severity: args.choice("severity", SEVERITIES) ?? "error" };
  const channels = args.list("channel");
  await using notifier = await openNotifier(context);
  const outcomes = await notifier.notify(input, {
    channels: channels.length > 0 ? channels : undefined,
    room: args.text("room"),
    waitMs: args.durationMs("wait"),
  });
  reportTrouble(outcomes, ui, notifier.problems);
  return exitCodeForOutcomes(outcomes, notifier.problems);
}
