/**
 * The sweep: a command is run again and again, and each time one more of its system calls on the
 * state directory is the one that goes wrong: the first, the second, and so on, until a run makes
 * fewer calls. Afterwards all is well again, another message is sent, and the room is asked whether
 * everything is there that was acknowledged, once and in order.
 *
 * ```text
 * for each command, fault and system call:  n = 1, 2, … until the fault does not happen any more
 *   new homeserver, new state directory -> the command, its n-th call fails, or kills it
 *   -> send another, flush, status -> judge the room
 * ```
 *
 * `deno run -A -q scripts/with_std.ts run -A tests/faults/sweep.ts [--command NAME]… [--fault
 * NAME]… [--limit N] [--jobs N]` runs all of it, which takes minutes, or the part that is named. It
 * needs strace.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { works } from "./process.ts";
import { commandNamed, COMMANDS, type SweptCommand } from "./sweep_commands.ts";
import { type Fault, faultNamed, FAULTS, type Syscall } from "./sweep_faults.ts";
import { attemptTrial, type Trial } from "./sweep_trial.ts";
import { placed, sum, type Tally, withOwnPorts } from "./tally.ts";

/** What to sweep. */
export interface SweepOptions {
  readonly commands: readonly SweptCommand[];
  readonly faults: readonly Fault[];
  /** The system calls that are swept. @default those of the fault */
  readonly syscalls?: readonly Syscall[];
  /** How many calls of one name are tried at most. @default {Infinity} */
  readonly limit?: number;
  /** How many injections run side by side. @default {2} */
  readonly jobs?: number;
  /** Hears of each row as soon as it is known. @default nobody */
  readonly onRow?: (row: SweepRow) => void;
}

/** What became of one fault in all calls of one name that a command makes. */
export interface SweepRow extends Tally {
  readonly fault: string;
  readonly command: string;
  readonly syscall: Syscall;
}

/** Whether there is an strace that may trace. */
export function hasStrace(): boolean {
  return works("strace", "-qq", "-o", "/dev/null", "true");
}

/** Sweeps. */
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
      rows[at] = rowOf(command, fault, syscall, await sweepCall(command, fault, syscall, limit));
      onRow?.(rows[at]);
    }
  }
  await Promise.all(Array.from({ length: jobs }, work));
  return rows;
}

/**
 * Tries the first call, the second, and so on, until the command makes no more. The last one shows
 * that all is well without a fault.
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

function rowOf(command: SweptCommand, fault: Fault, syscall: Syscall, trials: readonly Trial[]): SweepRow {
  const tallies = trials.map((trial, at) => {
    const where = trial.fired ? `${fault.name} in ${syscall} number ${at + 1}` : "no fault";
    return placed(`${command.name}, ${where}`, trial);
  });
  return { fault: fault.name, command: command.name, syscall, ...sum(tallies) };
}

/** Sums rows that belong together, and prints them under one another. */
function printTable(rows: readonly SweepRow[], keys: readonly ("fault" | "command")[]): void {
  const groups = Map.groupBy(rows, (row) => keys.map((key) => row[key]).join(" | "));
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
  line([
    ...keys,
    "injections tried",
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
    console.error("Cannot sweep: strace is not installed, or may not trace");
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
