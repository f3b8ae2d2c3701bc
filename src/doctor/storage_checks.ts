/**
 * Checks of the storage: the state directory, its disk, and the queue. These checks do not write to
 * the disk.
 */

import { formatCount } from "../base/count.ts";
import { formatDuration } from "../base/duration.ts";
import { quoteForShell } from "../base/shell_word.ts";
import { loadConfig } from "../config/load.ts";
import type { Policies } from "../delivery/delays.ts";
import { Schedule } from "../delivery/schedule.ts";
import { judgeHealth } from "../notifier/health.ts";
import { Reporter } from "../notifier/outcomes.ts";
import { computeStatus, type Status } from "../notifier/status.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import { TORN_SUFFIX } from "../queue/quarantine.ts";
import { Queue } from "../queue/queue.ts";
import { denoFiles, type Files } from "../runtime/files.ts";
import { formatMode } from "../runtime/trust.ts";
import { askHost, type DoctorContext, stateDirOf } from "./context.ts";
import { type Check, failure, ok, skipped, warning } from "../channels/check.ts";

const OWNER_WRITES = 0o300;

/**
 * Checks the owner, the permission bits and the mount of the state directory. Does not try to
 * write, because a write would change the directory.
 */
export const stateDirectory: Check<DoctorContext> = {
  name: "state directory",
  *look(context) {
    const { host } = context;
    const path = stateDirOf(context);
    const distrust = host.findDirectoryDistrust(path);
    if (distrust !== undefined) {
      yield failure(
        `${path} cannot be used: ${distrust.state}`,
        `${distrust.hint}; or choose another directory with --state-dir`,
      );
      return;
    }
    const facts = host.stat(path);
    if (host.isOnReadOnlyMount(existingPart(context))) {
      yield failure(
        `the file system of ${path} is read-only`,
        "mount the file system with write access, or choose another directory with --state-dir",
      );
      return;
    }
    if (facts === undefined) {
      yield ok(`${path} does not exist yet; the first notification creates it`);
      return;
    }
    if (!facts.isDirectory) {
      yield failure(`${path} is a file, not a directory`, "choose another directory with --state-dir");
      return;
    }
    const uid = host.uid();
    const { mode = 0o700, uid: owner } = facts;
    if (owner !== undefined && uid !== undefined && uid !== 0 && owner !== uid) {
      yield failure(
        `${path} belongs to root; the current user (uid ${uid}) cannot write there`,
        "run matrix-notify as root, or choose another directory with --state-dir",
      );
      return;
    }
    if ((mode & OWNER_WRITES) !== OWNER_WRITES && uid !== 0) {
      yield failure(
        `${path} is not writable: its mode is ${formatMode(mode)}`,
        `run: chmod 700 ${quoteForShell(path)}`,
      );
      return;
    }
    if ((mode & 0o007) !== 0) {
      yield warning(
        `other users of this host can access ${path}: its mode is ${formatMode(mode)}`,
        `run: chmod 700 ${quoteForShell(path)}`,
      );
      return;
    }
    yield ok(`${path}, mode ${formatMode(mode)}`);
  },
};

const IN_MEMORY: readonly string[] = ["tmpfs", "ramfs", "devtmpfs", "zram"];

/**
 * File systems that can lose data, or on which file locks may fail. `meaning` describes the risk.
 */
const RISKY: readonly (readonly [pattern: RegExp, meaning: string, hint: string])[] = [
  [
    /^(overlay|aufs)$/,
    "inside a container, and is deleted with the container",
    "mount a volume in the container, and choose it with --state-dir",
  ],
  [
    /^(nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|fuse\..*|fuse|vboxsf|virtiofs)$/,
    "on a network or shared file system: file locks and fsync may not be reliable",
    "choose a directory on a local disk with --state-dir",
  ],
];

