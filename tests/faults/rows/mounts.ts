/** File systems of a row's own: small ones, and ones that nobody may write. They need root. */

import { works } from "../process.ts";

/** Why there are no mounts here; undefined where there are. */
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

/** Mounts; says whether that was permitted. */
export function mount(...args: readonly string[]): boolean {
  return works("mount", ...args);
}

/** Unmounts. @throws {Error} when it does not go */
export function unmount(directory: string): void {
  if (!works("umount", directory)) throw new Error(`Cannot unmount ${directory}`);
}
