/** The configuration as it is in effect, with where each value came from. Secrets are not among the values. */

import { PROXY_VARIABLES } from "../runtime/address.ts";
import type { FieldSpecs } from "../channels/fields/field_spec.ts";
import { knownFields } from "./fields/all_fields.ts";
import { POLICY_FIELDS } from "./fields/policy_fields.ts";
import { CHANNEL_KINDS } from "../channels/registry.ts";
import { isObject } from "../base/fields.ts";
import { CONFIG_FIELDS } from "./config.ts";
import { type ConfigRuntime, type LoadOptions, readSettings, type Settings } from "./load.ts";
import { stateDirPath } from "./paths.ts";
import { isCalledSecret } from "./secrets.ts";

/** Where a value came from. */
export type Source = "flag" | "environment" | "file" | "default";

/** One value. */
export interface EffectiveValue {
  /** The dotted path: `channels.matrix.room`. */
  readonly path: string;
  readonly value: unknown;
  readonly source: Source;
  /** The flag, the variable or the file. */
  readonly from?: string;
}

/** What the command line says. */
export interface EffectiveOptions extends LoadOptions {
  readonly noBackground?: boolean;
}

type Origin = Pick<EffectiveValue, "source" | "from">;

const DEFAULT: Origin = { source: "default" };

/**
 * Lists what is in effect: flags before environment before file before defaults.
 *
 * @throws {ConfigError} when the file cannot be read
 */
export function effectiveValues(runtime: ConfigRuntime, options: EffectiveOptions): EffectiveValue[] {
  const settings = readSettings(runtime, options);
  const { identity, channels } = settings.value;
  const file: Origin = { source: "file", from: settings.path };
  const pathOrigin = (flag: string, given: unknown, variable: string): Origin => {
    if (given !== undefined) return { source: "flag", from: flag };
    return runtime.env(variable) ? { source: "environment", from: variable } : DEFAULT;
  };
  const topValue = (path: string): EffectiveValue => {
    const { [path]: value } = settings.value;
    return value === undefined
      ? { path, value: CONFIG_FIELDS[path].schema.default, ...DEFAULT }
      : { path, value, ...file };
  };
  return [
    { path: "configFile", value: settings.path, ...pathOrigin("--config", options.configFile, "MATRIX_NOTIFY_CONFIG") },
    {
      path: "stateDir",
      value: options.stateDir ?? stateDirPath(runtime),
      ...pathOrigin("--state-dir", options.stateDir, "MATRIX_NOTIFY_STATE_DIR"),
    },
    { path: "identity", value: identity ?? runtime.hostname(), ...(identity === undefined ? DEFAULT : file) },
    options.noBackground
      ? { path: "background", value: false, source: "flag", from: "--no-background" }
      : topValue("background"),
    topValue("symbols"),
    ...[...Object.keys(POLICY_FIELDS), "routes"].filter((key) => Object.hasOwn(settings.value, key)).map(topValue),
    ...Object.entries(isObject(channels) ? channels : {}).flatMap(([name, channel]) =>
      isObject(channel)
        ? channelValues(name, channel, { settings, options, file })
        : [{ path: `channels.${name}`, value: "[unreadable]", ...file }]
    ),
    ...[...PROXY_VARIABLES, "NO_PROXY", "no_proxy"].flatMap((variable): EffectiveValue[] => {
      const value = runtime.env(variable);
      return value ? [{ path: variable, value: withoutPassword(value), source: "environment", from: variable }] : [];
    }),
  ];
}

interface ChannelSources {
  readonly settings: Settings;
  readonly options: EffectiveOptions;
  readonly file: Origin;
}

function channelValues(
  name: string,
  channel: Readonly<Record<string, unknown>>,
  { settings, options, file }: ChannelSources,
): EffectiveValue[] {
  const kind = channel.kind ?? name;
  const specs = typeof kind === "string" && Object.hasOwn(CHANNEL_KINDS, kind) ? knownFields(CHANNEL_KINDS[kind]) : {};
  const keys = new Set([...Object.keys(specs), ...Object.keys(channel)].filter((key) => key !== "kind"));
  const at = (key: string) => `channels.${name}.${key}`;
  const values = [...keys].flatMap((key): EffectiveValue[] => {
    const variable = settings.variables[name]?.[key];
    const origin: Origin = variable === undefined ? file : { source: "environment", from: variable };
    if (Object.hasOwn(channel, key)) return [{ path: at(key), value: shown(key, channel[key], specs), ...origin }];
    if (key === "insecureHttp" && options.insecureHttp) {
      return [{ path: at(key), value: true, source: "flag", from: "--insecure-http" }];
    }
    const value = specs[key].schema.default;
    return value === undefined ? [] : [{ path: at(key), value, ...DEFAULT }];
  });
  return [{ path: at("kind"), value: kind, ...(channel.kind === undefined ? DEFAULT : file) }, ...values];
}

/** A value without what is secret in it. What nobody knows may be a secret under a mistyped name. */
function shown(key: string, value: unknown, specs: FieldSpecs): unknown {
  if (!Object.hasOwn(specs, key)) return "[unknown key]";
  if (specs[key].isSecret) return "[secret]";
  if (typeof value === "string") return withoutPassword(value);
  return JSON.parse(JSON.stringify(value, (name, inner) => isCalledSecret(name) ? "[secret]" : inner));
}

/** An address may hold one, be it in the wrong place. */
function withoutPassword(text: string): string {
  return text.replace(/(^|\/\/)[^/@\s]*:[^/\s]*@/g, "$1[secret]@");
}
