/**
 * Keeps Deno's inspector closed. When a Deno process gets SIGUSR1, Deno opens the inspector on
 * 127.0.0.1:9229. Every user of the host could then run code in this process. Deno has no option
 * against this.
 *
 * ```text
 *   SIGUSR1 ──► this listener takes the port ──► Deno cannot open the inspector
 *                 └─ the port is not free ─► the inspector is closed right after it has opened
 * ```
 *
 * Deno calls listeners in the order in which they were added, and adds its own listener half a second
 * after the start of the process.
 *
 * @module
 */

/** The address of the inspector. No option of matrix-notify changes the address. */
const ADDRESS = { hostname: "127.0.0.1", port: 9229 } as const;

/**
 * How long the port stays taken after a signal, in milliseconds. Deno opens the inspector a short
 * and unknown time after the signal: 1 to 40 ms on a busy host.
 */
const HOLD_MS = 2000;

/**
 * The times after a signal at which the inspector is closed, in milliseconds. They count if another
 * process has the port, or if Deno does not allow this process to listen.
 */
const CLOSE_AFTER_MS = [0, 10, 30, 100, 300, 1000, 3000];

/** Keeps the inspector closed until the process ends. Call this function as early as possible. */
export function keepInspectorClosed(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGUSR1", blockInspector);
}

function blockInspector(): void {
  try {
    const listener = Deno.listen(ADDRESS);
    listener.unref();
    AbortSignal.timeout(HOLD_MS).addEventListener("abort", () => listener.close());
  } catch {
    void closeInspector();
  }
}

async function closeInspector(): Promise<void> {
  const { close } = await import("node:inspector");
  for (const ms of CLOSE_AFTER_MS) Deno.unrefTimer(setTimeout(close, ms));
}
