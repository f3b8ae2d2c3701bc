/**
 * Loads the configuration. Flags override environment variables, environment variables override the
 * file, and the file overrides the defaults.
 *
 * `MATRIX_HOMESERVER`, `MATRIX_USER`, `MATRIX_ACCESS_TOKEN` (or `MATRIX_ACCESS_TOKEN_FILE`) and
 * `MATRIX_ROOM` define the channel `matrix`, or override the settings of this channel in the file.
 * `NTFY_SERVER`, `NTFY_TOPIC` and `NTFY_TOKEN` (or `NTFY_TOKEN_FILE`) define the channel `ntfy`, or
 * override its settings.
 *
 * @module
 */

import { openSession } from "../accounts/session.ts";
import { ConfigError, PermissionError } from "../base/errors.ts";
import { Fields, isObject } from "../base/fields.ts";
import { CHANNEL_VARIABLES } from "../base/variables.ts";
import { USER_AGENT } from "../base/version.ts";
import type { ParseContext } from "../channels/fields/setting.ts";
import { absolutePath } from "../runtime/paths.ts";
import type { Connection } from "../runtime/http_clients.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { toChannelObject } from "./channels.ts";
import { type Config, type ConfigContext, parseConfig, requireValid } from "./config.ts";
import { readConnection } from "./connection.ts";
import { type ConfigFile, readConfigFile } from "./file.ts";
import { configPaths, stateDirPath } from "./paths.ts";

/** The options for loading a configuration. */
export interface LoadOptions {
  /** The path of the configuration file, which must exist. @default {@linkcode configPath} */
  readonly configFile?: string;
  /** True if plain http to other hosts is allowed. @default {false} */
  readonly insecureHttp?: boolean;
  /** The state directory, which contains the accounts. @default {@linkcode stateDirPath} */
  readonly stateDir?: string;
}

/** Returns the names of the environment variables that are set for the channel with this name. */
export function variablesSet(channel: string, env: Runtime["env"]): readonly string[] {
  const keys = Object.hasOwn(CHANNEL_VARIABLES, channel) ? CHANNEL_VARIABLES[channel] : {};
  return Object.values(fromEnvironment(keys, env).labels);
}

/** The parts of the runtime that are used to read a configuration. */
export type ConfigRuntime = Pick<Runtime, "env" | "hostname" | "isRoot">;

/** Loads the configuration from the file and the environment. */
export async function loadConfig(runtime: ConfigRuntime, options: LoadOptions = {}): Promise<Config> {
  const sources = await readSources(runtime, options);
  return await parseConfig(sources.value, createContext(runtime, options, sources));
}

/** The values in the file and the environment, before they are validated. */
export interface ConfigSources {
  readonly file: ConfigFile;
  readonly value: Record<string, unknown>;
  /**
   * The names of environment variables, by the names of the channel and the setting. An error shows
   * such a name instead of a dotted path. If a channel is in the file, only variables that are set
   * are included. Otherwise all variables of the channel are included.
   */
  readonly names: ConfigContext["names"];
  /** The names of the environment variables that are set, by channel and key. */
  readonly variables: ConfigContext["names"];
}

/**
 * Reads the file and the environment. If the file cannot be used, returns only the values in the
 * environment.
 */
export async function readSources(runtime: ConfigRuntime, options: LoadOptions = {}): Promise<ConfigSources> {
  const file = await findFile(runtime, options);
  const own = isObject(file.value.channels) ? file.value.channels : {};
  const folder = absolutePath(file.path).replace(/[^/\\]*$/, "");
  const channels = withAbsoluteFiles(await expandUrls(own), folder);
  const names: Record<string, Record<string, string>> = {}, variables: Record<string, Record<string, string>> = {};
  for (const [channel, keys] of Object.entries(CHANNEL_VARIABLES)) {
    const { values, labels } = fromEnvironment(keys, runtime.env);
    if (Object.keys(values).length === 0) continue;
    channels[channel] = overlay(isObject(channels[channel]) ? channels[channel] : {}, values);
    names[channel] = Object.hasOwn(own, channel) ? labels : { ...keys };
    variables[channel] = labels;
  }
  const { serve } = file.value;
  const value = { ...file.value, channels, ...isObject(serve) ? { serve: withAbsoluteServeFiles(serve, folder) } : {} };
  return { file, value, names, variables };
}

