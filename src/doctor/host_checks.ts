/**
 * Checks of the host: the configuration, the operating system, the clock, and the background
 * process.
 */

import { formatTime } from "../base/time.ts";
import { checkConfig } from "../config/check.ts";
import { readSources } from "../config/load.ts";
import { FLUSH_TIMER, isFlushedByTimer, unitDirectory } from "../notifier/background/timer_units.ts";
import { parentDirectory } from "../runtime/files.ts";
import { absolutePath } from "../runtime/paths.ts";
import { hasPermission } from "../runtime/permissions.ts";
import { denoDirectory } from "../runtime/program.ts";
import { askHost, type DoctorContext, stateDirOf } from "./context.ts";
import type { Host } from "./host.ts";
import { findOwnSocket } from "./serve_checks.ts";
import { type Check, failure, type Found, ok, skipped, warning } from "../channels/check.ts";

/** Reports all mistakes in the configuration. */
export const configuration: Check<DoctorContext> = {
  name: "configuration",
  async *look(context) {
    const { runtime, options } = context;
    const { channels, problems, needsServer } = await checkConfig(runtime, options);
    const socket = needsServer ? await findOwnSocket(context) : undefined;
    if (socket !== undefined) {
      yield ok(`this user has no configuration, and sends through ${socket}`);
      return;
    }
    for (const { message, hint } of problems) yield failure(message, hint);
    if (problems.length > 0) return;
    const { file: { path, isThere } } = await readSources(runtime, options);
    const names = `channels: ${channels.join(", ")}`;
    yield ok(isThere ? `${path}; ${names}` : `only environment variables (${path} does not exist); ${names}`);
  },
};

/** The size of memory pages that Deno's JavaScript engine (V8) is built for, in bytes. */
const PAGE_BYTES = 4096;

/**
 * The oldest version of the C library (glibc) with which the binaries of Deno and matrix-notify
 * run.
 */
const MIN_GLIBC = [2, 27] as const;

const ARCHITECTURES: readonly string[] = ["x86_64", "aarch64"];

/**
 * Checks the requirements of Deno and of the binaries of matrix-notify: the processor, the size of
 * memory pages, and the C library.
 */
export const system: Check<DoctorContext> = {
  name: "system",
  async *look(context) {
    const { os, arch, isBinary } = context.host;
    if (os !== "linux") {
      yield ok(`${os} on ${arch}`);
      return;
    }
    if (!ARCHITECTURES.includes(arch)) {
      yield failure(`Deno does not support ${arch}`, `use a host with ${ARCHITECTURES.join(" or ")}`);
      return;
    }
    const problems = isBinary ? [] : findCacheProblems(context);
    const pageBytes = Number((await askHost(context, "getconf", ["PAGESIZE"]))?.trim());
    const libc = (await askHost(context, "getconf", ["GNU_LIBC_VERSION"]))?.trim();
    if (!(pageBytes > 0)) {
      yield* problems;
      yield skipped("the page size and the C library are unknown: getconf cannot be run (--allow-run may be missing)");
      return;
    }
    if (pageBytes !== PAGE_BYTES) {
      problems.push(warning(
        `Deno may crash, because the kernel uses memory pages of ${pageBytes / 1024} KiB`,
        "on a Raspberry Pi 5 add kernel=kernel8.img to /boot/firmware/config.txt, and restart",
      ));
    }
    const version = /^glibc (\d+)\.(\d+)/.exec(libc ?? "");
    if (version === null) {
      problems.push(warning(
        "the C library is not glibc: a matrix-notify binary cannot run on this system",
        "run matrix-notify with a Deno that was built for this system",
      ));
    } else if (isTooOld([Number(version[1]), Number(version[2])])) {
      const what = `the C library is ${libc}, older than ${MIN_GLIBC.join(".")}`;
      const hint = "update the system";
      problems.push(
        isBinary ? failure(what, hint) : warning(`${what}: a matrix-notify binary cannot run on this system`, hint),
      );
    }
    if (problems.length > 0) yield* problems;
    else yield ok(`${os} on ${arch}, pages of ${pageBytes / 1024} KiB, ${libc ?? "an unknown C library"}`);
  },
};

/**
 * Returns a warning if this user cannot write to the cache of Deno. Then Deno cannot store compiled
 * code (`docs/performance.md`).
 */
