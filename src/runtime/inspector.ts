/**
 * Keeps Deno's inspector closed. On SIGUSR1, every Deno process opens the inspector on
 * 127.0.0.1:9229. Every user of the host could then run code in this process. This file is part of
 * the start of the program, so it imports nothing.
 *
 * @module
 */

/**
 * The times after SIGUSR1 at which the inspector is closed, in milliseconds. Deno opens the
 * inspector at about the time when the listener of the signal runs, or a little later.
 */
const CLOSE_AFTER_MS = [0, 10, 30, 100, 300, 1000, 3000];

/** Closes the inspector each time SIGUSR1 opens it. */
export function keepInspectorClosed(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGUSR1", closeInspector);
}

async function closeInspector(): Promise<void> {
  const { close } = await import("node:inspector");
  for (const ms of CLOSE_AFTER_MS) Deno.unrefTimer(setTimeout(close, ms));
}
