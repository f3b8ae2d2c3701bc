/**
 * Looks for everything that is wrong with the configuration. The parser ends at the first mistake; here the mistake is mended with an example and the parser
 * asked again, until it has none left to tell.
 *
 * @module
 */

import { parseProxy, PROXY_VARIABLES } from "../runtime/address.ts";
import { knownFields } from "./fields/all_fields.ts";
import { CHANNEL_KINDS } from "../channels/registry.ts";
import { ConfigError } from "../base/errors.ts";
import { FieldError, Fields, isObject } from "../base/fields.ts";
import type { FieldSpecs } from "../channels/fields/field_spec.ts";
import type { Secret } from "../base/secret.ts";
import type { ChannelDirectory } from "./channel_directory.ts";
import { RULE_FIELDS } from "./fields/route_fields.ts";
import { CONFIG_FIELDS, type ConfigContext, directoryOf, parseConfig } from "./config.ts";
import { connectionOf } from "./connection.ts";
import { type ConfigRuntime, contextOf, type LoadOptions, readSettings } from "./load.ts";
import { parseRule, routesOf } from "./routes.ts";

/** What was found. */
export interface CheckedConfig {
  /** The channels, by name. */
  readonly channels: readonly string[];
  readonly problems: readonly ConfigError[];
}

/** Reads file, environment and the files that they name; opens nothing and sends nothing. */
export function checkConfig(runtime: ConfigRuntime, options: LoadOptions): CheckedConfig {
  const { result: settings, problem } = attempt(() => readSettings(runtime, options));
  if (settings === undefined) return { channels: [], problems: problem ? [problem] : [] };
  const { channels, routes, ...top } = settings.value;
  const directory = directoryOf(channels);
  const context = { ...contextOf(runtime, options, settings.names), directory };
  const isMap = isObject(channels);
  const entries = isMap ? Object.entries(channels) : [];
  const problems = [
    ...findProblems(isMap ? top : { ...top, channels }, CONFIG_FIELDS, (value) => parseConfig(value, context)),
    ...routeProblems(routes, directory),
    ...entries.flatMap(([name, channel]) => channelProblems(name, channel, context)),
    ...PROXY_VARIABLES.flatMap((variable) => proxyProblems(variable, runtime.env(variable)?.trim())),
  ];
  if (isMap && entries.length === 0) {
    problems.push(
      new ConfigError("Cannot send: no channel is configured", { hint: "run: matrix-notify setup" }),
    );
  }
  return { channels: entries.map(([name]) => name), problems };
}

function channelProblems(name: string, channel: unknown, context: ConfigContext): ConfigError[] {
  if (!isObject(channel)) {
    return findProblems({ channels: { [name]: channel } }, {}, (value) => parseConfig(value, context));
  }
  const kind = typeof channel.kind === "string" ? channel.kind.trim() : name;
  const specs = Object.hasOwn(CHANNEL_KINDS, kind) ? knownFields(CHANNEL_KINDS[kind]) : {};
  const secrets = new Map<string, Secret>();
  const watching: ConfigContext = {
    ...context,
    secret: (fields, key, ...rest) => {
      const secret = context.secret(fields, key, ...rest);
      if (secret !== undefined) secrets.set(key, secret);
      return secret;
    },
  };
  const found = findProblems(channel, specs, (value) => parseConfig({ channels: { [name]: value } }, watching));
  const mended = new Set(found.map((problem) => problem instanceof FieldError ? problem.key.replace(/File$/, "") : ""));
  const files: (() => unknown)[] = [
    ...[...secrets].filter(([key]) => !mended.has(key)).map(([, secret]) => () => secret.reveal()),
    () => connectionOf(new Fields(channel, `channels.${name}`, context.names[name]), `channels.${name}`)?.read(),
  ];
  const told = new Set(found.map(({ message }) => message));
  const unread = files.map((read) => attempt(read).problem).filter((problem) => problem !== undefined);
  return [...found, ...unread.filter(({ message }) => !told.has(message))];
}

/** What is wrong with the rules together is told when none of them is wrong by itself. */
function routeProblems(routes: unknown, directory: ChannelDirectory): ConfigError[] {
  const found = (Array.isArray(routes) ? routes : []).flatMap((rule, at) => {
    if (!isObject(rule)) return [];
    const [first, ...others] = findProblems(rule, RULE_FIELDS, (value) => parseRule(value, at, directory));
    // A rule that was mended may say nothing any more.
    return first === undefined ? [] : [first, ...others.filter((problem) => problem instanceof FieldError)];
  });
  if (found.length > 0) return found;
  const { problem } = attempt(() => routesOf(new Fields({ routes }, ""), directory));
  return problem === undefined ? [] : [problem];
}

function proxyProblems(variable: string, value: string | undefined): ConfigError[] {
  const address = value ? parseProxy(value) : undefined;
  if (address === undefined || "url" in address) return [];
  return [new ConfigError(`Cannot use ${variable}: ${address.problem}`, { hint: address.hint })];
}

/** Everything that `parse` has to say about the fields of an object. */
function findProblems(
  value: Readonly<Record<string, unknown>>,
  specs: FieldSpecs,
  parse: (value: unknown) => unknown,
): ConfigError[] {
  const found: ConfigError[] = [], tries = new Map<string, number>();
  const mended = { ...value };
  while (true) {
    const { problem } = attempt(() => parse(mended));
    if (problem === undefined) return found;
    if (!(problem instanceof FieldError)) return [...found, problem];
    const { key } = problem;
    const before = tries.get(key) ?? 0;
    tries.set(key, before + 1);
    if (before === 0) found.push(problem);
    // Where another value does not help, none at all may; where that does not help either, the field is not what is wrong.
    if (before === 0 && Object.hasOwn(specs, key)) mended[key] = specs[key].schema.examples[0];
    else if (before < 2 && Object.hasOwn(mended, key) && key !== "kind") delete mended[key];
    else return found;
  }
}

function attempt<Result>(work: () => Result): { readonly result?: Result; readonly problem?: ConfigError } {
  try {
    return { result: work() };
  } catch (error) {
    if (error instanceof ConfigError) return { problem: error };
    throw error;
  }
}
