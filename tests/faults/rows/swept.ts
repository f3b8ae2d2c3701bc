/** The sweep, as far as a row needs it. */

import { hasStrace, sweep } from "../sweep.ts";
import { commandNamed, COMMANDS, type SweptCommand } from "../sweep_commands.ts";
import { faultNamed, type Syscall } from "../sweep_faults.ts";
import { notRun, sum, type Tally } from "../tally.ts";
import type { Effort } from "./row.ts";

/** A sender where there is nothing special and where it has most to do, and a deliverer likewise. */
const THREE = ["send", "send beside the side door", "flush that compacts"] as const;

/** A sample: one sender and one deliverer, in calls that change the disk. */
const TWO = ["send", "flush"] as const;
const CHANGING: readonly Syscall[] = ["mkdir", "flock", "write", "ftruncate", "fdatasync", "fsync", "rename", "send"];

/** Sweeps commands of a role, or those that have most to do, with faults. */
export async function swept(
  faults: readonly string[],
  { isQuick, jobs }: Effort,
  role?: SweptCommand["role"],
): Promise<Tally> {
  if (!hasStrace()) return notRun("strace is not installed, or may not trace");
  const all = role ? COMMANDS.filter((command) => command.role === role) : THREE.map(commandNamed);
  const few = TWO.map(commandNamed).filter((command) => !role || command.role === role);
  return sum(
    await sweep({
      commands: isQuick ? few : all,
      faults: faults.map(faultNamed),
      syscalls: isQuick ? CHANGING : undefined,
      jobs,
    }),
  );
}
