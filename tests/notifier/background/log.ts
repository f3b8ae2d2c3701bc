/** Waits until the log of the deliverer in a state directory matches, and returns the log. */
export async function waitForLog(stateDir: string, pattern: RegExp): Promise<string> {
  Deno.mkdirSync(stateDir, { recursive: true });
  using watcher = Deno.watchFs(stateDir);
  const read = () => Deno.readTextFile(`${stateDir}/deliverer.log`).catch(() => "");
  let text = await read();
  if (pattern.test(text)) return text;
  for await (const _ of watcher) {
    text = await read();
    if (pattern.test(text)) return text;
  }
  throw new Error("Cannot watch the log any longer: the watcher ended");
}
