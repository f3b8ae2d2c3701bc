/** Faults of system calls, in the syntax of `strace --inject`. */

/**
 * System calls on the disk, and at the end on the network. Some names differ between machines; `?`
 * allows unknown names.
 */
const SYSCALLS = {
  openat: "openat",
  mkdir: "?mkdir,mkdirat",
  statx: "statx",
  getdents: "?getdents,getdents64",
  flock: "flock",
  lseek: "?lseek,?_llseek",
  read: "read,pread64",
  write: "write,pwrite64",
  ftruncate: "ftruncate",
  fdatasync: "fdatasync",
  fsync: "fsync",
  rename: "?rename,renameat,renameat2",
  unlink: "?unlink,unlinkat",
  close: "close",
  socket: "socket",
  connect: "connect",
  send: "sendto,sendmsg,?writev",
  receive: "recvfrom,?recvmsg",
  poll: "epoll_wait,?epoll_pwait",
  shutdown: "shutdown",
} as const;

/** The name of a system call in this file. */
export type Syscall = keyof typeof SYSCALLS;

/** A fault of one system call. */
export interface Fault {
  /** Its name in the table. */
  readonly name: string;
  /** The calls into which it is injected. */
  readonly syscalls: readonly Syscall[];
  /** The effect for strace. */
  readonly effect: string;
  /**
   * Whether it affects calls on all files and connections. Otherwise only calls on the state
   * directory are affected.
   */
  readonly isAnywhere?: boolean;
  /** Whether all later calls of the same name fail too. */
  readonly lasts?: boolean;
  /**
   * A second fault, in the first call of another name after the first fault. Only a program that
   * undoes something makes that call.
   */
  readonly followUp?: { readonly syscall: Syscall; readonly effect: string };
  /**
   * Whether a rejected message may be delivered, because the disk does not let the program undo it.
   */
  readonly allowsDeliveredReject?: boolean;
}

const NETWORK: readonly Syscall[] = ["socket", "connect", "send", "receive", "poll", "shutdown"];
const ALL = (Object.keys(SYSCALLS) as Syscall[]).filter((syscall) => !NETWORK.includes(syscall));
/**
 * `close` never fails here: if strace replaces the call, the file stays open and locked, which no
 * disk can cause.
 */
const FALLIBLE = ALL.filter((syscall) => syscall !== "close");
const GROWING: readonly Syscall[] = ["openat", "mkdir", "write", "fdatasync", "fsync", "rename"];
const NAMES: readonly Syscall[] = ["openat", "mkdir", "rename", "unlink"];
const READ_ONLY: readonly Syscall[] = [...NAMES, "write", "ftruncate"];
const WRITING: readonly Syscall[] = ["write", "fdatasync", "fsync"];
const KILL = "signal=SIGKILL";

/** All faults. */
export const FAULTS: readonly Fault[] = [
  { name: "SIGKILL", syscalls: ALL, effect: KILL },
  { name: "SIGKILL around the network", syscalls: NETWORK, effect: KILL, isAnywhere: true },
  { name: "EIO", syscalls: FALLIBLE, effect: "error=EIO" },
  { name: "EIO from then on", syscalls: FALLIBLE, effect: "error=EIO", lasts: true },
  { name: "ENOSPC", syscalls: GROWING, effect: "error=ENOSPC" },
  { name: "ENOSPC from then on", syscalls: GROWING, effect: "error=ENOSPC", lasts: true },
  { name: "EDQUOT", syscalls: GROWING, effect: "error=EDQUOT" },
  { name: "EDQUOT from then on", syscalls: GROWING, effect: "error=EDQUOT", lasts: true },
  { name: "EROFS", syscalls: READ_ONLY, effect: "error=EROFS" },
  { name: "EROFS from then on", syscalls: READ_ONLY, effect: "error=EROFS", lasts: true },
  { name: "EMFILE", syscalls: ["openat"], effect: "error=EMFILE" },
  { name: "EMFILE from then on", syscalls: ["openat"], effect: "error=EMFILE", lasts: true },
  { name: "EACCES", syscalls: NAMES, effect: "error=EACCES" },
  { name: "EACCES from then on", syscalls: NAMES, effect: "error=EACCES", lasts: true },
  { name: "short write", syscalls: ["write"], effect: "retval=5" },
  {
    name: "EIO, SIGKILL during the undo",
    syscalls: WRITING,
    effect: "error=EIO",
    followUp: { syscall: "ftruncate", effect: KILL },
  },
  {
    name: "EIO, also during the undo",
    syscalls: WRITING,
    effect: "error=EIO",
    followUp: { syscall: "ftruncate", effect: "error=EIO" },
    allowsDeliveredReject: true,
  },
];

/** Finds a fault. @throws {Error} if it does not exist */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((fault) => fault.name === name);
  if (fault === undefined) {
    throw new Error(`Cannot inject ${name}: known are ${FAULTS.map(({ name }) => name).join(", ")}`);
  }
  return fault;
}

/** Returns the options with which strace injects a fault into the n-th call of a name. */
export function injection({ effect, lasts, followUp }: Fault, syscall: Syscall, n: number): string[] {
  const calls = [SYSCALLS[syscall], ...followUp ? [SYSCALLS[followUp.syscall]] : []];
  const options = ["-e", `trace=${calls.join(",")}`];
  options.push("-e", `inject=${SYSCALLS[syscall]}:${effect}:when=${n}${lasts ? "+" : ""}`);
  if (followUp) options.push("-e", `inject=${SYSCALLS[followUp.syscall]}:${followUp.effect}:when=1`);
  // With a filter in the kernel the program is faster, but strace cannot send signals.
  return options.some((option) => option.includes("signal=")) ? options : ["--seccomp-bpf", ...options];
}
