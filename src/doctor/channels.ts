/** Runs the checks that each channel's kind brings. */

import { type Finding, skipped } from "../channels/check.ts";
import { loadKind } from "../channels/registry.ts";
import { ConfigError } from "../base/errors.ts";
import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { withConnection } from "../config/connection.ts";
import { runChecks } from "./check.ts";
import { type DoctorContext, limitsOf, stateDirOf } from "./context.ts";
import { readQueue } from "./storage_checks.ts";

const CONFIGURATION_FIRST = skipped("not checked: configuration comes first");

/** Checks every channel. Problems of the configuration are reported by its own check. */
export async function* examineChannels(context: DoctorContext): AsyncGenerator<Finding> {
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

/** @throws {ConfigError} if the channel is not valid */
async function createChecks(
  { name, kind: kindName, fields, context, connection }: ChannelSource,
  doctor: DoctorContext,
) {
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
