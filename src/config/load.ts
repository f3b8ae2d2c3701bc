/**
 * Finds the configuration: flags before environment before file before defaults.
 *
 * `MATRIX_HOMESERVER`, `MATRIX_ACCESS_TOKEN` (or `MATRIX_ACCESS_TOKEN_FILE`) and `MATRIX_ROOM` make the channel `matrix`, or change the one in the file;
 * `NTFY_SERVER`, `NTFY_TOPIC` and `NTFY_TOKEN` (or `NTFY_TOKEN_FILE`) do the same for `ntfy`.
 *
 * @module
 */

import { openSession } from "../accounts/session.ts";
import type { FieldSpecs } from "../channels/fields/field_spec.ts";
import type { ParseContext } from "../channels/kind.ts";
import type { PolicyConfig } from "./fields/policy_fields.ts";
import { CHANNEL_KINDS } from "../channels/registry.ts";
import type { RouteConfig } from "./fields/route_fields.ts";
import type { Connection } from "../runtime/http_clients.ts";
import { ConfigError, toPermissionError } from "../base/errors.ts";
import { Fields, isObject } from "../base/fields.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { refuseWorldReadable } from "../base/secret.ts";
import { USER_AGENT } from "../base/version.ts";
import { channelObject, type Config, type ConfigContext, parseConfig } from "./config.ts";
import { connectionOf } from "./connection.ts";
import { duplicateKey } from "./duplicates.ts";
import { configPath, stateDirPath } from "./paths.ts";
import { isCalledSecret, secretOf } from "./secrets.ts";

/** What a caller says about the configuration. */
export interface LoadOptions {
  /** The file; without it the usual places. One that is named must exist. */
  readonly configFile?: string;
  /** Permits plain http to other hosts. @default {false} */
  readonly insecureHttp?: boolean;
  /** Where accounts are kept. @default the state directory of the environment */
  readonly stateDir?: string;
}

/** Environment variables by channel and key. */
const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  matrix: {
    homeserver: "MATRIX_HOMESERVER",
    user: "MATRIX_USER",
    accessToken: "MATRIX_ACCESS_TOKEN",
    accessTokenFile: "MATRIX_ACCESS_TOKEN_FILE",
    room: "MATRIX_ROOM",
  },
  ntfy: { server: "NTFY_SERVER", topic: "NTFY_TOPIC", token: "NTFY_TOKEN", tokenFile: "NTFY_TOKEN_FILE" },
};

/** The variables of the environment that change a channel of this name, whatever the file says. */
export function variablesSet(channel: string, env: Runtime["env"]): readonly string[] {
  const keys = Object.hasOwn(VARIABLES, channel) ? VARIABLES[channel] : {};
  return Object.values(fromEnvironment(keys, env).labels);
}

/** Every variable that makes a part of the configuration. */
export const CONFIG_VARIABLES: readonly string[] = [
  "MATRIX_NOTIFY_CONFIG",
  ...Object.values(VARIABLES).flatMap((keys) => Object.values(keys)),
];

/** What reading a configuration needs of the runtime. */
export type ConfigRuntime = Pick<Runtime, "env" | "hostname" | "isRoot">;

/**
 * Reads file and environment.
 *
 * @throws {ConfigError} with the dotted path, or the variable, of what cannot be used
 */
export function loadConfig(runtime: ConfigRuntime, options: LoadOptions = {}): Config {
  const { value, names } = readSettings(runtime, options);
  return parseConfig(value, contextOf(runtime, options, names));
}

/** What file and environment say, not looked at any closer. */
export interface Settings {
  /** The file that was, or would have been, read. */
  readonly path: string;
  /** Whether the file exists. */
  readonly isThere: boolean;
  readonly value: Record<string, unknown>;
  /** How fields of a channel are called in errors, when they did not come from the file: by channel, by key. */
  readonly names: ConfigContext["names"];
  /** The variables that fields of a channel came from: by channel, by key. */
  readonly variables: ConfigContext["names"];
}

/**
 * Finds out what file and environment say.
 *
 * @throws {ConfigError} when the file cannot be read, or may be read by everybody and holds a secret
 */
export function readSettings(runtime: ConfigRuntime, options: LoadOptions = {}): Settings {
  const path = options.configFile ?? configPath(runtime);
  const mustExist = options.configFile !== undefined || Boolean(runtime.env("MATRIX_NOTIFY_CONFIG"));
  const found = readConfigFile(path, { mustExist });
  const file = found ?? {};
  const channels = isObject(file.channels) ? expanded(file.channels) : {};
  const names: Record<string, Record<string, string>> = {}, variables: Record<string, Record<string, string>> = {};
  for (const [channel, keys] of Object.entries(VARIABLES)) {
    const { values, labels } = fromEnvironment(keys, runtime.env);
    if (Object.keys(values).length === 0) continue;
    channels[channel] = overlay(isObject(channels[channel]) ? channels[channel] : {}, values);
    names[channel] = isObject(file.channels) && channel in file.channels ? labels : { ...keys };
    variables[channel] = labels;
  }
  const value = file.channels === undefined || isObject(file.channels) ? { ...file, channels } : file;
  return { path, isThere: found !== undefined, value, names, variables };
}

/** Apprise URLs as objects. One that cannot be taken over stays as it is, for whoever parses it to say why. */
function expanded(channels: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(channels).map(([name, channel]) => {
      try {
        return [name, channelObject(name, channel)];
      } catch (error) {
        if (error instanceof ConfigError) return [name, channel];
        throw error;
      }
    }),
  );
}

