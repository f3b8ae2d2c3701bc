/** What can happen to a system call, in the words of `strace --inject`. */

/**
 * System calls by which the queue touches the disk, and the last ones the network. Machines differ
 * in a few names; `?` permits one that is unknown here.
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

/** The name of a system call, whatever this machine calls it. */
export type Syscall = keyof typeof SYSCALLS;

/** A fault that is injected into one call of a program. */
export interface Fault {
  /** How it stands in the table. */
  readonly name: string;
  /** The calls that it can happen to. */
  readonly syscalls: readonly Syscall[];
  /** What is injected into the call. */
  readonly effect: string;
  /**
   * Whether it happens to calls on any file and any connection; otherwise to those that touch the
   * state directory, and no others.
   */
  readonly isAnywhere?: boolean;
  /** Whether every later call of the same name suffers it too. */
  readonly lasts?: boolean;
  /**
   * A second fault, in the first call of that name behind the first fault. Only a program that
   * mends something makes that call.
   */
  readonly followUp?: { readonly syscall: Syscall; readonly effect: string };
  /** Whether the program may fail to take back what it refuses: the disk does not let it. */
  readonly excusesHalfTaken?: boolean;
}

const NETWORK: readonly Syscall[] = ["socket", "connect", "send", "receive", "poll", "shutdown"];
const ALL = (Object.keys(SYSCALLS) as Syscall[]).filter((syscall) => !NETWORK.includes(syscall));
/**
 * `close` must happen: where strace answers in its place, the file stays open, and locked, which no
 * disk can bring about.
 */
const FALLIBLE = ALL.filter((syscall) => syscall !== "close");
const GROWING: readonly Syscall[] = ["openat", "mkdir", "write", "fdatasync", "fsync", "rename"];
const NAMES: readonly Syscall[] = ["openat", "mkdir", "rename", "unlink"];
const READ_ONLY: readonly Syscall[] = [...NAMES, "write", "ftruncate"];
const WRITING: readonly Syscall[] = ["write", "fdatasync", "fsync"];
const KILL = "signal=SIGKILL";

/** Every fault, by its name. */
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
    name: "EIO, SIGKILL while it is taken back",
    syscalls: WRITING,
    effect: "error=EIO",
    followUp: { syscall: "ftruncate", effect: KILL },
  },
  {
    name: "EIO, and no way to take it back",
    syscalls: WRITING,
    effect: "error=EIO",
    followUp: { syscall: "ftruncate", effect: "error=EIO" },
    excusesHalfTaken: true,
  },
];

/** @throws {Error} when there is no such fault */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((fault) => fault.name === name);
  if (fault === undefined) {
    throw new Error(`Cannot inject ${name}: known are ${FAULTS.map(({ name }) => name).join(", ")}`);
  }
  return fault;
}

/** The options that make strace bring a fault about in the n-th call of its name. */
export function injection({ effect, lasts, followUp }: Fault, syscall: Syscall, n: number): string[] {
  const calls = [SYSCALLS[syscall], ...followUp ? [SYSCALLS[followUp.syscall]] : []];
  const options = ["-e", `trace=${calls.join(",")}`];
  options.push("-e", `inject=${SYSCALLS[syscall]}:${effect}:when=${n}${lasts ? "+" : ""}`);
  if (followUp) options.push("-e", `inject=${SYSCALLS[followUp.syscall]}:${followUp.effect}:when=1`);
  // A filter in the kernel spares the program thousands of stops, but loses the signals that strace
  // should send.
  return options.some((option) => option.includes("signal=")) ? options : ["--seccomp-bpf", ...options];
}
