/** A pinned Synapse in a Python environment of its own. */

import { installEnvironment } from "../python/environment.ts";

/**
 * The version that is installed. It is pinned, so that tests always run against the same server.
 */
export const SYNAPSE_VERSION = "1.163.2";

/**
 * Installs Synapse unless it is installed already.
 *
 * @returns the path of the environment's Python.
 * @throws {Error} if there is no usable Python, or pip fails; the message ends with pip's last
 * lines
 */
export function installSynapse(): Promise<string> {
  return installEnvironment({
    title: "Synapse",
    name: "synapse",
    package: "matrix-synapse",
    version: SYNAPSE_VERSION,
  });
}
