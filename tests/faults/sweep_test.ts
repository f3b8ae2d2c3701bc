/**
 * A part of the sweep that takes about a minute: calls that change the disk, for the most important
 * commands.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { straceTest } from "./strace.ts";
import { sweep, type SweepOptions } from "./sweep.ts";
import { commandNamed } from "./sweep_commands.ts";
import { faultNamed, type Syscall } from "./sweep_faults.ts";
import { sum } from "./tally.ts";

/** A kill in a call that only reads has the same effect as a kill in the next call. */
const CHANGING: readonly Syscall[] = ["mkdir", "flock", "write", "ftruncate", "fdatasync", "fsync", "rename"];

/**
 * Sweeps and expects no problems.
 *
 * @param atLeast the minimum number of injections, to notice if they stop working
 */
function sweepTest(name: string, atLeast: number, options: SweepOptions): void {
  straceTest(name, async () => {
    const { injections, losses, duplicates, problems } = sum(await sweep(options));
    assertEquals({ losses, duplicates, problems }, { losses: 0, duplicates: 0, problems: [] });
    assertGreaterOrEqual(injections, atLeast);
  });
}

sweepTest("send keeps its promise when it is killed in any call that changes the disk", 20, {
  commands: [commandNamed("send")],
  faults: [faultNamed("SIGKILL")],
  syscalls: ["openat", ...CHANGING],
});

sweepTest("flush loses and duplicates nothing when it is killed in any call that changes the disk", 12, {
  commands: [commandNamed("flush")],
  faults: [faultNamed("SIGKILL")],
  syscalls: CHANGING,
});

sweepTest("send keeps its promise when any call fails with EIO or ENOSPC", 50, {
  commands: [commandNamed("send")],
  faults: [faultNamed("EIO"), faultNamed("ENOSPC")],
  syscalls: ["openat", "read", ...CHANGING],
});
