/**
 * The values of the configuration that are in use, with the source of each value. Secrets are not
 * shown.
 */

import { ConfigError } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { PROXY_VARIABLES } from "../base/variables.ts";
import type { ChannelKind } from "../channels/kind.ts";
import { concealSetting, hideLogin } from "../channels/fields/concealed.ts";
import { properties, type SettingTable } from "../channels/fields/setting.ts";
import { loadKind } from "../channels/registry.ts";
import { DEFAULT_POLICY } from "../delivery/rate_policy.ts";
import { channelSettings, CONFIG_SETTINGS } from "./config.ts";
import { type ConfigRuntime, type ConfigSources, type LoadOptions, readSources } from "./load.ts";
import { stateDirPath } from "./paths.ts";
import { HOOK_SETTINGS, HTTP_SETTINGS, SENDER_SETTINGS, SERVE_SETTINGS, SOCKET_SETTINGS } from "./serve.ts";

/** The source of a value. */
export type Source = "flag" | "environment" | "file" | "default";

/** A value in use, with its source. */
export interface EffectiveValue {
  /** The dotted path: `channels.matrix.room`. */
  readonly path: string;
  readonly value: unknown;
  readonly source: Source;
  /** The name of the flag or of the environment variable, or the path of the file. */
  readonly from?: string;
}

/** The options of the command line that affect the values of the configuration. */
export interface EffectiveOptions extends LoadOptions {
  readonly noBackground?: boolean;
}

type Origin = Pick<EffectiveValue, "source" | "from">;

const DEFAULT: Origin = { source: "default" };

/** The values that are in use. */
export interface EffectiveConfig {
  readonly values: readonly EffectiveValue[];
  /**
   * The mistake that makes all channels in the file unusable. Absent if there is no such mistake.
   */
  readonly failure?: ConfigError;
}

/**
 * Lists the values that are in use. Flags override environment variables, environment variables
 * override the file, and the file overrides the defaults.
 */
export async function effectiveConfig(runtime: ConfigRuntime, options: EffectiveOptions): Promise<EffectiveConfig> {
  const sources = await readSources(runtime, options);
  return { values: await listValues(sources, { runtime, options }), failure: sources.file.failure };
}

async function listValues(
  sources: ConfigSources,
  { runtime, options }: { readonly runtime: ConfigRuntime; readonly options: EffectiveOptions },
): Promise<EffectiveValue[]> {
  const { identity, channels } = sources.value;
  const file: Origin = { source: "file", from: sources.file.path };
  const pathOrigin = (flag: string, given: unknown, variables: readonly string[]): Origin => {
    if (given !== undefined) return { source: "flag", from: flag };
    const variable = variables.find((name) => runtime.env(name));
    return variable === undefined ? DEFAULT : { source: "environment", from: variable };
  };
  const stateDir = options.stateDir ?? findStateDir(runtime);
  // A variable of systemd (such as `STATE_DIRECTORY`) counts only if one of its directories
  // contains `path`.
  const setBySystemd = (variable: string, path: string | null) =>
    path !== null && runtime.env(variable)?.split(":").some((folder) => path.startsWith(folder)) ? [variable] : [];
  const topValue = (path: string, fallback?: unknown): EffectiveValue => {
    const { [path]: value } = sources.value;
    const schema = CONFIG_SETTINGS[path]?.schema;
    return value === undefined
      ? { path, value: fallback === undefined ? schema?.default : fallback, ...DEFAULT }
      : { path, value: withDefaults(value, schema), ...file };
  };
  const entries = Object.entries(isObject(channels) ? channels : {});
  const ofChannels = await Promise.all(
    entries.map(async ([name, channel]): Promise<EffectiveValue[]> =>
      isObject(channel)
        ? await channelValues(name, channel, { sources, options, file })
        : [{ path: `channels.${name}`, value: "[unreadable]", ...file }]
    ),
  );
  return [
    {
      path: "configFile",
      value: sources.file.path,
      ...pathOrigin("--config", options.configFile, [
        "MATRIX_NOTIFY_CONFIG",
        ...setBySystemd("CONFIGURATION_DIRECTORY", sources.file.path),
      ]),
    },
    {
      path: "stateDir",
      value: stateDir,
      ...pathOrigin("--state-dir", options.stateDir, [
        "MATRIX_NOTIFY_STATE_DIR",
        ...setBySystemd("STATE_DIRECTORY", stateDir),
      ]),
    },
    { path: "identity", value: identity ?? runtime.hostname(), ...(identity === undefined ? DEFAULT : file) },
    options.noBackground
      ? { path: "background", value: false, source: "flag", from: "--no-background" }
      : topValue("background"),
    topValue("symbols"),
    topValue("batch", { over: DEFAULT_POLICY.batchOver, style: "full" }),
    topValue("rateLimit", null),
    topValue("quiet", false),
    topValue("routes", []),
    ...sources.value.serve === undefined ? [topValue("serve", null)] : serveValues(sources.value.serve, file),
    ...ofChannels.flat(),
    ...[...PROXY_VARIABLES, "NO_PROXY", "no_proxy"].flatMap((variable): EffectiveValue[] => {
      const value = runtime.env(variable);
      return value ? [{ path: variable, value: hideLogin(value), source: "environment", from: variable }] : [];
    }),
  ];
}

