/** How long a test waits for a line of the log, in milliseconds. */
const LIMIT_MS = 120_000;

/**
 * Waits until the log of the deliverer in a state directory matches, and returns the log.
 *
 * @throws {Error} with the log, if it does not match in time
 */
export async function waitForLog(stateDir: string, pattern: RegExp): Promise<string> {
  Deno.mkdirSync(stateDir, { recursive: true });
  using watcher = Deno.watchFs(stateDir);
  const timer = setTimeout(() => watcher.close(), LIMIT_MS);
  const read = () => Deno.readTextFile(`${stateDir}/deliverer.log`).catch(() => "");
  try {
    let text = await read();
    if (pattern.test(text)) return text;
    for await (const _ of watcher) {
      text = await read();
      if (pattern.test(text)) return text;
    }
    throw new Error(`The log does not match ${pattern}:\n${text}`);
  } finally {
    clearTimeout(timer);
  }
}
