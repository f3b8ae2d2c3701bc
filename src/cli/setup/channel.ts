/** The channel that is set up: what the configuration has of it already, and how its homeserver is reached. */

import type { Connection } from "../../runtime/connection.ts";
import { channelObject, parseConfig } from "../../config/config.ts";
import { connectionOf } from "../../config/connection.ts";
import { contextOf, readConfigFile, variablesSet } from "../../config/load.ts";
import { configPath } from "../../config/paths.ts";
import { ConfigError } from "../../base/errors.ts";
import { Fields, isObject } from "../../base/fields.ts";
import type { CommandContext } from "../command.ts";
import { stateDirOf } from "../sign_in.ts";

/** A channel that is to be written. */
export interface ChannelPlan {
  readonly name: string;
  /** The configuration file. */
  readonly path: string;
  /** The user and the room that it has by now. */
  readonly before: { readonly user?: string; readonly room?: string };
  readonly connection: Connection | undefined;
  /** The whole channel, for the file: what setup does not ask for stays as it was. */
  write(user: string, room: string): Readonly<Record<string, unknown>>;
}

/** The options that say how the homeserver is reached, and the keys that they are in the file. */
const CONNECTION_OPTIONS: Readonly<Record<string, string>> = {
  "ca-file": "caFile",
  "cert-file": "certFile",
  "key-file": "keyFile",
  "proxy": "proxy",
  "proxy-file": "proxyFile",
};

/** What setup writes itself, or what contradicts that. */
const REPLACED: readonly string[] = [
  ...["kind", "user", "room", "homeserver", "insecureHttp"],
  ...["accessToken", "accessTokenFile"],
];

/**
 * Reads what there is, and makes sure before anything is asked that what will be written can be used, and will count.
 *
 * @throws {ConfigError} when that is not so
 */
export function planChannel(context: CommandContext): ChannelPlan {
  const { args, runtime } = context;
  const name = args.text("channel") ?? "matrix";
  const path = args.text("config") ?? configPath(runtime);
  refuseVariables(name, runtime.env);
  const file = readConfigFile(path, { mustExist: false }) ?? {};
  const channels = isObject(file.channels) ? file.channels : {};
  const before = Object.hasOwn(channels, name) ? matrixChannel(name, channels[name]) : {};
  const { kept, connection } = connectionFrom(context, { name, before });
  const write = (user: string, room: string) => ({
    ...(name === "matrix" ? {} : { kind: "matrix" }),
    user,
    room,
    ...kept,
  });
  const after = { ...file, channels: { ...channels, [name]: write("@bot:example.org", "!room") } };
  parseConfig(isObject(file.channels ?? {}) ? after : file, contextOf(runtime, { stateDir: stateDirOf(context) }, {}));
  return { name, path, before: { user: textOf(before.user), room: textOf(before.room) }, connection, write };
}

/** The environment goes before the file: what is written there would say one thing, and what is sent go elsewhere. */
function refuseVariables(name: string, env: CommandContext["runtime"]["env"]): void {
  const [variable] = variablesSet(name, env);
  if (variable === undefined) return;
  throw new ConfigError(`Cannot set up the channel ${name}: ${variable} is set, and goes before the file`, {
    hint: `unset it, or set up a channel of another name: --channel alerts`,
  });
}

/** @throws {ConfigError} when it is no Matrix channel */
function matrixChannel(name: string, value: unknown): Readonly<Record<string, unknown>> {
  const channel = channelObject(name, value);
  const kind = isObject(channel) ? channel.kind ?? name : undefined;
  if (isObject(channel) && kind === "matrix") return channel;
  throw new ConfigError(`Cannot set up the channel ${name}: it is ${kind ? `of the kind ${kind}` : "no object"}`, {
    hint: "name another one: --channel alerts",
  });
}

function connectionFrom(
  { args }: CommandContext,
  { name, before }: { readonly name: string; readonly before: Readonly<Record<string, unknown>> },
): { readonly kept: Readonly<Record<string, unknown>>; readonly connection: Connection | undefined } {
  const kept = Object.fromEntries(Object.entries(before).filter(([key]) => !REPLACED.includes(key)));
  const names: Record<string, string> = {};
  for (const [option, key] of Object.entries(CONNECTION_OPTIONS)) {
    const value = args.text(option);
    if (value === undefined && Object.hasOwn(kept, key)) continue;
    names[key] = `--${option}`;
    if (value === undefined) continue;
    if (key === "proxy") delete kept.proxyFile;
    if (key === "proxyFile") delete kept.proxy;
    kept[key] = key === "proxy" ? value : absolute(value, names[key]);
  }
  const connection = connectionOf(new Fields(kept, `channels.${name}`, names), `channels.${name}`);
  // A file that cannot be used is better told now than as a server that cannot be reached.
  connection?.read();
  return { kept, connection };
}

/** It is found again from another folder. */
function absolute(path: string, option: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use ${option} ${path}: ${state}`, { cause: error });
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