/** Returns the state directory; null if there is none. */
function findStateDir(runtime: ConfigRuntime): string | null {
  try {
    return stateDirPath(runtime);
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

/** Adds the defaults of the settings that are absent in a nested object. */
function withDefaults(value: unknown, schema: Readonly<Record<string, unknown>> | undefined): unknown {
  if (!isObject(value) || !isObject(schema?.properties)) return value;
  const defaults = Object.entries(schema.properties).flatMap(([key, nested]) =>
    isObject(nested) && nested.default !== undefined ? [[key, nested.default]] : []
  );
  return { ...Object.fromEntries(defaults), ...value };
}

/**
 * The setting tables of some objects in `serve`. The user chooses the keys of these objects, such
 * as the names of senders.
 */
const NAMED_TABLES: Readonly<Record<string, SettingTable>> = {
  "serve.sockets": SOCKET_SETTINGS,
  "serve.http.senders": SENDER_SETTINGS,
  "serve.http.hooks": HOOK_SETTINGS,
};

/** Lists the values of `serve`, with the defaults of each receiver that is configured. */
function serveValues(serve: unknown, file: Origin): EffectiveValue[] {
  const listTable = (at: string, given: unknown, table: SettingTable): EffectiveValue[] => {
    if (!isObject(given)) return [{ path: at, value: "[unreadable]", ...file }];
    const schemas = Object.fromEntries(Object.entries(table).flatMap(([key, setting]) => properties(key, setting)));
    return [...new Set([...Object.keys(schemas), ...Object.keys(given)])].flatMap((key): EffectiveValue[] => {
      const path = `${at}.${key}`, value = given[key];
      if (!Object.hasOwn(given, key)) {
        return schemas[key].default === undefined ? [] : [{ path, value: schemas[key].default, ...DEFAULT }];
      }
      if (!Object.hasOwn(schemas, key)) return [{ path, value: "[unknown key]", ...file }];
      if (path === "serve.http") return listTable(path, value, HTTP_SETTINGS);
      const named = NAMED_TABLES[path];
      if (named === undefined) {
        return [{ path, value: withDefaults(concealSetting(key, value, table), schemas[key]), ...file }];
      }
      if (!isObject(value)) return listTable(path, value, named);
      return Object.entries(value).flatMap(([name, each]) => {
        const values = listTable(`${path}.${name}`, each, named);
        return values.length === 0 ? [{ path: `${path}.${name}`, value: {}, ...file }] : values;
      });
    });
  };
  return listTable("serve", serve, SERVE_SETTINGS);
}

interface ChannelSources {
  readonly sources: ConfigSources;
  readonly options: EffectiveOptions;
  readonly file: Origin;
}

async function channelValues(
  name: string,
  channel: Readonly<Record<string, unknown>>,
  { sources, options, file }: ChannelSources,
): Promise<EffectiveValue[]> {
  const kindName = channel.kind ?? name;
  const kind = typeof kindName === "string" ? await loadKind(kindName) : undefined;
  const settings = kind === undefined ? {} : channelSettings(kind);
  const schemas = Object.fromEntries(Object.entries(settings).flatMap(([key, setting]) => properties(key, setting)));
  const keys = new Set([...Object.keys(schemas), ...Object.keys(channel)].filter((key) => key !== "kind"));
  const at = (key: string) => `channels.${name}.${key}`;
  const values = [...keys].flatMap((key): EffectiveValue[] => {
    const variable = sources.variables[name]?.[key];
    const origin: Origin = variable === undefined ? file : { source: "environment", from: variable };
    if (Object.hasOwn(channel, key)) {
      // The value of an unknown key is not shown. The key may be the mistyped name of a secret.
      const shown = Object.hasOwn(schemas, key) ? concealSetting(key, channel[key], settings) : "[unknown key]";
      return [{ path: at(key), value: withDefaults(shown, schemas[key]), ...origin }];
    }
    if (key === "insecureHttp" && options.insecureHttp) {
      return [{ path: at(key), value: true, source: "flag", from: "--insecure-http" }];
    }
    if (key === "title") return [titleOf(at(key), kind, { sources, file })];
    const value = schemas[key].default;
    return value === undefined ? [] : [{ path: at(key), value, ...DEFAULT }];
  });
  return [{ path: at("kind"), value: kindName, ...(channel.kind === undefined ? DEFAULT : file) }, ...values];
}

/** Returns the title template of a channel whose own settings do not contain `title`. */
function titleOf(
  path: string,
  kind: ChannelKind | undefined,
  { sources, file }: Pick<ChannelSources, "sources" | "file">,
): EffectiveValue {
  const { title } = sources.value;
  return title === undefined ? { path, value: kind?.titleTemplate, ...DEFAULT } : { path, value: title, ...file };
}
