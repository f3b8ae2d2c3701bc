/**
 * Finds the configuration: flags before environment before file before defaults.
 *
 * `MATRIX_HOMESERVER`, `MATRIX_ACCESS_TOKEN` (or `MATRIX_ACCESS_TOKEN_FILE`) and `MATRIX_ROOM` make the channel `matrix`, or change the one in the file;
 * `NTFY_SERVER`, `NTFY_TOPIC` and `NTFY_TOKEN` (or `NTFY_TOKEN_FILE`) do the same for `ntfy`.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { type Config, kindOf, parseConfig } from "./config.ts";
import { duplicateKey } from "./duplicates.ts";
import { configPath } from "./paths.ts";
import { refuseWorldReadable, secretOf } from "./secrets.ts";

/** What a caller says about the configuration. */
export interface LoadOptions {
  /** The file; without it the usual places. One that is named must exist. */
  readonly configFile?: string;
  /** Permits plain http to other hosts. @default {false} */
  readonly insecureHttp?: boolean;
}

/** Environment variables by channel and key. */
const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  matrix: {
    homeserver: "MATRIX_HOMESERVER",
    accessToken: "MATRIX_ACCESS_TOKEN",
    accessTokenFile: "MATRIX_ACCESS_TOKEN_FILE",
    room: "MATRIX_ROOM",
  },
  ntfy: { server: "NTFY_SERVER", topic: "NTFY_TOPIC", token: "NTFY_TOKEN", tokenFile: "NTFY_TOKEN_FILE" },
};

/** Every variable that makes a part of the configuration. */
export const CONFIG_VARIABLES: readonly string[] = [
  "MATRIX_NOTIFY_CONFIG",
  ...Object.values(VARIABLES).flatMap((keys) => Object.values(keys)),
];

/**
 * Reads file and environment.
 *
 * @throws {ConfigError} with the dotted path, or the variable, of what cannot be used
 */
export function loadConfig(runtime: Pick<Runtime, "env" | "hostname" | "isRoot">, options: LoadOptions = {}): Config {
  const path = options.configFile ?? configPath(runtime);
  const mustExist = options.configFile !== undefined || Boolean(runtime.env("MATRIX_NOTIFY_CONFIG"));
  const file = readConfigFile(path, mustExist);
  const channels = isObject(file.channels) ? { ...file.channels } : {};
  const names: Record<string, Record<string, string>> = {};
  for (const [channel, keys] of Object.entries(VARIABLES)) {
    const { values, labels } = fromEnvironment(keys, runtime.env);
    if (Object.keys(values).length === 0) continue;
    channels[channel] = overlay(isObject(channels[channel]) ? channels[channel] : {}, values);
    names[channel] = isObject(file.channels) && channel in file.channels ? labels : { ...keys };
  }
  const value = file.channels === undefined || isObject(file.channels) ? { ...file, channels } : file;
  return parseConfig(value, {
    hostname: runtime.hostname(),
    insecureHttp: options.insecureHttp ?? false,
    names,
    secret: secretOf,
  });
}

/** A configuration that a program holds itself. */
export interface InlineOptions extends LoadOptions {
  readonly stateDir?: string;
  readonly channels?: Readonly<Record<string, unknown>>;
  readonly identity?: string;
  readonly symbols?: boolean;
}

/**
 * Reads the configuration that a program holds itself; without `channels`, that of the command line.
 *
 * @throws {ConfigError} with the dotted path, or the variable, of what cannot be used
 */
export function openConfig(runtime: Pick<Runtime, "env" | "hostname" | "isRoot">, options: InlineOptions): Config {
  const { channels, identity, symbols = true, stateDir, insecureHttp = false } = options;
  if (channels === undefined) return loadConfig(runtime, options);
  if (stateDir === undefined) {
    throw new ConfigError("Cannot open a notifier with channels of its own: stateDir is not set", {
      hint: "another program's entries must not wait for channels that only this one knows",
    });
  }
  const value = { channels, symbols, ...(identity === undefined ? {} : { identity }) };
  return parseConfig(value, { hostname: runtime.hostname(), insecureHttp, names: {}, secret: secretOf });
}

function readConfigFile(path: string, mustExist: boolean): Record<string, unknown> {
  let text, mode;
  try {
    text = Deno.readTextFileSync(path);
    mode = Deno.statSync(path).mode;
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound;
    if (absent && !mustExist) return {};
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

/** A secret in the environment replaces the one in the file, in whichever form that has it. */
function overlay(channel: Record<string, unknown>, values: Record<string, string>): Record<string, unknown> {
  const kept = Object.entries(channel).filter(([key]) => {
    const twin = key.endsWith("File") ? key.slice(0, -"File".length) : `${key}File`;
    return !(twin in values);
  });
  return { ...Object.fromEntries(kept), ...values };
}

/** What is a secret, each kind knows of its own; a URL has one somewhere. */
function holdsSecret(config: Record<string, unknown>): boolean {
  if (!isObject(config.channels)) return false;
  return Object.entries(config.channels).some(([name, channel]) =>
    typeof channel === "string" ||
    isObject(channel) && kindOf(channel.kind ?? name)?.secrets.some((key) => key in channel)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
