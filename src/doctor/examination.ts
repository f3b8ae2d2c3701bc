/**
 * Runs all checks. They send, write and change nothing, except that an expired session is renewed,
 * as by every request.
 *
 * @module
 */

import { examineChannels } from "./channels.ts";
import { runChecks } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import type { Finding } from "../channels/check.ts";
import { background, clock, configuration, system } from "./host_checks.ts";
import { deliverer, diskSpace, fileSystem, queueHealth, stateDirectory } from "./storage_checks.ts";

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

/** Checks the host, then each channel. Yields each finding at once. */
export async function* examine(context: DoctorContext): AsyncGenerator<Finding> {
  yield* runChecks(HOST_CHECKS, context, { signal: context.options.signal });
  yield* examineChannels(context);
}