function findCacheProblems({ runtime, host }: DoctorContext): Found[] {
  const path = denoDirectory(runtime.env);
  if (path === undefined || mayWriteTo(absolutePath(path), host)) return [];
  const hint = "set DENO_DIR to a directory that this user can write to";
  return [
    warning(`this user cannot write to ${path}, the cache of Deno: each command needs about 20 ms more CPU time`, hint),
  ];
}

/** Returns false only if it is certain that this user cannot write to a directory or create it. */
function mayWriteTo(path: string, host: Host): boolean {
  const uid = host.uid();
  if (uid === undefined || uid === 0 || !hasPermission({ kind: "read", value: path })) return true;
  let facts;
  try {
    facts = host.stat(path);
  } catch (error) {
    return !(error instanceof Deno.errors.PermissionDenied);
  }
  if (facts === undefined) return path === "/" || mayWriteTo(parentDirectory(path), host);
  if (facts.mode === undefined || facts.uid === uid) return facts.mode === undefined || (facts.mode & 0o200) !== 0;
  // The groups of this user are not known.
  return (facts.mode & 0o022) !== 0;
}

function isTooOld([major, minor]: readonly [number, number]): boolean {
  return major < MIN_GLIBC[0] || (major === MIN_GLIBC[0] && minor < MIN_GLIBC[1]);
}

/** The year of the first version of matrix-notify. An earlier time cannot be correct. */
const FIRST_YEAR = 2026;

/**
 * Checks that the clock shows a possible year. If a host does not have a clock with a battery, its
 * clock starts in 1970.
 */
export const clock: Check<DoctorContext> = {
  name: "clock",
  *look({ runtime }) {
    const now = runtime.now();
    if (new Date(now).getUTCFullYear() >= FIRST_YEAR) yield ok(formatTime(now));
    else {
      yield failure(
        `the clock of this host is wrong: it shows ${formatTime(now)}`,
        "set the clock, and turn NTP on: with a wrong clock, TLS certificates are not valid",
      );
    }
  },
};

/**
 * Checks that a systemd timer or a cron job delivers queued notifications. The timer or the job is
 * needed after a restart of the host, and if the host stops background processes too early.
 */
export const timer: Check<DoctorContext> = {
  name: "timer",
  needs: ["state directory"],
  async *look(context) {
    const { runtime } = context;
    if (!await runtime.hasSystemd()) {
      const crontab = await askHost(context, "crontab", ["-l"]);
      if (crontab !== undefined && /^[^#\n]*\sflush\s/m.test(crontab)) {
        yield ok("a cron job delivers queued notifications");
      } else {
        yield skipped(
          "this host does not run systemd: after a restart, queued notifications wait until the next send, flush or cron job",
        );
      }
      return;
    }
    const user = runtime.isRoot() ? [] : ["--user"];
    const state =
      (await askHost(context, "systemctl", [...user, "show", "--property=ActiveState", "--value", FLUSH_TIMER]))
        ?.trim();
    const folder = unitDirectory(runtime);
    const isOfQueue = isFlushedByTimer(absolutePath(stateDirOf(context)), runtime);
    if (state === "active" && isOfQueue) yield ok(`${FLUSH_TIMER} delivers queued notifications, also after a restart`);
    else if (state === "active") {
      yield warning(`${FLUSH_TIMER} in ${folder} is not enabled, or delivers another queue`, INSTALL_HINT);
    } else {
      yield warning(
        isOfQueue
          ? `${FLUSH_TIMER} is not active (${state ?? "unknown"})`
          : "after a restart of this host, queued notifications wait until the next send or flush",
        INSTALL_HINT,
      );
    }
  },
};

const INSTALL_HINT = "run: matrix-notify service install";

/**
 * Checks that matrix-notify can start a background process. This process tries to deliver a
 * notification again after a failed send.
 */
export const background: Check<DoctorContext> = {
  name: "background",
  needs: ["configuration"],
  async *look({ runtime, host, options }) {
    const flag = options.noBackground ? "--no-background" : undefined;
    if (flag !== undefined || (await readSources(runtime, options)).value.background === false) {
      yield ok(
        `background processes are off (${
          flag ?? "background: false"
        }): queued notifications wait until the next send or flush`,
      );
    } else if (host.mayRunItself()) yield ok("a background process can deliver queued notifications");
    else {
      yield warning(
        "a background process cannot be started: Deno does not allow matrix-notify to run itself",
        "start matrix-notify with --allow-run, or run matrix-notify flush every few minutes",
      );
    }
  },
};
