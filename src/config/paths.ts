/** The default paths of the configuration file and the state directory. */

import { ConfigError } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** What the paths depend on: the environment, and whether the user is root. */
export type PathRuntime = Pick<Runtime, "env" | "isRoot">;

const NAME = "matrix-notify";

/**
 * The configuration file: `$MATRIX_NOTIFY_CONFIG`, a file in `$CONFIGURATION_DIRECTORY` of systemd,
 * in `/etc/matrix-notify` for root, or in `$XDG_CONFIG_HOME/matrix-notify` (XDG Base Directory
 * Specification).
 */
export function configPath(runtime: PathRuntime): string {
  const named = runtime.env("MATRIX_NOTIFY_CONFIG");
  if (named) return named;
  const folder = first(runtime.env("CONFIGURATION_DIRECTORY")) ||
    personal(runtime, "XDG_CONFIG_HOME", ".config") || `/etc/${NAME}`;
  return `${folder}/config.json`;
}

/**
 * The state directory: `$MATRIX_NOTIFY_STATE_DIR`, `$STATE_DIRECTORY` (systemd),
 * `/var/lib/matrix-notify` for root, or `$XDG_STATE_HOME/matrix-notify`.
 *
 * @throws {ConfigError} if there is no home directory
 */
export function stateDirPath(runtime: PathRuntime): string {
  const named = runtime.env("MATRIX_NOTIFY_STATE_DIR") || first(runtime.env("STATE_DIRECTORY"));
  if (named) return named;
  const found = personal(runtime, "XDG_STATE_HOME", ".local/state") ||
    (runtime.isRoot() ? `/var/lib/${NAME}` : undefined);
  if (found) return found;
  throw new ConfigError("Cannot find a place for the queue: neither HOME nor XDG_STATE_HOME is set", {
    hint: "name one with --state-dir or MATRIX_NOTIFY_STATE_DIR",
  });
}

/** The directory of a person. Root has one only if the XDG variable is set. */
function personal(runtime: PathRuntime, variable: string, underHome: string): string | undefined {
  const base = runtime.env(variable);
  if (base?.startsWith("/")) return `${base}/${NAME}`;
  const home = runtime.isRoot() ? undefined : runtime.env("HOME");
  return home ? `${home}/${underHome}/${NAME}` : undefined;
}

/** systemd separates several directories by colons; the first is ours. */
function first(directories: string | undefined): string | undefined {
  return directories?.split(":")[0] || undefined;
}
