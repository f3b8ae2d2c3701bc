/**
 * The sweep runs a command again and again. Each time another one of its system calls on the state
 * directory fails: the first, the second, and so on, until a run makes fewer calls. Then the fault
 * is cleared, another message is sent, and the oracle checks that every acknowledged message is in
 * the room, once and in order.
 *
 * ```text
 * each command, fault and system call:  n = 1, 2, … until the fault does not happen any more
 *   new homeserver, new state directory -> the command; its n-th call fails, or kills it
 *   -> send another message, flush, status -> judge the room
 * ```
 *
 * `deno run -A --config scripts/airgap/deno.json tests/faults/sweep.ts [--command NAME]… [--fault
 * NAME]… [--limit N] [--jobs N]` runs the whole sweep, which takes minutes, or a part. It needs
 * strace.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { works } from "./process.ts";
import { commandNamed, COMMANDS, type SweptCommand } from "./sweep_commands.ts";
import { type Fault, faultNamed, FAULTS, type Syscall } from "./sweep_faults.ts";
import { attemptTrial, type Trial } from "./sweep_trial.ts";
import { prefixProblems, sum, type Tally, withOwnPorts } from "./tally.ts";

/** The parts of a sweep. */
export interface SweepOptions {
  readonly commands: readonly SweptCommand[];
  readonly faults: readonly Fault[];
  /** The system calls. @default those of the fault */
  readonly syscalls?: readonly Syscall[];
  /** The maximum number of tried calls of one name. @default {Infinity} */
  readonly limit?: number;
  /** How many injections run at the same time. @default {2} */
  readonly jobs?: number;
  /** Called with each row as soon as it is known. */
  readonly onRow?: (row: SweepRow) => void;
}

/** The results of one fault in all calls of one name that a command makes. */
export interface SweepRow extends Tally {
  readonly fault: string;
  readonly command: string;
  readonly syscall: Syscall;
}

/** Whether strace is installed and permitted. */
export function hasStrace(): boolean {
  return works("strace", "-qq", "-o", "/dev/null", "true");
}

/** Runs a sweep. */
export async function sweep(options: SweepOptions): Promise<SweepRow[]> {
  const { commands, faults, syscalls, limit = Infinity, jobs = 2, onRow } = options;
  const tasks = commands.flatMap((command) =>
    faults.flatMap((fault) =>
      fault.syscalls.filter((syscall) => syscalls?.includes(syscall) ?? true).map((syscall) => ({
        command,
        fault,
        syscall,
      }))
    )
  );
  const rows: SweepRow[] = new Array(tasks.length);
  let next = 0;
  async function work(): Promise<void> {
    for (let at = next++; at < tasks.length; at = next++) {
      const { command, fault, syscall } = tasks[at];
      rows[at] = createRow(command, fault, syscall, await sweepCall(command, fault, syscall, limit));
      onRow?.(rows[at]);
    }
  }
  await Promise.all(Array.from({ length: jobs }, work));
  return rows;
}

/**
 * Injects the fault into the first call, the second, and so on. The last run has no fault and must
 * succeed.
 */
async function sweepCall(command: SweptCommand, fault: Fault, syscall: Syscall, limit: number): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (let n = 1; n <= limit; n++) {
    const trial = await withOwnPorts(() => attemptTrial(command, fault, syscall, n));
    trials.push(trial);
    if (!trial.fired) break;
  }
  return trials;
}

function createRow(command: SweptCommand, fault: Fault, syscall: Syscall, trials: readonly Trial[]): SweepRow {
  const tallies = trials.map((trial, at) => {
    const where = trial.fired ? `${fault.name} in ${syscall} number ${at + 1}` : "no fault";
    return prefixProblems(`${command.name}, ${where}`, trial);
  });
  return { fault: fault.name, command: command.name, syscall, ...sum(tallies) };
}

/** Prints a table with the sums of rows that have the same keys. */
function printTable(rows: readonly SweepRow[], keys: readonly ("fault" | "command")[]): void {
  const groups = Map.groupBy(rows, (row) => keys.map((key) => row[key]).join(" | "));
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
  line([
    ...keys,
    "injections",
    "losses",
    "duplicates",
    "other problems",
  ]);
  line(keys.concat(keys).slice(0, keys.length).map(() => "---").concat(...new Array(4).fill("---:")));
  for (const [name, group] of groups) {
    const { injections, losses, duplicates, problems } = sum(group);
    line([name, ...[injections, losses, duplicates, problems.length - losses - duplicates].map(String)]);
  }
}

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, { string: ["command", "fault", "limit", "jobs"], collect: ["command", "fault"] });
  if (!hasStrace()) {
    console.error("Cannot sweep: strace is missing or not permitted");
    return 69;
  }
  const rows = await sweep({
    commands: args.command?.length ? args.command.map(commandNamed) : COMMANDS,
    faults: args.fault?.length ? args.fault.map(faultNamed) : FAULTS,
    limit: Number(args.limit ?? Infinity),
    jobs: Number(args.jobs ?? 2),
    onRow({ command, fault, syscall, injections, problems }) {
      console.error(`${command}: ${fault} in ${syscall}: ${injections} injections, ${problems.length} problems`);
      for (const text of problems) console.error(`  ${text}`);
    },
  });
  printTable(rows, ["fault", "command"]);
  printTable(rows, ["fault"]);
  return rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
