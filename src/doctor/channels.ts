/**
 * What is looked at of each channel. A kind brings its checks by a line in the table here; of one that brings none is said that only a message can tell.
 *
 * @module
 */

import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { runChecks } from "./check.ts";
import { MATRIX_CHECKS } from "./channels/matrix.ts";
import { NTFY_CHECKS, NtfyPatient } from "./channels/ntfy.ts";
import { MatrixPatient } from "./channels/patient.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, isConfigError, skipped } from "./finding.ts";

/** Looks at one channel. */
type Examine = (source: ChannelSource, context: DoctorContext) => AsyncIterable<Finding>;

const EXAMINATIONS: Readonly<Record<string, Examine>> = {
  matrix: (source, context) => runChecks(MATRIX_CHECKS, new MatrixPatient(source, context), placeOf(source, context)),
  ntfy: (source, context) => runChecks(NTFY_CHECKS, new NtfyPatient(source, context), placeOf(source, context)),
};

/** Looks at every channel. What is wrong with the configuration is told by its own check. */
export async function* examineChannels(context: DoctorContext): AsyncGenerator<Finding> {
  let sources;
  try {
    sources = loadChannelSources(context.runtime, context.options);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    yield { check: "channels", ...CONFIGURATION_FIRST };
    return;
  }
  for (const source of sources) yield* examineChannel(source, context);
}

async function* examineChannel(source: ChannelSource, context: DoctorContext): AsyncGenerator<Finding> {
  const { name, kind } = source;
  const examine = Object.hasOwn(EXAMINATIONS, kind) ? EXAMINATIONS[kind] : undefined;
  if (examine === undefined) {
    yield { check: name, ...skipped("not looked at: only a message can tell (doctor --send)") };
    return;
  }
  let findings;
  try {
    findings = examine(source, context);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    yield { check: name, ...CONFIGURATION_FIRST };
    return;
  }
  yield* findings;
}

const CONFIGURATION_FIRST = skipped("not looked at: configuration comes first");

function placeOf({ name }: ChannelSource, { options }: DoctorContext) {
  return { prefix: `${name}/`, signal: options.signal };
}