/** Checks the type of the file system: some types lose data, or their file locks may fail. */
export const fileSystem: Check<DoctorContext> = {
  name: "file system",
  needs: ["state directory"],
  async *look(context) {
    const found = await readFileSystem(context);
    if (found === undefined) {
      yield skipped("the kind of file system is unknown: df cannot be run (--allow-run may be missing)");
      return;
    }
    const { type } = found;
    if (IN_MEMORY.includes(type)) {
      yield warning(
        `the state directory is in memory (${type}): the queue is lost when the host restarts`,
        "choose a directory on a disk with --state-dir or MATRIX_NOTIFY_STATE_DIR",
      );
      return;
    }
    const risk = RISKY.find(([pattern]) => pattern.test(type));
    if (risk) yield warning(`the state directory is ${risk[1]} (${type})`, risk[2]);
    else yield ok(`${type} on ${found.device}`);
  },
};

/**
 * The disk counts as nearly full if the free space is smaller than this, in KiB. This space is
 * enough for the largest queue and its compaction (a new queue file without finished entries). On a
 * small disk, {@linkcode LOW_PART} of the disk is the limit.
 */
const LOW_KIB = 64 * 1024;

/** The part of a small disk that should be free. The same part of its inodes should be free. */
const LOW_PART = 0.1;

/** The disk counts as full if the free space is smaller than this, in KiB. */
const FULL_KIB = 1024;

/** The limits for free inodes. Each file needs an inode, and a delivery creates several files. */
const LOW_INODES = 1000, FULL_INODES = 10;

/**
 * Checks the free space and the free inodes on the disk, and checks that the reserve exists. The
 * reserve is a file that the queue deletes to get space on a full disk. The command `status
 * --check` reports the same problems.
 */
export const diskSpace: Check<DoctorContext> = {
  name: "disk",
  needs: ["state directory"],
  async *look(context) {
    const found = await readSpace(context);
    const { freeKib, sizeKib, freeInodes, allInodes } = found ?? UNKNOWN_SPACE;
    const room = `${Math.floor(freeKib / 1024)} MiB are free`;
    if (freeKib < FULL_KIB) {
      yield failure(`the disk is full: ${freeKib} KiB are free`, "free some disk space; queued notifications are safe");
    } else if (freeInodes < FULL_INODES) {
      yield failure(
        `the disk has no room for more files: ${formatCount(freeInodes, "inode is", "inodes are")} free`,
        "delete files that are not needed; queued notifications are safe",
      );
    } else if (freeKib < Math.min(LOW_KIB, LOW_PART * sizeKib)) {
      yield warning(`the disk is nearly full: ${room}`, "free some disk space");
    } else if (freeInodes < Math.min(LOW_INODES, LOW_PART * allInodes)) {
      yield warning(
        `the disk has room for few more files: ${freeInodes} inodes are free`,
        "delete files that are not needed",
      );
    } else if (isReserveMissing(context)) {
      yield warning(
        "the file that reserves disk space for the queue is missing: it was deleted on a full disk, or could not be " +
          `written${found === undefined ? "" : `; ${room} now`}`,
        "make sure that the disk has free space; the next send creates the file again",
      );
    } else if (found === undefined) {
      yield skipped("the free space is unknown: stat cannot be run (--allow-run may be missing)");
    } else yield ok(room);
  },
};

/**
 * Returns true if the queue exists, but the reserve (a file that the queue deletes on a full disk)
 * does not exist.
 */
function isReserveMissing(context: DoctorContext): boolean {
  const queue = `${stateDirOf(context)}/queue`;
  const exists = (name: string) => context.host.stat(`${queue}/${name}`) !== undefined;
  return exists("queue.jsonl") && !exists("reserve.bin");
}

/**
 * Reads the type and the device of the file system from the last line that `df` prints. GNU and
 * BusyBox have the option `-T`.
 */
