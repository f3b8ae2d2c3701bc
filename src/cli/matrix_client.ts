/** Opens the account of a Matrix channel, for the commands that work on the homeserver itself. */

import { clientField } from "../channels/matrix/client.ts";
import { withConnection } from "../config/connection.ts";
import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { ConfigError } from "../base/errors.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { nearest } from "../base/nearest.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { CommandContext } from "./command.ts";

/** An account, ready to be used. */
export interface OpenMatrixClient {
  readonly client: MatrixClient;
  /** The channel's name. */
  readonly channel: string;
}

/**
 * Opens the account of the channel that `--channel` names, or of `matrix`, or of the only Matrix channel there is.
 *
 * @throws {ConfigError} when there is none, or its configuration cannot be used
 */
export function openMatrixClient({ args, runtime }: CommandContext): OpenMatrixClient {
  const sources = loadChannelSources(runtime, {
    configFile: args.text("config"),
    insecureHttp: args.has("insecure-http"),
    stateDir: args.text("state-dir"),
  });
  const source = choose(sources.filter(({ kind }) => kind === "matrix"), args.text("channel"));
  return { client: clientOf(source, runtime), channel: source.name };
}

/**
 * Opens the account of a channel.
 *
 * @throws {ConfigError} when its configuration cannot be used
 */
export function clientOf({ fields, context, connection }: ChannelSource, runtime: Runtime): MatrixClient {
  return clientField(fields, context)(withConnection(runtime, connection()));
}

function choose(channels: readonly ChannelSource[], wanted: string | undefined): ChannelSource {
  const names = channels.map(({ name }) => name);
  const found = channels.find(({ name }) => name === (wanted ?? "matrix"));
  if (found) return found;
  if (wanted !== undefined) {
    const near = nearest(wanted, names);
    throw new ConfigError(`Cannot use channel "${wanted}": there is no Matrix channel of that name`, {
      hint: near ? `did you mean "${near}"?` : `configured: ${names.join(", ") || "none"}`,
    });
  }
  if (channels.length === 1) return channels[0];
  throw new ConfigError(
    channels.length === 0
      ? "Cannot open an account: no Matrix channel is configured"
      : "Cannot choose an account: several Matrix channels are configured",
    {
      hint: channels.length === 0
        ? "run: matrix-notify setup; or set MATRIX_HOMESERVER and MATRIX_ACCESS_TOKEN"
        : `choose one with --channel: ${names.join(", ")}`,
    },
  );
}
