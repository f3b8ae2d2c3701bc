/** The default paths of the configuration file and the state directory. */

import { ConfigError } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The parts of the runtime that determine the paths. */
export type PathRuntime = Pick<Runtime, "env" | "isRoot">;

const NAME = "matrix-notify";

/** The state directory of root, if no environment variable sets another. */
export const ROOT_STATE_DIR = `/var/lib/${NAME}`;

/**
 * The directory of the sockets of `serve`. systemd creates it with
 * `RuntimeDirectory=matrix-notify`.
 */
export const SOCKET_DIRECTORY = "/run/matrix-notify";

/** The name of the default socket, for commands of users who cannot read the configuration. */
export const DEFAULT_SOCKET = "socket";

/** Returns the default path of a socket of `serve`. */
export function defaultSocketPath(name: string): string {
  return `${SOCKET_DIRECTORY}/${name}`;
}

/** Returns the path of the socket of `serve`: `$MATRIX_NOTIFY_SOCKET`, or the default socket. */
export function socketPath({ env }: Pick<PathRuntime, "env">): string {
  return env("MATRIX_NOTIFY_SOCKET") || defaultSocketPath(DEFAULT_SOCKET);
}

/**
 * Returns the path of the configuration file. This is `$MATRIX_NOTIFY_CONFIG`, if the variable is
 * set. Otherwise, it is `config.json` in the first of these directories:
 *
 * - `$CONFIGURATION_DIRECTORY` (set by systemd; see {@linkcode ownDirectory})
 * - `$XDG_CONFIG_HOME/matrix-notify` (XDG Base Directory Specification)
 * - `/etc/matrix-notify`, for root
 */
export function configPath(runtime: PathRuntime): string {
  return configPaths(runtime)[0];
}

/**
 * Returns the possible paths of the configuration file; the first file that exists is used. The
 * first path is {@linkcode configPath}, the second path is in `/etc/matrix-notify`. The list
 * contains only the first path if `MATRIX_NOTIFY_CONFIG` sets the file, or if
 * `CONFIGURATION_DIRECTORY` sets its directory.
 */
export function configPaths(runtime: PathRuntime): readonly [string, ...string[]] {
  const named = runtime.env("MATRIX_NOTIFY_CONFIG");
  if (named) return [named];
  const ofUnit = ownDirectory(runtime.env("CONFIGURATION_DIRECTORY"));
  if (ofUnit !== undefined) return [`${ofUnit}/config.json`];
  const own = personal(runtime, "XDG_CONFIG_HOME", ".config");
  const ofHost = `/etc/${NAME}/config.json`;
  return own === undefined ? [ofHost] : [`${own}/config.json`, ofHost];
}

/**
 * Returns the path of the state directory, which is the first of these directories:
 *
 * - `$MATRIX_NOTIFY_STATE_DIR`
 * - `$STATE_DIRECTORY` (set by systemd; see {@linkcode ownDirectory})
 * - `$XDG_STATE_HOME/matrix-notify` (XDG Base Directory Specification)
 * - `/var/lib/matrix-notify`, for root
 *
 * @throws {ConfigError} if the home directory is unknown
 */
export function stateDirPath(runtime: PathRuntime): string {
  const named = runtime.env("MATRIX_NOTIFY_STATE_DIR") || ownDirectory(runtime.env("STATE_DIRECTORY"));
  if (named) return withoutSlash(named);
  const found = personal(runtime, "XDG_STATE_HOME", ".local/state") ||
    (runtime.isRoot() ? ROOT_STATE_DIR : undefined);
  if (found) return found;
  throw new ConfigError("Cannot find a place for the queue: HOME and XDG_STATE_HOME are not set", {
    hint: "set --state-dir or MATRIX_NOTIFY_STATE_DIR",
  });
}

/**
 * Returns the personal directory of the user. Root has a personal directory only if the XDG
 * variable is set.
 */
function personal(runtime: PathRuntime, variable: string, underHome: string): string | undefined {
  const base = runtime.env(variable);
  if (base?.startsWith("/")) return `${withoutSlash(base)}/${NAME}`;
  const home = runtime.isRoot() ? undefined : runtime.env("HOME");
  return home ? `${withoutSlash(home)}/${underHome}/${NAME}` : undefined;
}

/** Removes the slashes at the end of a path. `HOME` is `/` in some containers and services. */
function withoutSlash(directory: string): string {
  return directory.replace(/\/+$/, "");
}

/**
 * Returns the first directory named `matrix-notify` in a list. systemd passes such a list,
 * separated by colons, to a service with `StateDirectory=`. If the service of another program calls
 * matrix-notify, the list contains the directories of the other program. These directories are
 * ignored, so that all calls of matrix-notify use one queue.
 */
function ownDirectory(directories: string | undefined): string | undefined {
  return directories?.split(":").map(withoutSlash).find((path) => path.endsWith(`/${NAME}`));
}
