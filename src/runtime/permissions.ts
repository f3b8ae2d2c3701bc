/**
 * Checks of Deno permissions. They come before the access itself, because an access without
 * permission would make Deno prompt on a terminal.
 *
 * @module
 */

import { PermissionError } from "../base/errors.ts";

/** True if Deno lets this process read an environment variable. */
export function mayReadVariable(variable: string): boolean {
  return isGranted({ name: "env" }) || isGranted({ name: "env", variable });
}

/** True if Deno lets this process read the host's name or its own user id. */
export function mayReadSystem(kind: "hostname" | "uid"): boolean {
  return isGranted({ name: "sys", kind });
}

/** True if Deno lets this process start a program. */
export function mayRun(command: string): boolean {
  return isGranted({ name: "run", command });
}

/**
 * Throws if something was not found because Deno does not let this process read the environment.
 *
 * @param action what cannot be done, for the message: `find the configuration`
 * @throws {PermissionError} if `HOME` must not be read
 */
export function requireEnvAccess(action: string): void {
  if (mayReadVariable("HOME")) return;
  throw new PermissionError(`Cannot ${action}: Deno requires env access`, { hint: "run it with --allow-env" });
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
