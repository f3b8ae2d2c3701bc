/**
 * Describes a failed systemd unit: its result and its last lines in the journal (the log of
 * systemd).
 */

import type { NotificationInput } from "../../notification/notification.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** The number of lines from the journal. */
const MAX_LINES = 20;

/** The time limit for each call of systemctl or journalctl, in milliseconds. */
const ANSWER_MS = 10_000;

/** The properties of a unit (systemctl(1)) that an alert shows. */
const PROPERTIES = ["Description", "Result", "ExecMainCode", "ExecMainStatus", "InactiveExitTimestamp"];

/** Describes the last failure of a unit. Omits facts that systemd does not report. */
export async function describeFailure(unit: string, runtime: Runtime): Promise<NotificationInput> {
  const user = runtime.isRoot() ? [] : ["--user"];
  const ask = (path: string, ...args: readonly string[]) => runtime.ask(path, args, runtime.timeout(ANSWER_MS));
  const shown = await ask("systemctl", ...user, "show", ...PROPERTIES.map((name) => `--property=${name}`), "--", unit);
  const found = new Map(
    shown?.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  // systemd 251 and later pass the result of the failed run in variables. `systemctl show` reports
  // another result if the unit was started again.
  const value = (variable: string, property: string) => runtime.env(variable) || found.get(property);
  const result = value("MONITOR_SERVICE_RESULT", "Result");
  const end = formatEnd(
    value("MONITOR_EXIT_CODE", "ExecMainCode"),
    value("MONITOR_EXIT_STATUS", "ExecMainStatus"),
  );
  const journal = await readJournal(unit, { since: found.get("InactiveExitTimestamp"), user, ask });
  const facts = [found.get("Description"), [result, end].filter(Boolean).join(", ")].filter((text) => text);
  return {
    subject: `${unit} failed`,
    message: [...facts, ...journal.length > 0 ? ["", ...journal] : []].join("\n"),
    format: "code",
    origin: unit,
  };
}

/**
 * Describes how the main process ended. `code` is a number from systemctl or a word from
 * `MONITOR_EXIT_CODE`.
 */
function formatEnd(code: string | undefined, status: string | undefined): string | undefined {
  if (status === undefined || status === "") return undefined;
  if (code === "1" || code === "exited") return `exit code ${status}`;
  if (code === "2" || code === "killed") return `killed by signal ${status}`;
  if (code === "3" || code === "dumped") return `killed by signal ${status}, core dumped`;
  return undefined;
}

/** What is needed to read the lines of one run of a unit. */
interface Run {
  /** The start of the run, in the format of systemctl. */
  readonly since: string | undefined;
  readonly user: readonly string[];
  readonly ask: (path: string, ...args: readonly string[]) => Promise<string | undefined>;
}

/**
 * Reads the last lines of a unit in the journal, including the lines of systemd about the unit.
 * Does not select lines by the id of the run, because the last lines of a short process can be
 * without this id.
 */
async function readJournal(unit: string, { since, user, ask }: Run): Promise<readonly string[]> {
  // `journalctl --sync` waits until the last lines of the unit are in the journal. Only root can
  // run this command.
  if (user.length === 0) await ask("journalctl", "--sync");
  const options = ["--quiet", "--no-pager", "--output=cat", `--lines=${MAX_LINES}`];
  if (since) options.push(`--since=${since}`);
  const text = await ask("journalctl", ...options, `${user.length === 0 ? "--unit" : "--user-unit"}=${unit}`);
  return text?.trimEnd().split("\n").filter((line) => line !== "") ?? [];
}
