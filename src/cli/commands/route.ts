/** `route explain`: shows the destinations of a notification, and the rules that select them. */

import { type Notification, type NotificationInput, SEVERITIES } from "../../notification/notification.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { ORIGIN_OPTION, SEVERITY_OPTION } from "../notification_options.ts";
import { INSECURE_HTTP_OPTION, JSON_OPTION } from "../options.ts";
import { exitCodeForOutcomes } from "../outcomes.ts";
import type { Plan } from "../plan.ts";
import { printable } from "../../base/printable.ts";

const OPTIONS = [
  ORIGIN_OPTION,
  SEVERITY_OPTION,
  { name: "key", short: "k", value: "KEY", allowsEmpty: true, summary: "key of the incident, like --key of send" },
  { name: "silent", short: "q", summary: "like --silent of send" },
  { name: "room", short: "r", value: "ROOM", summary: "like --room of send" },
  { name: "channel", short: "c", value: "CHANNEL", repeats: true, summary: "like --channel of send" },
  JSON_OPTION,
  INSECURE_HTTP_OPTION,
] as const;

export const explain: Command = defineCommand({
  operands: "SUBJECT",
  options: OPTIONS,
  details: [
    "route explain applies the rules of the configuration, but it does not send the notification. --channel and " +
    "--room override the rules.",
  ],
  examples: ['matrix-notify route explain "Certificate renewed" --origin certbot'],
  run,
});

type Envelope = Plan["envelopes"][number];

async function run(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { args, ui } = context;
  const input: NotificationInput = {
    subject: args.operands[0],
    origin: args.text("origin"),
    key: args.text("key"),
    severity: args.choice("severity", SEVERITIES),
    silent: args.has("silent"),
  };
  const channels = args.list("channel").length > 0 ? args.list("channel") : undefined;
  const { openPlanner } = await import("../notifier.ts");
  await using notifier = await openPlanner(context);
  const { rules, envelopes, fallbacks, mutedBy } = notifier.plan(input, { channels, room: args.text("room") });
  if (args.has("json")) {
    for (const rule of rules) ui.json(rule);
    for (const envelope of envelopes) ui.json(envelopeSummary(envelope));
    for (const { envelope, primaries } of fallbacks) {
      const fallbackFor = primaries.map(({ envelope: { channel, destination }, afterMs }) => ({
        channel,
        destination,
        afterMs,
      }));
      ui.json({ ...envelopeSummary(envelope), fallbackFor });
    }
    if (mutedBy !== undefined) ui.json({ mutedBy });
    return exitCodeForOutcomes([], notifier.problems);
  }
  const { formatFallback, formatTarget } = await import("../plan.ts");
  for (const { rule, result, why } of rules) ui.data(`${rule}  ${result.padEnd(11)}  ${printable(why)}`);
  if (rules.length === 0) ui.data("there are no rules");
  for (const { channel, destination, notification } of envelopes) {
    ui.data(`-> ${printable(formatTarget({ channel, destination }, notifier))}${formatChanges(notification, input)}`);
  }
  for (const fallback of fallbacks) {
    ui.data(
      `-> ${printable(formatFallback(fallback, notifier))}${formatChanges(fallback.envelope.notification, input)}`,
    );
  }
  if (mutedBy !== undefined) ui.data(`muted by ${mutedBy}`);
  return exitCodeForOutcomes([], notifier.problems);
}

function envelopeSummary({ channel, destination, notification: { silent, severity, mentions } }: Envelope) {
  return { channel, destination, silent, severity, mentions };
}

/** Formats the changes that rules made to a notification. */
function formatChanges({ silent, severity, mentions }: Notification, input: NotificationInput): string {
  const changes = [
    ...(silent === input.silent ? [] : [silent ? "silent" : "not silent"]),
    ...(severity === (input.severity ?? "info") ? [] : [`severity ${severity}`]),
    ...(mentions === undefined ? [] : [mentions.length === 0 ? "no mentions" : `mentions ${mentions.join(", ")}`]),
  ];
  return changes.length === 0 ? "" : `: ${printable(changes.join("; "))}`;
}
