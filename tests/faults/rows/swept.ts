/** The parts of the sweep that rows run. */

import { hasStrace, sweep } from "../sweep.ts";
import { commandNamed, COMMANDS, type SweptCommand } from "../sweep_commands.ts";
import { faultNamed, type Syscall } from "../sweep_faults.ts";
import { notRun, sum, type Tally } from "../tally.ts";
import type { Effort } from "./row.ts";

/** The commands with the fewest and the most system calls. */
const THREE = ["send", "send while the spool has files", "flush that compacts"] as const;

/** The sample: one sender and one deliverer, and calls that change the disk. */
const TWO = ["send", "flush"] as const;
const CHANGING: readonly Syscall[] = ["mkdir", "flock", "write", "ftruncate", "fdatasync", "fsync", "rename", "send"];

/** Sweeps the commands of a role, or three commands. */
export async function swept(
  faults: readonly string[],
  { isQuick, jobs }: Effort,
  role?: SweptCommand["role"],
): Promise<Tally> {
  if (!hasStrace()) return notRun("strace is missing or not permitted");
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
