/**
 * Watches files and directories for changes by other processes. A watch is only a hint: network
 * file systems report no changes, and the kernel limits the number of watches. Therefore the caller
 * must also look at the files from time to time.
 *
 * @module
 */

import { exists } from "./paths.ts";

/**
 * Starts to watch files, and directories with their subdirectories. To end the watch, dispose of
 * the result. Skips files that do not exist. A file that is replaced is not watched any more.
 *
 * @param onChange called after each change
 * @returns undefined if the files cannot be watched
 */
export function watchFiles(paths: readonly string[], onChange: () => void): Disposable | undefined {
  try {
    const watcher = Deno.watchFs(paths.filter(exists));
    void follow(watcher, onChange);
    return watcher;
  } catch {
    return undefined;
  }
}

async function follow(watcher: Deno.FsWatcher, onChange: () => void): Promise<void> {
  try {
    // Opening and reading a file are events too, of the kind `access`.
    for await (const { kind } of watcher) if (kind !== "access") onChange();
  } catch {
    // The files cannot be watched any more. The caller still looks at them from time to time.
  }
}
