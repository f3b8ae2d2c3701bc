/**
 * Runs all checks: first the checks of the host, and then the checks of each channel. Each kind of
 * channel (such as Matrix or email) has a list of checks. The checks do not send messages and do
 * not change files or servers, with one exception: if the access token of a login has expired, a
 * request renews the token.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { type Check, type Finding, findingOf, skipped } from "../channels/check.ts";
import { loadKind } from "../channels/registry.ts";
import { withConnection } from "../config/connection.ts";
import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { type DoctorContext, limitsOf, stateDirOf } from "./context.ts";
import { background, clock, configuration, system, timer } from "./host_checks.ts";
import { serve } from "./serve_checks.ts";
import { deliverer, diskSpace, fileSystem, queueHealth, readQueue, stateDirectory } from "./storage_checks.ts";

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
  timer,
  serve,
];

/** Checks the host, then each channel. Yields each finding (a result of a check) immediately. */
export async function* examine(context: DoctorContext): AsyncGenerator<Finding> {
  yield* runChecks(HOST_CHECKS, context, { signal: context.options.signal });
  yield* examineChannels(context);
}

const CONFIGURATION_FIRST = skipped("not checked: first fix configuration");

/**
 * Checks every channel. Does not report problems of the configuration, because the check
 * `configuration` reports these problems.
 */
async function* examineChannels(context: DoctorContext): AsyncGenerator<Finding> {
  let sources;
  try {
    sources = await loadChannelSources(context.runtime, context.options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield { check: "channels", ...CONFIGURATION_FIRST };
    return;
  }
  for (const source of sources) yield* examineChannel(source, context);
}

async function* examineChannel(source: ChannelSource, context: DoctorContext): AsyncGenerator<Finding> {
  const { name } = source;
  let checks;
  try {
    checks = await createChecks(source, context);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield { check: name, ...CONFIGURATION_FIRST };
    return;
  }
  yield* runChecks(checks, undefined, { prefix: `${name}/`, signal: context.options.signal });
}

/** Creates the checks of a channel. @throws {ConfigError} if the channel is not valid */
async function createChecks(
  { name, kind: kindName, fields, context, connection, problem }: ChannelSource,
  doctor: DoctorContext,
) {
  if (problem !== undefined) throw problem;
  const kind = await loadKind(kindName);
  if (kind === undefined) throw new ConfigError(`Cannot check channel ${name}: there is no kind "${kindName}"`);
  const own = kind.speaksHttp ? connection() : undefined;
  return await kind.configure(name, fields, context).createChecks({
    channel: name,
    runtime: withConnection(doctor.runtime, own),
    connection: own,
    host: doctor.host,
    limits: limitsOf(doctor),
    stateDir: () => stateDirOf(doctor),
    channelState: async () => (await readQueue(doctor)).queue.state.channelState(name),
  });
}

/**
 * Runs checks one by one. A check that throws counts as failed. A check is skipped if it needs a
 * check that failed or was skipped.
 *
 * @param prefix the text before the names of the checks in the findings, such as `matrix/`
 */
async function* runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  { prefix = "", signal }: { readonly prefix?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Finding> {
  const failedNames = new Set<string>();
  for (const { name, needs = [], look } of checks) {
    signal?.throwIfAborted();
    const check = prefix + name;
    const failed = needs.find((need) => failedNames.has(need));
    if (failed !== undefined) {
      failedNames.add(name);
      yield { check, ...skipped(`not checked: first fix ${prefix}${failed}`) };
      continue;
    }
    try {
      for await (const found of look(subject)) {
        if (found.state === "failure") failedNames.add(name);
        yield { check, ...found };
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      failedNames.add(name);
      yield { check, ...findingOf(error) };
    }
  }
}