async function readFileSystem(
  context: DoctorContext,
): Promise<{ readonly type: string; readonly device: string } | undefined> {
  if (context.host.os !== "linux") return undefined;
  const text = await askHost(context, "df", ["-P", "-k", "-T", existingPart(context)]);
  const found = /^(.+?)\s+(\S+)\s+\d+\s+\d+\s+-?\d+\s+\S+\s+\/.*$/.exec(text?.trim().split("\n").at(-1) ?? "");
  return found === null ? undefined : { device: found[1], type: found[2] };
}

/** The space on the disk. If the number of inodes has no limit, `freeInodes` is infinite. */
interface Space {
  readonly sizeKib: number;
  readonly freeKib: number;
  readonly allInodes: number;
  readonly freeInodes: number;
}

const UNKNOWN_SPACE: Space = { sizeKib: 0, freeKib: Infinity, allInodes: 0, freeInodes: Infinity };

/**
 * Reads the space and the inodes with one call. GNU and BusyBox have these options of `stat`. `df`
 * would need two calls.
 */
async function readSpace(context: DoctorContext): Promise<Space | undefined> {
  if (context.host.os !== "linux") return undefined;
  const answer = await askHost(context, "stat", ["-f", "-c", "%S %b %a %c %d", existingPart(context)]);
  const text = answer?.trim() ?? "";
  if (!/^\d+( \d+){4}$/.test(text)) return undefined;
  const [blockBytes, blocks, freeBlocks, allInodes, freeInodes] = text.split(" ").map(Number);
  const toKib = (count: number) => Math.floor(count * blockBytes / 1024);
  return {
    ...{ sizeKib: toKib(blocks), freeKib: toKib(freeBlocks) },
    ...{ allInodes, freeInodes: allInodes === 0 ? Infinity : freeInodes },
  };
}

/**
 * Returns the state directory. If this directory does not exist, returns the nearest parent
 * directory that exists.
 */
function existingPart(context: DoctorContext): string {
  let path = stateDirOf(context);
  while (path.includes("/") && context.host.stat(path) === undefined) path = path.slice(0, path.lastIndexOf("/"));
  return path === "" ? "/" : path;
}

/**
 * The maximum age of a waiting entry (a queued notification), in milliseconds. By default, `status
 * --check` uses the same maximum.
 */
const MAX_AGE_MS = 15 * 60_000;

/** Reports the problems of the queue, by the rules of the command `status --check`. */
export const queueHealth: Check<DoctorContext> = {
  name: "queue",
  needs: ["state directory"],
  async *look(context) {
    const { status } = await readQueue(context);
    const { state, problems } = judgeHealth(status, MAX_AGE_MS);
    const all = [...problems, ...notes(status)].join("; ");
    if (state === "critical") yield failure(all, hintFor(status));
    else if (state === "warning") yield warning(all, hintFor(status));
    else {
      const waiting = countWaiting(status);
      yield ok(
        [
          waiting === 0 ? "empty" : `${waiting} waiting`,
          describeLastDelivery(status, context.runtime.now()),
          ...notes(status),
        ].join("; "),
      );
    }
  },
};

/**
 * Warns if entries (queued notifications) are waiting, but no process is delivering entries now.
 */
export const deliverer: Check<DoctorContext> = {
  name: "deliverer",
  needs: ["queue"],
  async *look(context) {
    const { queue, status } = await readQueue(context);
    const waiting = countWaiting(status);
    if (waiting === 0) {
      yield ok("nothing to deliver");
      return;
    }
    const unknown = await findUnknownChannels(context, queue);
    if (unknown.length > 0) {
      yield warning(
        `entries wait for channels that are not in this configuration: ${unknown.join(", ")}`,
        "add a channel with this name, or drop the entries: matrix-notify queue list, queue drop",
      );
    }
    const folder = `${stateDirOf(context)}/queue`;
    const isRunning = ["background.lock", "deliver.lock"].some((name) => context.host.isLocked(`${folder}/${name}`));
    if (isRunning) yield ok("a process is delivering the queued entries");
    else {
      yield warning(
        `no process is delivering the queued entries (${waiting}); the next send tries to deliver them`,
        "run: matrix-notify flush",
      );
    }
  },
};

