/** The disk below the state directory: how much room it has, and whether it keeps what it is given. */

import type { Check } from "./check.ts";
import { askHost, type DoctorContext, stateDirOf } from "./context.ts";
import { failure, ok, skipped, warning } from "./finding.ts";

/** Less than the largest queue and its compaction take. */
const LITTLE_KIB = 64 * 1024;

/** Less than this is a full disk. */
const NONE_KIB = 1024;

/** The file system that holds a path. */
interface FileSystem {
  readonly device: string;
  readonly type: string;
  readonly freeKib: number;
}

/** How much room there is. */
export const diskSpace: Check<DoctorContext> = {
  name: "disk",
  needs: ["state directory"],
  async *look(context) {
    const found = await fileSystemOf(context);
    if (found === undefined) {
      yield skipped("nobody tells how much room there is: df cannot be run (it needs --allow-run)");
      return;
    }
    const { freeKib } = found;
    const isReserveGone = isReserveMissing(context);
    const room = `${Math.floor(freeKib / 1024)} MiB are free`;
    if (freeKib < NONE_KIB) {
      yield failure(`the disk is full: ${freeKib} KiB are free`, "make room on the disk; what is queued is safe");
    } else if (freeKib < LITTLE_KIB) yield warning(`the disk is nearly full: ${room}`, "make room on the disk");
    else if (isReserveGone) {
      yield warning(
        `the room that is kept back for a full disk is not there: it was used up, or could not be had; now ${room}`,
        "make sure that there is room on the disk; the next send keeps some back again",
      );
    } else yield ok(room);
  },
};

/** A queue without a reserve has met a full disk. */
function isReserveMissing(context: DoctorContext): boolean {
  const queue = `${stateDirOf(context)}/queue`;
  const isThere = (name: string) => context.host.stat(`${queue}/${name}`) !== undefined;
  return isThere("queue.jsonl") && !isThere("reserve.bin");
}

const IN_MEMORY: readonly string[] = ["tmpfs", "ramfs", "devtmpfs", "zram"];

/** What happens on a file system that is not a disk of this host. */
const DOUBTFUL: readonly (readonly [pattern: RegExp, meaning: string, hint: string])[] = [
  [
    /^(overlay|aufs)$/,
    "the layer of a container, which goes with the container",
    "give the container a volume, and name it with --state-dir",
  ],
  [
    /^(nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|fuse\..*|fuse|vboxsf|virtiofs)$/,
    "on another machine, or seen through one: its locks and its promises to have written may not hold",
    "name a directory on a local disk with --state-dir",
  ],
];

/** Whether what is written stays written. */
export const fileSystem: Check<DoctorContext> = {
  name: "file system",
  needs: ["state directory"],
  async *look(context) {
    const found = await fileSystemOf(context);
    if (found === undefined) {
      yield skipped("nobody tells what kind it is: df cannot be run (it needs --allow-run)");
      return;
    }
    const { type } = found;
    if (IN_MEMORY.includes(type)) {
      yield warning(
        `the state directory is in memory (${type}): what is queued is gone when the host restarts`,
        "name a directory on a disk with --state-dir or MATRIX_NOTIFY_STATE_DIR",
      );
      return;
    }
    const doubtful = DOUBTFUL.find(([pattern]) => pattern.test(type));
    if (doubtful) yield warning(`the state directory is ${doubtful[1]} (${type})`, doubtful[2]);
    else yield ok(`${type} on ${found.device}`);
  },
};

/** Asks `df`, whose output is one line of six columns (POSIX, with the type that GNU and BusyBox add). */
async function fileSystemOf(context: DoctorContext): Promise<FileSystem | undefined> {
  if (context.host.os !== "linux") return undefined;
  const text = await askHost(context, "df", ["-P", "-k", "-T", existing(context)]);
  const found = /^(.+?)\s+(\S+)\s+\d+\s+\d+\s+(-?\d+)\s+\S+\s+\/.*$/.exec(text?.trim().split("\n").at(-1) ?? "");
  if (found === null) return undefined;
  return { device: found[1], type: found[2], freeKib: Number(found[3]) };
}

/** The state directory, or what of its path is there already. */
function existing(context: DoctorContext): string {
  let path = stateDirOf(context);
  while (path.includes("/") && context.host.stat(path) === undefined) path = path.slice(0, path.lastIndexOf("/"));
  return path === "" ? "/" : path;
}
