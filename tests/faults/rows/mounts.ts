/** Mounts of small and read-only file systems, which need root. */

import { works } from "../process.ts";

/** Returns why mounts are not possible; undefined if they are. */
export function whyNoMounts(): string | undefined {
  const directory = Deno.makeTempDirSync({ prefix: "fault-mount-" });
  try {
    if (!mount("-t", "tmpfs", "-o", "size=64k", "none", directory)) {
      return "mounting a file system is not permitted here";
    }
    unmount(directory);
  } finally {
    Deno.removeSync(directory);
  }
}

/** Mounts a file system; returns whether that was permitted. */
export function mount(...args: readonly string[]): boolean {
  return works("mount", ...args);
}

/** Unmounts a file system. @throws {Error} if that fails */
export function unmount(directory: string): void {
  if (!works("umount", directory)) throw new Error(`Cannot unmount ${directory}`);
}