/**
 * Reads the first configuration file that exists. Skips a file in a default place if this user has
 * no permission to read the file: `HOME` may be the directory of another user. The skipped file is
 * reported only if the environment does not define a channel.
 */
async function findFile(runtime: ConfigRuntime, { configFile }: LoadOptions): Promise<ConfigFile> {
  const mustExist = configFile !== undefined || Boolean(runtime.env("MATRIX_NOTIFY_CONFIG"));
  const paths = configFile === undefined ? configPaths(runtime) : [configFile];
  const files: ConfigFile[] = [];
  for (const path of paths) {
    const variable = configFile === undefined
      ? PATH_VARIABLES.find((name) => isFrom(runtime.env(name), path))
      : undefined;
    const alternative = variable && `unset ${variable}`;
    const file = await readConfigFile(path, { mustExist, alternative }).catch((error) => {
      // If Deno denies access to the second file, use the first file.
      if (error instanceof PermissionError && files.length > 0) return files[0];
      throw error;
    });
    if (mustExist || (file.isThere && !file.isForbidden)) return file;
    files.push(file);
  }
  const hasChannel = () =>
    Object.keys(CHANNEL_VARIABLES).some((channel) => variablesSet(channel, runtime.env).length > 0);
  const forbidden = files.find(({ isForbidden }) => isForbidden);
  if (forbidden !== undefined && !hasChannel()) return forbidden;
  return { ...files[0], isThere: false, failure: undefined };
}

/**
 * The variables that choose the file. `su` and `sudo -E` keep these variables, so the file may
 * belong to another user.
 */
const PATH_VARIABLES: readonly string[] = ["MATRIX_NOTIFY_CONFIG", "XDG_CONFIG_HOME"];

function isFrom(value: string | undefined, path: string): boolean {
  return Boolean(value) && path.startsWith(`${value}`);
}

/**
 * Converts Apprise URLs to objects. A URL that cannot be used is not converted, and the parser
 * reports the problem.
 */
async function expandUrls(channels: Record<string, unknown>): Promise<Record<string, unknown>> {
  const expanded: Record<string, unknown> = {};
  for (const [name, channel] of Object.entries(channels)) {
    expanded[name] = await toChannelObject(name, channel).catch((error) => {
      if (error instanceof ConfigError) return channel;
      throw error;
    });
  }
  return expanded;
}

/**
 * Makes relative paths in the settings of channels absolute, because the background process uses
 * the same settings in another working directory. If a setting contains paths, its name ends with
 * `File` or `Files`.
 *
 * @param objects the settings of the channels by name
 * @param folder the directory of the configuration file, with a slash at the end
 */
function withAbsoluteFiles(objects: Record<string, unknown>, folder: string): Record<string, unknown> {
  const absolute = (value: unknown) => typeof value === "string" && value !== "" ? absolutePath(value, folder) : value;
  const ofObject = (value: unknown, key: string) => {
    if (key.endsWith("File")) return absolute(value);
    return key.endsWith("Files") && isObject(value) ? mapValues(value, absolute) : value;
  };
  return mapValues(objects, (object) => isObject(object) ? mapValues(object, ofObject) : object);
}

/**
 * Makes relative paths in `serve` absolute: in the settings of its receivers, and in the settings
 * of the senders of each receiver.
 */
function withAbsoluteServeFiles(serve: Record<string, unknown>, folder: string): Record<string, unknown> {
  return mapValues(withAbsoluteFiles(serve, folder), (receiver) => {
    if (!isObject(receiver) || !isObject(receiver.senders)) return receiver;
    return { ...receiver, senders: withAbsoluteFiles(receiver.senders, folder) };
  });
}

