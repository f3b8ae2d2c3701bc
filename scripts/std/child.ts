/** What a service manager, a terminal or `kill` ends a program with. Windows knows only the terminal's. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGHUP", "SIGINT", "SIGTERM"];

/**
 * Runs a program with our terminal and our environment and returns its exit code, which is 128 and the signal's number when a
 * signal ended it. Signals that reach us go on to it, and we stay until it has gone.
 */
export async function runChild(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const forwarders = SIGNALS.map((signal) => ({ signal, forward: () => pass(child, signal) }));
  for (const { signal, forward } of forwarders) Deno.addSignalListener(signal, forward);
  try {
    return (await child.status).code;
  } finally {
    for (const { signal, forward } of forwarders) Deno.removeSignalListener(signal, forward);
  }
}

function pass(child: Deno.ChildProcess, signal: Deno.Signal): void {
  // A terminal sends Ctrl-C to the child as well, and many programs take a second one for impatience.
  if (signal === "SIGINT" && Deno.stdin.isTerminal()) return;
  try {
    child.kill(signal);
  } catch (error) {
    // It has gone in the meantime, as it was meant to.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
