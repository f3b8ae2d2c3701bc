/**
 * The whole examination. Nothing is sent, written or changed by it, but that a session whose token is over is renewed, as by any request.
 *
 * @module
 */

import { background } from "./background.ts";
import { examineChannels } from "./channels.ts";
import { runChecks } from "./check.ts";
import { clock } from "./clock.ts";
import { configuration } from "./configuration.ts";
import type { DoctorContext } from "./context.ts";
import { diskSpace, fileSystem } from "./disk.ts";
import type { Finding } from "./finding.ts";
import { deliverer, queueHealth } from "./queue.ts";
import { stateDirectory } from "./state_directory.ts";
import { system } from "./system.ts";

const HOST_CHECKS = [
  configuration,
  system,
  clock,
  stateDirectory,
  fileSystem,
  diskSpace,
  queueHealth,
  deliverer,
  background,
];

/** Looks at the host, then at each channel; findings come as they are made. */
export async function* examine(context: DoctorContext): AsyncGenerator<Finding> {
  yield* runChecks(HOST_CHECKS, context, { signal: context.options.signal });
  yield* examineChannels(context);
}
