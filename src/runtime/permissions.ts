/**
 * Checks Deno permissions. Call these functions before the program uses the permission. Without
 * this check, Deno asks the user on the terminal for a missing permission.
 *
 * @module
 */

import { PermissionError } from "../base/errors.ts";

/** Returns true if Deno allows this process to read an environment variable. */
export function mayReadVariable(variable: string): boolean {
  return isGranted({ name: "env" }) || isGranted({ name: "env", variable });
}

/** Returns true if Deno allows this process to read the host name or the user id. */
export function mayReadSystem(kind: "hostname" | "uid"): boolean {
  return isGranted({ name: "sys", kind });
}

/** Returns true if Deno allows this process to start a program. */
export function mayRun(command: string): boolean {
  return isGranted({ name: "run", command });
}

/**
 * Throws an error if Deno does not allow this process to read the environment. Call this function
 * if a value that depends on the environment was not found.
 *
 * @param action the action that failed, for the message: `find the configuration`
 * @throws {PermissionError} if `HOME` must not be read
 */
export function requireEnvAccess(action: string): void {
  if (mayReadVariable("HOME")) return;
  throw new PermissionError(`Cannot ${action}: Deno requires env access`, { hint: "run the program with --allow-env" });
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
