/** Checks the configuration, and collects all problems instead of stopping at the first one. */

import { ConfigError } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { parseProxy, PROXY_VARIABLES } from "../runtime/address.ts";
import { parseConfig } from "./config.ts";
import { type ConfigRuntime, createContext, type LoadOptions, readSources } from "./load.ts";

/** The result of a check. */
export interface CheckedConfig {
  /** The channels, by name. */
  readonly channels: readonly string[];
  readonly problems: readonly ConfigError[];
}

/**
 * Reads the configuration file and the environment variables, and also each file whose path they
 * contain. Does not send requests.
 */
export async function checkConfig(runtime: ConfigRuntime, options: LoadOptions): Promise<CheckedConfig> {
  const problems: ConfigError[] = [];
  let names: readonly string[] = [];
  try {
    const { value, names: fieldNames } = await readSources(runtime, options);
    const { channels } = value;
    names = isObject(channels) ? Object.keys(channels) : [];
    await parseConfig(value, { ...createContext(runtime, options, fieldNames), problems, readsFiles: true });
    problems.push(...proxyProblems(runtime));
    if (isObject(channels) && names.length === 0) {
      problems.push(new ConfigError("Cannot send: no channel is configured", { hint: "run: matrix-notify setup" }));
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(error);
  }
  return { channels: names, problems };
}

function proxyProblems({ env }: ConfigRuntime): ConfigError[] {
  return PROXY_VARIABLES.flatMap((variable) => {
    const value = env(variable)?.trim();
    const address = value ? parseProxy(value) : undefined;
    if (address === undefined || "url" in address) return [];
    return [new ConfigError(`Cannot use ${variable}: ${address.problem}`, { hint: address.hint })];
  });
}
