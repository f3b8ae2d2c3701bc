/**
 * Checks the permissions of Deno. Call these functions before the program uses a permission.
 * Otherwise Deno asks the user on the terminal for a missing permission.
 *
 * @module
 */

import { PermissionError } from "../base/errors.ts";
import type { SystemFact } from "../base/permission_table.ts";
import { VARIABLES } from "../base/variables.ts";

/** Returns true if Deno allows this process to read an environment variable. */
function mayReadVariable(variable: string): boolean {
  return isGranted({ name: "env" }) || isGranted({ name: "env", variable });
}

/**
 * Reads an environment variable. Returns undefined if the variable is not set, if Deno denies
 * access, or if the value is not UTF-8.
 *
 * @param onInvalid a function that is called if the value is not UTF-8
 */
export function readVariable(variable: string, onInvalid?: () => void): string | undefined {
  if (!mayReadVariable(variable)) return undefined;
  try {
    return Deno.env.get(variable);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    onInvalid?.();
    return undefined;
  }
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
 * Throws an error if Deno does not allow this process to find its directories. Call this function
 * after the search for a file or for a setting has found nothing.
 *
 * @param action the action that failed, such as `find the configuration`; the message contains it
 * @throws {PermissionError} if Deno denies access to an environment variable or to the user id
 */
export function requirePlaces(action: string): void {
  const needed = [...VARIABLES.places, ...VARIABLES.config];
  const denied = needed.filter((name) => !mayReadVariable(name));
  if (denied.length > 0) {
    const list = denied.length === needed.length ? "" : `=${denied.join(",")}`;
    throw new PermissionError(`Cannot ${action}: Deno requires env access`, {
      hint: `run the program with --allow-env${list}`,
    });
  }
  if (mayReadSystem("uid") || Deno.build.os === "windows") return;
  const hint = "run the program with --allow-sys=hostname,uid";
  throw new PermissionError(`Cannot ${action}: Deno requires sys access to "uid"`, { hint });
}

/** The address where Deno opens its inspector after SIGUSR1. No option changes the address. */
export const INSPECTOR_ADDRESS = { hostname: "127.0.0.1", port: 9229 } as const;

/** One permission of Deno. Without a value, it permits everything of its kind. */
export interface Permission {
  readonly kind: "net" | "read" | "write" | "env" | "run" | "sys";
  /** A host and port, a path, a variable, a program, or a fact about the system. */
  readonly value?: string;
}

/** Returns true if this process has a permission. */
export function hasPermission({ kind, value }: Permission): boolean {
  switch (kind) {
    case "net":
      return isGranted({ name: kind, host: value });
    case "read":
    case "write":
      return isGranted({ name: kind, path: value });
    case "env":
      return isGranted({ name: kind }) || isGranted({ name: kind, variable: value });
    case "run":
      return isGranted({ name: kind, command: value });
    case "sys":
      return isGranted({ name: kind, kind: value as SystemFact | undefined });
  }
}

/** Formats permissions as flags of Deno, one flag for each kind: `--allow-net=example.org:443`. */
export function permissionFlags(permissions: readonly Permission[]): readonly string[] {
  return Array.from(Map.groupBy(permissions, ({ kind }) => kind), ([kind, all]) => {
    const values = all.map(({ value }) => value);
    if (values.includes(undefined)) return `--allow-${kind}`;
    return `--allow-${kind}=${[...new Set(values.map((value) => withoutComma(value ?? "")))].join(",")}`;
  });
}

/**
 * Deno 2.9.6 splits the value of a flag at each comma, and a comma cannot be escaped. Therefore a
 * path with a comma is replaced with the nearest directory whose path has no comma.
 */
function withoutComma(value: string): string {
  const comma = value.indexOf(",");
  return comma < 0 ? value : value.slice(0, value.lastIndexOf("/", comma)) || "/";
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
