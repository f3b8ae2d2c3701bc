/** Rows 5, 6 and 7: a disk that is full, fails, or is read-only. */

import { findFailure, World } from "../world.ts";
import { formatEnding } from "../process.ts";
import { NOTHING, notRun, ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { mount, unmount, whyNoMounts } from "./mounts.ts";
import { type Effort, pairs, type Row, sample } from "./row.ts";
import { swept } from "./swept.ts";

const FULL = ["ENOSPC", "ENOSPC from then on", "EDQUOT", "EDQUOT from then on", "short write"] as const;
const BROKEN = [
  "EIO",
  "EIO from then on",
  "EIO, SIGKILL during the undo",
  "EIO, also during the undo",
] as const;
const FORBIDDEN = [
  ...["EROFS", "EROFS from then on", "EACCES", "EACCES from then on"],
  ...["EMFILE", "EMFILE from then on"],
] as const;

/** Exit codes of a sender if no disk accepts its message. */
const REFUSALS: readonly number[] = [74, 75, 77];

/** Rows 5 to 7. */
export const DISK_ROWS: readonly Row[] = [
  {
    number: 5,
    fault: "a full disk: ENOSPC, EDQUOT, EFBIG, short writes",
    how: "strace: one call, or all calls from then on; a tmpfs of 16 to 64 KiB; `ulimit -f` with and without SIGXFSZ",
    run: async (effort) => sum([await swept(FULL, effort), await onSmallDisks(effort), await underFileLimits(effort)]),
  },
  {
    number: 6,
    fault: "EIO, also in fdatasync, in the fsync of a directory and while an append is undone",
    how: "strace: one call, or all calls from then on; every call except close",
    run: (effort) => swept(BROKEN, effort),
  },
  {
    number: 7,
    fault: "EROFS, EACCES, EMFILE",
    how: "strace: one call, or all calls from then on; a read-only bind mount; `ulimit -n`",
    run: async (effort) => sum([await swept(FORBIDDEN, effort), await readOnly(effort), await withFewFiles(effort)]),
  },
];

/**
 * Fills a small file system while the homeserver is down. Then the homeserver is up, and then there
 * is space.
 */
async function onSmallDisks(effort: Effort): Promise<Tally> {
  const why = whyNoMounts();
  if (why !== undefined) return notRun(`a small tmpfs: ${why}`);
  return await tallyEach(sample([16, 24, 32, 48, 64], effort), effort.jobs, async (kib) => {
    await using world = await World.open();
    Deno.mkdirSync(world.stateDir, { mode: 0o700 });
    if (!mount("-t", "tmpfs", "-o", `size=${kib}k,mode=700`, "none", world.stateDir)) return notRun("a small tmpfs");
    try {
      await world.homeserver.stop();
      let refusals = 0;
      for (let at = 0; at < 200 && refusals < 3; at++) {
        await world.notify(`filler ${at}`, { waitMs: 0, message: "x".repeat(900) }).catch(() => refusals++);
      }
      await world.homeserver.restart();
      const ending = await world.send("on a full disk", { args: ["--no-background"] });
      const isHonest = ending.code === 0 || ending.code !== undefined && REFUSALS.includes(ending.code);
      if (!mount("-o", "remount,size=4m", world.stateDir)) throw new Error("Cannot enlarge the file system");
      const reported = sum([
        isHonest ? ONE : problem(formatEnding(ending)),
        refusals > 0 ? NOTHING : problem("it was never full"),
      ]);
      return prefixProblems(`${kib} KiB`, sum([reported, await world.recover()]));
    } finally {
      unmount(world.stateDir);
    }
  });
}

/**
 * Limits the file size in KiB. The kernel kills a process that exceeds it, unless the process
 * ignores SIGXFSZ.
 */
async function underFileLimits(effort: Effort): Promise<Tally> {
  const shells = ["", "trap '' XFSZ; "];
  return await tallyEach(sample(pairs([0, 1, 2, 3, 4], shells), effort, 4), effort.jobs, async ([kib, shell]) => {
    await using world = await World.open();
    await world.notify("before", { message: "x".repeat(600) });
    await world.notify("waiting", { message: "x".repeat(600), waitMs: 0 });
    return await runUnderLimit(world, `${shell}ulimit -f ${kib}`);
  });
}

async function withFewFiles(effort: Effort): Promise<Tally> {
  const limits = Array.from({ length: 24 }, (_, at) => 8 + 2 * at);
  return await tallyEach(sample(limits, effort), effort.jobs, async (files) => {
    await using world = await World.open();
    await world.notify("waiting", { waitMs: 0 });
    return await runUnderLimit(world, `ulimit -n ${files}`);
  });
}

/** Runs `send` and `flush` under a limit of the shell. */
async function runUnderLimit(world: World, limit: string): Promise<Tally> {
  const through = ["bash", "-c", `${limit}; exec "$@"`, "bash"];
  await world.send("limited", { args: ["--no-background"], through });
  await world.start(["flush", "--no-background"], { through }).ending;
  return prefixProblems(limit, sum([{ ...ONE, injections: 2 }, await world.recover()]));
}

/** Makes a state directory with queued entries read-only. */
async function readOnly(effort: Effort): Promise<Tally> {
  const why = whyNoMounts();
  if (why !== undefined) return notRun(`a read-only bind mount: ${why}`);
  return await tallyEach(sample([0, 1, 2, 3, 4, 5], effort), effort.jobs, async (waiting) => {
    await using world = await World.open();
    await world.notify("delivered");
    for (let at = 0; at < waiting; at++) await world.notify(`waiting ${at}`, { waitMs: 0 });
    const { stateDir } = world;
    if (!mount("--bind", stateDir, stateDir)) return notRun("a read-only bind mount");
    try {
      if (!mount("-o", "remount,ro,bind", stateDir)) return notRun("a read-only bind mount");
      const send = await world.send("in vain", { args: ["--no-background"] });
      const flush = await world.start(["flush", "--no-background"]).ending;
      const honest = [0, ...REFUSALS].includes(send.code ?? -1) ? [] : findFailure("send", send);
      const claims = flush.code === 0 && waiting > 0 ? [`flush: ${formatEnding(flush)}`] : [];
      if (!mount("-o", "remount,rw,bind", stateDir)) throw new Error("Cannot make it writable again");
      return sum([{ ...ONE, injections: 2 }, problem(...honest, ...claims), await world.recover()]);
    } finally {
      unmount(stateDir);
    }
  });
}
