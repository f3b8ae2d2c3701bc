/**
 * Signals by which a service manager, a terminal or `kill` ends a program. Windows has only SIGINT.
 */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGHUP", "SIGINT", "SIGTERM"];

/**
 * Runs a program with the terminal and environment of this process, and forwards signals to it.
 *
 * @returns its exit code; 128 plus the signal's number if a signal ended it
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
  const forwarders = SIGNALS.map((signal) => ({ signal, forward: () => forwardSignal(child, signal) }));
  for (const { signal, forward } of forwarders) Deno.addSignalListener(signal, forward);
  try {
    return (await child.status).code;
  } finally {
    for (const { signal, forward } of forwarders) Deno.removeSignalListener(signal, forward);
  }
}

function forwardSignal(child: Deno.ChildProcess, signal: Deno.Signal): void {
  // A terminal sends Ctrl-C to the child too, and many programs take a second SIGINT as an order to
  // quit at once.
  if (signal === "SIGINT" && Deno.stdin.isTerminal()) return;
  try {
    child.kill(signal);
  } catch (error) {
    // The child has already ended.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
