/**
 * Reads files with secrets. matrix-notify refuses a secret that another user of the host can change
 * (see `trust.ts`), or that every user can read. Every user may read the following files, because
 * the system chooses their modes:
 *
 * - in `$CREDENTIALS_DIRECTORY` (systemd, `LoadCredential=`)
 * - in `/run/secrets` (containers)
 * - on a read-only mount, where the mode cannot be changed
 *
 * @module
 */

import { ConfigError, toPermissionError } from "../base/errors.ts";
import { quoteForShell } from "../base/shell_word.ts";
import { unreadableState } from "./file_errors.ts";
import { parentDirectory } from "./files.ts";
import { mayReadSystem, readVariable } from "./permissions.ts";
import { type Distrust, findFileDistrust, isOnReadOnlyMount, UntrustedError } from "./trust.ts";

/**
 * The permission bits for users who are neither the owner nor in the group of the file. The group
 * may have access, because services share files through groups.
 */
const WORLD = 0o007;

/** The directory where containers find their secrets. */
const CONTAINER_SECRETS = "/run/secrets";

/**
 * Describes the problem if every user can read a file with a secret. The file must be trusted (see
 * `trust.ts`).
 *
 * @returns undefined if there is no problem
 */
export function findExposure(path: string): Distrust | undefined {
  const { mode, uid } = Deno.statSync(path);
  if (mode === null || (mode & WORLD) === 0 || isProvided(path)) return undefined;
  const isMine = !mayReadSystem("uid") || uid === Deno.uid();
  return {
    state: "it contains a secret, but every user of this host can read",
    hint: isMine ? `run: chmod 600 ${quoteForShell(path)}` : accessHint(path),
  };
}

/** Returns true if the system provides the file and chooses its mode. */
function isProvided(path: string): boolean {
  const credentials = readVariable("CREDENTIALS_DIRECTORY");
  return isBelow(CONTAINER_SECRETS, path) || (Boolean(credentials) && isBelow(`${credentials}`, path)) ||
    isOnReadOnlyMount(path);
}

function isBelow(folder: string, path: string): boolean {
  return [path, Deno.realPathSync(path)].some((one) => one.startsWith(`${folder}/`));
}

/**
 * Reads a file whose content other users must not choose, such as a file of certificate
 * authorities.
 *
 * @param path the path of the file
 * @param what the name of the setting in errors, such as `caFile`
 * @throws {ConfigError} if the file does not exist, cannot be read, or is not trusted
 * @throws {PermissionError} if Deno denies access to the file
 */
export function requireTrustedFile(path: string, what: string): string {
  try {
    requireTrustedPath(path);
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw toReadError(path, what, error);
  }
}

/**
 * Reads a file with a secret. The file must exist.
 *
 * @param path the path of the file
 * @param what the name of the setting in errors, such as `accessTokenFile`
 * @throws {ConfigError} if the file does not exist, cannot be read, is not trusted, or can be read
 * by other users
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
 * @param requireTrust throws an {@linkcode UntrustedError} if the file is not trusted
 * @returns the text of the file; undefined if the file does not exist
 * @throws {ConfigError} if the file cannot be read, is not trusted, or can be read by other users
 * @throws {PermissionError} if Deno denies access to the file
 */
export function readSecretFile(
  path: string,
  what: string,
  requireTrust: (path: string) => void = requireTrustedPath,
): string | undefined {
  try {
    requireTrust(path);
    const text = Deno.readTextFileSync(path);
    const exposure = findExposure(path);
    if (exposure === undefined) return text;
    throw new ConfigError(`Cannot use ${what} ${path}: ${exposure.state} it`, { hint: exposure.hint });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw toReadError(path, what, error);
  }
}

/**
 * Checks that a file is trusted. Each regular file in `/run/secrets` (containers) is trusted.
 *
 * @throws {UntrustedError} if the file is not trusted
 */
function requireTrustedPath(path: string): void {
  const distrust = findFileDistrust(path);
  const isContainerSecret = () => isBelow(CONTAINER_SECRETS, path) && Deno.statSync(path).isFile;
  if (distrust !== undefined && !isContainerSecret()) throw new UntrustedError(distrust);
}

function toReadError(path: string, what: string, error: unknown): unknown {
  if (error instanceof ConfigError) return error;
  if (error instanceof Deno.errors.NotCapable) return toPermissionError(`read ${what} ${path}`, error);
  const reason = error instanceof UntrustedError
    ? { state: error.message, hint: error.hint }
    : { state: unreadableState(error), hint: readHint(path, error) };
  return new ConfigError(`Cannot use ${what} ${path}: ${reason.state}`, { hint: reason.hint, cause: error });
}

/** Returns a hint for a file that this user has no permission to read. */
export function readHint(path: string, error: unknown): string | undefined {
  if (!(error instanceof Deno.errors.PermissionDenied)) return undefined;
  return accessHint(path);
}

/**
 * Returns how root gives this user access to a file of another user. If the directory belongs to
 * this user, the file was probably written with `sudo`, and only this user needs it.
 */
function accessHint(path: string): string {
  const file = quoteForShell(path);
  if (isInOwnDirectory(path)) return `run as root: chown ${Deno.uid()} ${file}; chmod 600 ${file}`;
  return `to share the file, run as root: chgrp GROUP ${file}; chmod 640 ${file}; replace GROUP with a group of all ` +
    "users who send notifications";
}

function isInOwnDirectory(path: string): boolean {
  try {
    return mayReadSystem("uid") && Deno.statSync(parentDirectory(path)).uid === Deno.uid();
  } catch {
    return false;
  }
}