/** Lists the names of channels that have entries, but do not exist in the configuration. */
async function findUnknownChannels({ runtime, options }: DoctorContext, queue: Queue): Promise<string[]> {
  const { channels, stopped, failure } = await loadConfig(runtime, options);
  if (failure !== undefined) return [];
  const known = new Set([EVERY_CHANNEL, ...[...channels, ...stopped].map(({ name }) => name)]);
  return [...new Set(queue.state.eachLive().map(({ channel }) => channel))].filter((name) => !known.has(name));
}

function countWaiting({ queued, deferred, held }: Status): number {
  return queued + deferred + held;
}

function describeLastDelivery({ lastDelivery }: Status, now: number): string {
  if (lastDelivery === undefined) return "nothing was delivered yet";
  return `the last delivery was ${formatDuration(now - lastDelivery)} ago`;
}

/** Returns useful facts about the queue that do not cause a warning. */
function notes({ torn, spooled, possibleDuplicates }: Status): string[] {
  return [
    ...(spooled > 0 ? [`${spooled} stored in queue/spool until the next delivery`] : []),
    ...(torn > 0 ? [`${formatCount(torn, "half-written line")} of notifications that were never accepted`] : []),
    ...(possibleDuplicates > 0 ? [`${formatCount(possibleDuplicates, "possible duplicate")} so far`] : []),
  ];
}

/** Returns the hints for the most important problems. */
function hintFor({ held, dead, quarantined, bytes, waitingFor }: Status): string {
  const waits = held > 0 || bytes > NEARLY_FULL_BYTES || waitingFor !== undefined;
  const hints = [
    ...waits ? ["fix the cause of the delay, then run: matrix-notify flush"] : [],
    ...dead > 0
      ? ["retry or drop the dead letters: matrix-notify queue list --dead, queue retry --dead, queue drop --dead"]
      : [],
  ];
  if (hints.length > 0) return hints.join("; ");
  if (quarantined > 0) {
    return "check the disk; the damaged lines are copied to queue/quarantine in the state directory";
  }
  return "run: matrix-notify flush";
}

/** The queue, and the status that was computed from it. */
export interface QueueReading {
  readonly queue: Queue;
  readonly status: Status;
}

/**
 * Reads the queue and its status without writing files. Normally, opening a queue copies each
 * damaged line to the quarantine (a folder for damaged lines). Here, the damaged lines that are not
 * yet in the quarantine are only counted. The field `quarantined` includes their number.
 *
 * @throws {StorageError} if the queue cannot be read
 */
export async function readQueue(context: DoctorContext): Promise<QueueReading> {
  const { runtime } = context;
  let unsaved = 0;
  const refuse = () => {
    throw new Deno.errors.PermissionDenied("The doctor writes nothing");
  };
  const files: Files = {
    ...denoFiles,
    open(path, mode) {
      if (mode === "read") return denoFiles.open(path, mode);
      if (path.includes("/quarantine/") && !path.includes(`${TORN_SUFFIX}.`)) unsaved++;
      return refuse();
    },
    makeDirectory() {},
    rename: refuse,
    remove: refuse,
    syncDirectory: refuse,
  };
  const queue = Queue.open(stateDirOf(context), runtime, { files });
  const now = runtime.now();
  const policies = await readPolicies(context);
  const courier = { schedule: () => new Schedule(now, queue.state, { policies }) };
  const status = computeStatus(queue, new Reporter(queue, courier, () => undefined), now);
  return { queue, status: { ...status, quarantined: status.quarantined + unsaved } };
}

/**
 * Reads the policies (rules for delivery, such as quiet hours). Without the policies, the status
 * could not distinguish entries delayed by quiet hours from entries that are stuck. Does not report
 * mistakes in the configuration, because the check `configuration` reports these mistakes.
 */
async function readPolicies({ runtime, options }: DoctorContext): Promise<Policies> {
  return (await loadConfig(runtime, options)).policies;
}
