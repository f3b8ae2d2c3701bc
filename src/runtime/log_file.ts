/** A log file that cannot grow without end. */

/** When a log is this long it becomes `<name>.old`, and a new one begins: there are at most twice as many bytes. */
export const MAX_LOG_BYTES: number = 256 * 1024;

/** Appends one line with its time; what cannot be written is not worth failing for. */
export function appendLog(path: string, text: string, now: number): void {
  try {
    if ((sizeOf(path) ?? 0) > MAX_LOG_BYTES) Deno.renameSync(path, `${path}.old`);
    const line = `${new Date(now).toISOString()} ${text.replace(/[\p{Cc}\p{Cf}]+/gu, " ")}\n`;
    Deno.writeTextFileSync(path, line, { append: true, mode: 0o600 });
  } catch {
    // The log tells what happens to the queue; it must never be what happens to it.
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
