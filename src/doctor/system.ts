/** The system below: its memory pages, its C library, its processor. */

import type { Check } from "./check.ts";
import { askHost, type DoctorContext } from "./context.ts";
import { failure, type Found, ok, skipped, warning } from "./finding.ts";

/** V8 in Deno is built for pages of this size. */
const PAGE_BYTES = 4096;

/** Deno's binaries, and ours, are linked against it. */
const LEAST_GLIBC = [2, 27] as const;

const ARCHITECTURES: readonly string[] = ["x86_64", "aarch64"];

/** What Deno and a binary need of the host. */
export const system: Check<DoctorContext> = {
  name: "system",
  async *look(context) {
    const { os, arch, isBinary } = context.host;
    if (os !== "linux") {
      yield ok(`${os} on ${arch}`);
      return;
    }
    if (!ARCHITECTURES.includes(arch)) {
      yield failure(`there is no Deno for ${arch}`, `use a host with ${ARCHITECTURES.join(" or ")}`);
      return;
    }
    const problems: Found[] = [];
    const pages = Number((await askHost(context, "getconf", ["PAGESIZE"]))?.trim());
    const libc = (await askHost(context, "getconf", ["GNU_LIBC_VERSION"]))?.trim();
    if (!(pages > 0)) {
      yield skipped("nobody tells the page size and the C library: getconf cannot be run (it needs --allow-run)");
      return;
    }
    if (pages !== PAGE_BYTES) {
      problems.push(warning(
        `the kernel has memory pages of ${pages / 1024} KiB, with which Deno may crash`,
        "on a Raspberry Pi 5 add kernel=kernel8.img to /boot/firmware/config.txt, and restart",
      ));
    }
    const version = /^glibc (\d+)\.(\d+)/.exec(libc ?? "");
    if (version === null) {
      problems.push(
        warning("the C library is not glibc: no binary of matrix-notify runs here", "run it by a Deno of this system"),
      );
    } else if (isOlder([Number(version[1]), Number(version[2])])) {
      const what = `the C library is ${libc}, older than ${LEAST_GLIBC.join(".")}`;
      const hint = "update the system";
      problems.push(isBinary ? failure(what, hint) : warning(`${what}: no binary of matrix-notify runs here`, hint));
    }
    if (problems.length > 0) yield* problems;
    else yield ok(`${os} on ${arch}, pages of ${pages / 1024} KiB, ${libc ?? "an unknown C library"}`);
  },
};

function isOlder([major, minor]: readonly [number, number]): boolean {
  return major < LEAST_GLIBC[0] || (major === LEAST_GLIBC[0] && minor < LEAST_GLIBC[1]);
}