/** A configured channel whose fields nobody has read yet. */
export interface ChannelSource {
  readonly name: string;
  readonly kind: string;
  readonly fields: Fields;
  readonly context: ParseContext;
  /**
   * How it reaches its server.
   *
   * @throws {ConfigError} when its settings cannot be used, which is no other channel's trouble
   */
  connection(): Connection | undefined;
}

/**
 * The channels in file and environment, for commands that work on an account before it has a room to send to.
 *
 * @throws {ConfigError} when the file cannot be read
 */
export function loadChannelSources(runtime: ConfigRuntime, options: LoadOptions = {}): ChannelSource[] {
  const { value, names } = readSettings(runtime, options);
  const context = contextOf(runtime, options, names);
  return new Fields(value, "").objects("channels").map(([name, channel]) => {
    const fields = new Fields(channelObject(name, channel), `channels.${name}`, names[name]);
    return {
      name,
      kind: fields.text("kind") ?? name,
      fields,
      context,
      connection: () => connectionOf(fields, `channels.${name}`),
    };
  });
}

/** What parsing needs besides the settings. */
export function contextOf(runtime: ConfigRuntime, options: LoadOptions, names: Settings["names"]): ConfigContext {
  return {
    hostname: runtime.hostname(),
    insecureHttp: options.insecureHttp ?? false,
    names,
    secret: secretOf,
    account: (userId) => openSession(options.stateDir ?? stateDirPath(runtime), userId, USER_AGENT),
  };
}

/** A configuration that a program holds itself. */
export interface InlineOptions extends LoadOptions, PolicyConfig {
  readonly channels?: Readonly<Record<string, unknown>>;
  readonly identity?: string;
  readonly symbols?: boolean;
  readonly routes?: readonly RouteConfig[];
}

/**
 * Reads the configuration that a program holds itself; without `channels`, that of the command line.
 *
 * @throws {ConfigError} with the dotted path, or the variable, of what cannot be used
 */
export function openConfig(runtime: ConfigRuntime, options: InlineOptions): Config {
  const { channels, identity, symbols = true, stateDir, flood, quiet, routes } = options;
  if (channels === undefined) return loadConfig(runtime, options);
  if (stateDir === undefined) {
    throw new ConfigError("Cannot open a notifier with channels of its own: stateDir is not set", {
      hint: "another program's entries must not wait for channels that only this one knows",
    });
  }
  const value = { channels, symbols, flood, quiet, routes, ...(identity === undefined ? {} : { identity }) };
  return parseConfig(value, contextOf(runtime, options, {}));
}

/**
 * Reads the configuration file, and nothing of what stands in it closer.
 *
 * @returns undefined when there is none, and need not be
 * @throws {ConfigError} when it cannot be used
 * @throws {PermissionError} if Deno denies access to it
 */
export function readConfigFile(
  path: string,
  { mustExist }: { readonly mustExist: boolean },
): Record<string, unknown> | undefined {
  let text, mode;
  try {
    text = Deno.readTextFileSync(path);
    mode = Deno.statSync(path).mode;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw toPermissionError(`read configuration ${path}`, error);
    const absent = error instanceof Deno.errors.NotFound;
    if (absent && !mustExist) return undefined;
    const state = absent ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use configuration ${path}: ${state}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    const where = error instanceof Error
      ? /\(?line \d+ column \d+\)?/.exec(error.message)?.[0].replace(/[()]/g, "")
      : undefined;
    throw new ConfigError(`Cannot use configuration ${path}: it is not valid JSON${where ? ` (${where})` : ""}`, {
      cause: error,
    });
  }
  if (!isObject(value)) throw new ConfigError(`Cannot use configuration ${path}: it must be a JSON object`);
  const twice = duplicateKey(text);
  if (twice !== undefined) {
    throw new ConfigError(`Cannot use configuration ${path}: ${twice} is in it twice`, {
      hint: 'several channels of one kind need different names, and the key "kind"',
    });
  }
  if (holdsSecret(value)) refuseWorldReadable(path, mode, "configuration");
  return value;
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

/** Ways to say as whom a channel speaks: one in the environment replaces the one in the file. */
const IDENTITIES: readonly string[] = [
  ...["user", "accessToken", "accessTokenFile"],
  ...["token", "tokenFile", "password", "passwordFile"],
];

/** A secret in the environment replaces the one in the file, in whichever form that has it. */
function overlay(channel: Record<string, unknown>, values: Record<string, string>): Record<string, unknown> {
  const replaces = IDENTITIES.some((key) => key in values);
  const kept = Object.entries(channel).filter(([key]) => {
    const twin = key.endsWith("File") ? key.slice(0, -"File".length) : `${key}File`;
    return !(twin in values) && !(replaces && IDENTITIES.includes(key));
  });
  return { ...Object.fromEntries(kept), ...values };
}

function holdsSecret(config: Record<string, unknown>): boolean {
  if (!isObject(config.channels)) return false;
  return Object.entries(config.channels).some(([name, channel]) => {
    // A URL has one somewhere.
    if (typeof channel === "string") return true;
    if (!isObject(channel)) return false;
    const kind = String(channel.kind ?? name);
    const fields: FieldSpecs = Object.hasOwn(CHANNEL_KINDS, kind) ? CHANNEL_KINDS[kind].fields : {};
    return Object.keys(channel).some((key) => Object.hasOwn(fields, key) && fields[key].isSecret) ||
      holdsSecretName(channel);
  });
}

/** A webhook's body has names of its own, at any depth. */
function holdsSecretName(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => isCalledSecret(key) || holdsSecretName(inner));
}