function mapValues(
  object: Record<string, unknown>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

/** A channel whose settings are not parsed yet. */
export interface ChannelSource {
  readonly name: string;
  readonly kind: string;
  readonly fields: Fields;
  /** The reason why the settings cannot be read. In this case, `kind` and `fields` are empty. */
  readonly problem?: ConfigError;
  readonly context: ParseContext;
  /**
   * Reads the connection settings of the channel.
   *
   * @throws {ConfigError} if a setting of the connection is not valid
   */
  connection(): Connection | undefined;
}

/**
 * Reads the channels in the file and the environment, without parsing their settings. Commands for
 * accounts (such as `login`) use this function, because it accepts a channel without a room.
 *
 * @throws {ConfigError} if the file cannot be read
 */
export async function loadChannelSources(runtime: ConfigRuntime, options: LoadOptions = {}): Promise<ChannelSource[]> {
  const sources = await readSources(runtime, options);
  const { value, names, file: { failure } } = sources;
  if (failure !== undefined) throw failure;
  const context = createContext(runtime, options, sources);
  const channels = new Fields(value, "").objects("channels");
  return await Promise.all(channels.map(async ([name, channel]) => {
    const path = `channels.${name}`;
    try {
      const fields = new Fields(await toChannelObject(name, channel), path, names[name]);
      const kind = fields.text("kind") ?? name;
      return { name, kind, fields, context, connection: () => readConnection(fields, path) };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { name, kind: "", fields: new Fields({}, path), problem: error, context, connection: () => undefined };
    }
  }));
}

/** Creates the context for the parser. */
export function createContext(
  runtime: ConfigRuntime,
  options: LoadOptions,
  { names, file }: Pick<ConfigContext, "names" | "file">,
): ConfigContext {
  return {
    file,
    hostname: runtime.hostname(),
    insecureHttp: options.insecureHttp ?? false,
    names,
    account: (userId) => openSession(options.stateDir ?? stateDirPath(runtime), userId, USER_AGENT),
  };
}

/**
 * The options of a program that uses the library. The options can contain a configuration, whose
 * values are not validated yet.
 */
export interface InlineOptions extends LoadOptions {
  readonly channels?: Readonly<Record<string, unknown>>;
  readonly identity?: unknown;
  readonly symbols?: unknown;
  readonly title?: unknown;
  readonly batch?: unknown;
  readonly rateLimit?: unknown;
  readonly quiet?: unknown;
  readonly routes?: unknown;
}

/**
 * Reads the configuration from the options of a program. If `channels` is absent, loads the same
 * configuration as the command line.
 *
 * @throws {ConfigError} if a value in the options is not valid, or if a setting is used without
 * `channels`; the message names the setting
 */
export async function openConfig(runtime: ConfigRuntime, options: InlineOptions): Promise<Config> {
  const { channels, identity, symbols, title, stateDir, batch, rateLimit, quiet, routes } = options;
  const settings = { identity, symbols, title, batch, rateLimit, quiet, routes };
  if (channels === undefined) {
    const [name] = Object.entries(settings).find(([, value]) => value !== undefined) ?? [];
    if (name === undefined) return await loadConfig(runtime, options);
    throw new ConfigError(`Cannot use the option ${name}: the option channels is not set`, {
      hint: `set ${name} in the configuration file, or also set the option channels`,
    });
  }
  if (stateDir === undefined) {
    throw new ConfigError("Cannot use the option channels: the option stateDir is not set", {
      hint:
        "set stateDir to a directory that only this program uses: other programs do not know these channels, so they cannot deliver their queue",
    });
  }
  return requireValid(await parseConfig({ channels, ...settings }, createContext(runtime, options, { names: {} })));
}

function fromEnvironment(keys: Readonly<Record<string, string>>, env: Runtime["env"]) {
  const set = Object.entries(keys).flatMap(([key, variable]) => {
    const value = env(variable);
    return value === undefined || value.trim() === "" ? [] : [{ key, variable, value }];
  });
  return {
    values: Object.fromEntries(set.map(({ key, value }) => [key, value])),
    labels: Object.fromEntries(set.map(({ key, variable }) => [key, variable])),
  };
}

/** The settings that contain credentials. */
const CREDENTIAL_KEYS: readonly string[] = [
  ...["user", "accessToken", "accessTokenFile"],
  ...["token", "tokenFile", "password", "passwordFile"],
];

/**
 * Overrides the settings of a channel. If the environment contains a credential (such as a token)
 * for this channel, all credentials of this channel in the configuration file are ignored.
 */
function overlay(channel: Record<string, unknown>, values: Record<string, string>): Record<string, unknown> {
  const replaces = CREDENTIAL_KEYS.some((key) => key in values);
  const kept = Object.entries(channel).filter(([key]) => {
    const other = key.endsWith("File") ? key.slice(0, -"File".length) : `${key}File`;
    return !(other in values) && !(replaces && CREDENTIAL_KEYS.includes(key));
  });
  return { ...Object.fromEntries(kept), ...values };
}
