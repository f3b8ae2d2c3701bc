/** A pinned Synapse in a Python environment of its own. */

import { installEnvironment } from "../python/environment.ts";

/** The version that is installed: tests prove something about one server, not about whichever is newest. */
export const SYNAPSE_VERSION = "1.163.2";

/**
 * Installs Synapse unless it is there already.
 *
 * @returns The path of the environment's Python.
 * @throws {Error} When there is no usable Python, or pip fails; the message ends with what pip said last.
 */
export function installSynapse(): Promise<string> {
  return installEnvironment({
    title: "Synapse",
    name: "synapse",
    package: "matrix-synapse",
    version: SYNAPSE_VERSION,
  });
}
