/** `doctor`: looks for what is wrong, and says what mends it. */

import { examine } from "../../doctor/examination.ts";
import { type Finding, findingOf, type FindingState, skipped, worstOf } from "../../doctor/finding.ts";
import { denoHost } from "../../doctor/host.ts";
import type { Outcome } from "../../notifier/outcomes.ts";
import type { CommandContext } from "../command.ts";
import { DOCTOR_EXIT } from "../exit_codes.ts";
import { openNotifier } from "../notifier.ts";
import { type Colour, printable } from "../ui.ts";

const COLOURS: Readonly<Record<FindingState, Colour>> = {
  ok: "green",
  warning: "yellow",
  failure: "red",
  skipped: "dim",
};

/** Prints a line a finding, as they are made, and returns the exit code of the worst. */
export async function doctor(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const findings: Finding[] = [];
  const tell = (finding: Finding) => {
    findings.push(finding);
    if (args.has("json")) ui.json(finding);
    else ui.data(line(finding, (text, colour) => ui.paint(text, colour)));
  };
  const options = {
    configFile: args.text("config"),
    stateDir: args.text("state-dir"),
    insecureHttp: args.has("insecure-http"),
    noBackground: args.has("no-background"),
  };
  for await (const finding of examine({ runtime, host: denoHost(), options })) tell(finding);
  if (args.has("send")) {
    const isUsable = findings.every(({ check, state }) => check !== "configuration" || state !== "failure");
    if (isUsable) { for await (const finding of sendTest(context)) tell(finding); }
    else tell({ check: "test message", ...skipped("not sent: configuration comes first") });
  }
  if (!args.has("json")) ui.data(summary(findings));
  return DOCTOR_EXIT[worstOf(findings)];
}

/** A message says more than all checks. */
async function* sendTest(context: CommandContext): AsyncGenerator<Finding> {
  try {
    await using notifier = await openNotifier(context);
    const outcomes = await notifier.notify({
      subject: "Test message",
      message: "matrix-notify doctor --send: whoever reads this gets notifications.",
    }, { channels: ["*"] });
    yield* outcomes.map(judge);
  } catch (error) {
    yield { check: "test message", ...findingOf(error) };
  }
}

function judge(outcome: Outcome): Finding {
  const { channel, state, id } = outcome;
  const check = `${channel}/test message`;
  if (outcome.state === "delivered") return { check, state: "ok", message: `delivered ${outcome.receipt}` };
  const { reason } = outcome;
  if (state === "queued") {
    return {
      check,
      state: "warning",
      message: `it waits: ${reason ?? "its turn has not come"}`,
      hint: "it is tried again by itself",
    };
  }
  return {
    check,
    state: "failure",
    message: `${state}: ${reason ?? "nobody knows why"}`,
    hint: `see: matrix-notify queue show ${id}`,
  };
}

function line({ check, state, message, hint }: Finding, paint: (text: string, colour: Colour) => string): string {
  const advice = hint === undefined ? "" : ` -> ${printable(hint)}`;
  return `${paint(state.padEnd(7), COLOURS[state])}  ${printable(check)}: ${printable(message)}${advice}`;
}

function summary(findings: readonly Finding[]): string {
  const count = (state: FindingState) => findings.filter((finding) => finding.state === state).length;
  const plural = (many: number, word: string) => `${many} ${word}${many === 1 ? "" : "s"}`;
  return `${plural(count("failure"), "failure")}, ${plural(count("warning"), "warning")}, ${count("ok")} ok, ${
    count("skipped")
  } not looked at`;
}
