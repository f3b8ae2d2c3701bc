/** Checks the configuration, and collects all problems. */

import { ConfigError } from "../base/errors.ts";
import { PROXY_VARIABLES } from "../base/variables.ts";
import { parseProxy } from "../runtime/address.ts";
import { parseConfig } from "./config.ts";
import { type ConfigRuntime, createContext, type LoadOptions, readSources } from "./load.ts";

/** The result of a check. */
export interface CheckedConfig {
  /** The names of the channels without mistakes. */
  readonly channels: readonly string[];
  readonly problems: readonly ConfigError[];
  /**
   * True if only `serve` can send for this user. Then the user has no channel, or cannot read the
   * configuration.
   */
  readonly needsServer: boolean;
}

/**
 * Reads the configuration file, the environment variables, and each file whose path is in a
 * setting. Does not send requests.
 */
export async function checkConfig(runtime: ConfigRuntime, options: LoadOptions): Promise<CheckedConfig> {
  const sources = await readSources(runtime, options);
  const { channels: usable, stopped, failure, problems } = await parseConfig(sources.value, {
    ...createContext(runtime, options, sources),
    readsFiles: true,
  });
  const none = usable.length + stopped.length === 0 && failure === undefined
    ? [new ConfigError("Cannot send: no channel is configured", { hint: "run: matrix-notify setup" })]
    : [];
  const isUnreadable = failure?.cause instanceof Deno.errors.PermissionDenied;
  return {
    channels: usable.map(({ name }) => name),
    problems: [...problems, ...proxyProblems(runtime), ...none],
    needsServer: isUnreadable || (none.length > 0 && problems.length === 0),
  };
}

function proxyProblems({ env }: ConfigRuntime): ConfigError[] {
  return PROXY_VARIABLES.flatMap((variable) => {
    const value = env(variable)?.trim();
    const address = value ? parseProxy(value) : undefined;
    if (address === undefined || "url" in address) return [];
    return [new ConfigError(`Cannot use ${variable}: ${address.problem}`, { hint: address.hint })];
  });
}
