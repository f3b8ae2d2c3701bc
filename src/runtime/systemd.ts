/**
 * The parts of systemd that matrix-notify uses: services, and scopes (units for processes that
 * systemd did not start).
 *
 * @module
 */

import { cleanCommand, type CleanProgram } from "./clean_command.ts";
import { exists } from "./paths.ts";
import { mayReadSystem } from "./permissions.ts";

/** The instance of systemd that manages a unit: the system manager, or the manager of a user. */
export type Manager = "system" | "user";

/** Returns true if systemd is the init system of this host (sd_booted(3)). */
export function isBooted(): boolean {
  return exists("/run/systemd/system");
}

/**
 * Finds the service in the text of `/proc/PID/cgroup` (cgroups(7)).
 *
 * @returns undefined if the process does not belong to a service (for example, it runs in a login
 *   shell)
 */
export function findUnit(cgroups: string): { readonly unit: string; readonly manager: Manager } | undefined {
  const line = /^\d+:name=systemd:(.*)$/m.exec(cgroups) ?? /^0::(.*)$/m.exec(cgroups);
  const names = line?.[1].split("/") ?? [];
  const userManager = names.findLastIndex((name) => /^user@\d+\.service$/.test(name));
  const unit = names.slice(userManager + 1).find((name) => /\.(service|scope)$/.test(name));
  return unit?.endsWith(".service") ? { unit, manager: userManager < 0 ? "system" : "user" } : undefined;
}

/**
 * The maximum waiting time until systemd has moved the deliverer to a new scope, in milliseconds.
 * If this process ended earlier, systemd would stop the deliverer.
 */
const SCOPE_MS = 5_000;

/** Prints a line when the new scope exists. Then starts the program without any output. */
const SCRIPT = 'echo started; exec "$@" >/dev/null 2>&1';

/**
 * Starts a program in a scope. The program gets the environment and the file systems of this
 * process. Other users can read the properties of a unit, but these properties do not contain the
 * environment of the program.
 *
 * @returns true if the program was started; false if systemd does not allow it
 */
export async function startInScope({ path, args, env }: CleanProgram, manager: Manager): Promise<boolean> {
  const options = ["--scope", "--quiet", "--collect", "--no-ask-password", "--description=matrix-notify deliverer"];
  if (manager === "user") options.push("--user");
  const command = [...options, "--", "/bin/sh", "-c", SCRIPT, "sh", path, ...args];
  // systemd does not set this variable for a system service with `User=`.
  const XDG_RUNTIME_DIR = env.XDG_RUNTIME_DIR ?? `/run/user/${mayReadSystem("uid") ? Deno.uid() : ""}`;
  try {
    const child = cleanCommand({ path: "systemd-run", args: command, env: { ...env, XDG_RUNTIME_DIR } }, {
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    child.unref();
    const limit = AbortSignal.timeout(SCOPE_MS);
    const kill = () => child.kill("SIGKILL");
    limit.addEventListener("abort", kill);
    const reader = child.stdout.getReader();
    const { done } = await reader.read();
    limit.removeEventListener("abort", kill);
    await reader.cancel();
    return !done;
  } catch {
    return false;
  }
}
