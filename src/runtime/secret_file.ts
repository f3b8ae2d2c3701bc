/**
 * Reads files with secrets. matrix-notify refuses a secret that every user of the host can read.
 * Files whose modes the system chooses are an exception:
 *
 * - in `$CREDENTIALS_DIRECTORY` (systemd, `LoadCredential=`)
 * - in `/run/secrets` (containers)
 * - on a read-only mount, where the mode cannot be changed
 *
 * @module
 */

import { ConfigError, toPermissionError } from "../base/errors.ts";
import { isOnReadOnlyMount } from "./directory.ts";
import { unreadableState } from "./file_errors.ts";
import { mayReadSystem, readVariable } from "./permissions.ts";

/**
 * The permission bits for users who are neither the owner nor in the group of the file. The group
 * may have access, because services share files through groups.
 */
const WORLD = 0o007;

/** The directory where containers find their secrets. */
const CONTAINER_SECRETS = "/run/secrets";

/** The reason why a file with a secret is refused, and the command that fixes the problem. */
export interface Exposure {
  readonly state: string;
  readonly hint: string;
}

/**
 * Describes the problem if every user can read a file with a secret.
 *
 * @returns undefined if there is no problem
 */
export function findExposure(path: string): Exposure | undefined {
  const { mode, uid } = Deno.statSync(path);
  if (mode === null || (mode & WORLD) === 0 || isProvided(path)) return undefined;
  const isMine = !mayReadSystem("uid") || uid === Deno.uid();
  return {
    state: "it contains a secret, but every user of this host can read",
    hint: isMine
      ? `run: chmod 600 ${path}`
      : `as root, run: chgrp GROUP ${path}; chmod 640 ${path}; replace GROUP with a group of all users who send notifications`,
  };
}

/** Returns true if the system provides the file and chooses its mode. */
function isProvided(path: string): boolean {
  const credentials = readVariable("CREDENTIALS_DIRECTORY");
  const folders = [CONTAINER_SECRETS, ...credentials ? [credentials] : []];
  const real = Deno.realPathSync(path);
  return folders.some((folder) => [path, real].some((one) => one.startsWith(`${folder}/`))) || isOnReadOnlyMount(path);
}

/**
 * Reads a file with a secret. The file must exist.
 *
 * @param path the path of the file
 * @param what the name of the setting in errors, such as `accessTokenFile`
 * @throws {ConfigError} if the file does not exist, cannot be read, or can be read by other users
 * @throws {PermissionError} if Deno denies access to the file
 */
export function requireSecretFile(path: string, what: string): string {
  const text = readSecretFile(path, what);
  if (text !== undefined) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: there is no such file`);
}

/**
 * Reads a file with a secret.
 *
 * @param path the path of the file
 * @param what the name of the setting in errors, such as `accessTokenFile`
 * @returns the text of the file; undefined if the file does not exist
 * @throws {ConfigError} if the file cannot be read, or can be read by other users
 * @throws {PermissionError} if Deno denies access to the file
 */
export function readSecretFile(path: string, what: string): string | undefined {
  try {
    const exposure = findExposure(path);
    if (exposure !== undefined) {
      throw new ConfigError(`Cannot use ${what} ${path}: ${exposure.state} it`, { hint: exposure.hint });
    }
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof ConfigError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw toPermissionError(`read ${what} ${path}`, error);
    throw new ConfigError(`Cannot use ${what} ${path}: ${unreadableState(error)}`, {
      cause: error,
      hint: readHint(path, error),
    });
  }
}

/** Returns a hint for a file that this user has no permission to read. */
export function readHint(path: string, error: unknown): string | undefined {
  if (!(error instanceof Deno.errors.PermissionDenied)) return undefined;
  return `to share the file, run as root: chgrp GROUP ${path}; chmod 640 ${path}; replace GROUP with a group of this user`;
}
