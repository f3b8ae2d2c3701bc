/** `doctor`: finds problems and prints how to fix them. */

import { formatCount } from "../../base/count.ts";
import type { Finding, FindingState } from "../../channels/check.ts";
import type { Outcome } from "../../notifier/outcomes.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { DOCTOR_EXIT, DOCTOR_MEANINGS } from "../exit_codes.ts";
import { DELIVERY_OPTIONS, JSON_OPTION } from "../options.ts";
import type { Destinations } from "../plan.ts";
import type { Colour } from "../ui.ts";
import { printable } from "../../base/printable.ts";

const OPTIONS = [
  { name: "send", summary: "also send a test message through every channel" },
  JSON_OPTION,
  ...DELIVERY_OPTIONS,
] as const;

type DoctorContext = ContextFor<typeof OPTIONS>;

export const doctor: Command = defineCommand({
  operands: "",
  options: OPTIONS,
  details: [
    "doctor checks the configuration, the host, the clock, the disk and the queue. For each channel, doctor checks " +
    "the connection, the server, the account and the room.",
    "Without --send, doctor does not send messages. doctor makes only one change: it renews an expired access token.",
  ],
  exitCodes: { title: "exit codes of doctor", meanings: DOCTOR_MEANINGS },
  examples: ["matrix-notify doctor", "matrix-notify doctor --send"],
  run,
});

const COLOURS: Readonly<Record<FindingState, Colour>> = {
  ok: "green",
  warning: "yellow",
  failure: "red",
  skipped: "dim",
};

/** Prints the result of each check immediately. The worst result determines the exit code. */
async function run(context: DoctorContext): Promise<number> {
  const { args, runtime, ui } = context;
  const { examine } = await import("../../doctor/examination.ts");
  const { skipped, worstOf } = await import("../../channels/check.ts");
  const { denoHost } = await import("../../doctor/host.ts");
  const findings: Finding[] = [];
  const print = (finding: Finding) => {
    findings.push(finding);
    if (args.has("json")) ui.json(finding);
    else ui.data(formatFinding(finding, (text, colour) => ui.paint(text, colour)));
  };
  const options = {
    configFile: args.text("config"),
    stateDir: args.text("state-dir"),
    insecureHttp: args.has("insecure-http"),
    noBackground: args.has("no-background"),
  };
  for await (const finding of examine({ runtime, host: denoHost(), options })) print(finding);
  if (args.has("send")) {
    const isUsable = findings.every(({ check, state }) => check !== "configuration" || state !== "failure");
    if (isUsable) { for await (const finding of sendTestMessage(context)) print(finding); }
    else print({ check: "test message", ...skipped("not sent: fix the configuration first") });
  }
  if (!args.has("json")) ui.data(summarize(findings));
  return DOCTOR_EXIT[worstOf(findings)];
}

async function* sendTestMessage(context: DoctorContext): AsyncGenerator<Finding> {
  const { findingOf } = await import("../../channels/check.ts");
  const { openNotifier } = await import("../notifier.ts");
  try {
    await using notifier = await openNotifier(context);
    const outcomes = await notifier.notify({
      subject: "Test message",
      message: "matrix-notify doctor --send: if you can read this, notifications arrive.",
    }, { channels: ["*"] });
    yield* outcomes.map((outcome) => toFinding(outcome, notifier));
  } catch (error) {
    yield { check: "test message", ...findingOf(error) };
  }
}

function toFinding(outcome: Outcome, destinations: Destinations): Finding {
  const { channel, state, id } = outcome;
  const check = `${channel}/test message`;
  if (outcome.state === "delivered") {
    const to = destinations.formatDestination(outcome.destination);
    return { check, state: "ok", message: `delivered ${outcome.receipt} to ${to}` };
  }
  const { reason } = outcome;
  if (state === "queued") {
    return {
      check,
      state: "warning",
      message: `the message is queued: ${reason ?? "earlier entries are sent first"}`,
      hint: "matrix-notify retries automatically",
    };
  }
  return {
    check,
    state: "failure",
    message: `${state}: ${reason ?? "the reason is unknown"}`,
    hint: `see: matrix-notify queue show ${id}`,
  };
}

function formatFinding(
  { check, state, message, hint }: Finding,
  paint: (text: string, colour: Colour) => string,
): string {
  const advice = hint === undefined ? "" : ` -> ${printable(hint)}`;
  return `${paint(state.padEnd(7), COLOURS[state])}  ${printable(check)}: ${printable(message)}${advice}`;
}

function summarize(findings: readonly Finding[]): string {
  const count = (state: FindingState) => findings.filter((finding) => finding.state === state).length;
  return `${formatCount(count("failure"), "failure")}, ${formatCount(count("warning"), "warning")}, ${
    count("ok")
  } ok, ${count("skipped")} skipped`;
}
