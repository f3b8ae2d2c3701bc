/** `route …`: where a notification would go, and why. */

import type { Notification, NotificationInput } from "../../notification/notification.ts";
import { SEVERITIES } from "../../notification/notification.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { fallbackText, type Plan } from "../fallback_text.ts";
import { openNotifier } from "../notifier.ts";
import { printable } from "../ui.ts";

type Envelope = Plan["envelopes"][number];

/** `route explain`: asks the rules, and sends nothing. */
export async function explain(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const input: NotificationInput = {
    subject: args.operands[0],
    origin: args.text("origin"),
    key: args.text("key"),
    severity: SEVERITIES.find((severity) => severity === args.text("severity")),
    silent: args.has("silent"),
  };
  const channels = args.list("channel").length > 0 ? args.list("channel") : undefined;
  await using notifier = await openNotifier(context);
  const { rules, envelopes, fallbacks, mutedBy } = notifier.plan(input, { channels, room: args.text("room") });
  if (args.has("json")) {
    for (const rule of rules) ui.json(rule);
    for (const envelope of envelopes) ui.json(summaryOf(envelope));
    for (const { envelope, primaries } of fallbacks) {
      const fallbackFor = primaries.map(({ envelope: { channel, destination }, afterMs }) => ({
        channel,
        destination,
        afterMs,
      }));
      ui.json({ ...summaryOf(envelope), fallbackFor });
    }
    if (mutedBy !== undefined) ui.json({ mutedBy });
    return EXIT.ok;
  }
  for (const { rule, result, why } of rules) ui.data(`${rule}  ${result.padEnd(11)}  ${printable(why)}`);
  if (rules.length === 0) ui.data("there are no rules");
  for (const envelope of envelopes) ui.data(`-> ${placeOf(envelope)}${changesText(envelope.notification, input)}`);
  for (const fallback of fallbacks) {
    ui.data(`-> ${printable(fallbackText(fallback))}${changesText(fallback.envelope.notification, input)}`);
  }
  if (mutedBy !== undefined) ui.data(`muted: ${mutedBy} lets it go nowhere`);
  return EXIT.ok;
}

function placeOf({ channel, destination }: Pick<Envelope, "channel" | "destination">): string {
  return printable(`${channel} ${destination}`);
}

function summaryOf({ channel, destination, notification: { silent, severity, mentions } }: Envelope) {
  return { channel, destination, silent, severity, mentions };
}

/** What a rule has set that the caller did not say. */
function changesText({ silent, severity, mentions }: Notification, input: NotificationInput): string {
  const changes = [
    ...(silent === input.silent ? [] : [silent ? "silent" : "not silent"]),
    ...(severity === (input.severity ?? "info") ? [] : [`severity ${severity}`]),
    ...(mentions === undefined ? [] : [mentions.length === 0 ? "for nobody" : `for ${mentions.join(", ")}`]),
  ];
  return changes.length === 0 ? "" : `: ${printable(changes.join("; "))}`;
}
