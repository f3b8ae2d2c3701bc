/**
 * The channel in the configuration file: what `setup` reads from it before the first question, and
 * what it writes at the end. Settings that setup does not ask for are kept.
 *
 * @module
 */

import type { Connection } from "../../runtime/http_clients.ts";
import { toChannelObject } from "../../config/channels.ts";
import { parseConfig } from "../../config/config.ts";
import { readConnection } from "../../config/connection.ts";
import { readConfigFile } from "../../config/file.ts";
import { createContext, variablesSet } from "../../config/load.ts";
import { configPath } from "../../config/paths.ts";
import { ConfigError, StorageError } from "../../base/errors.ts";
import { Fields, isObject } from "../../base/fields.ts";
import { mapFileErrors } from "../../runtime/file_errors.ts";
import { FileLock } from "../../runtime/file_lock.ts";
import { denoFiles, type Files, parentDirectory, replaceFile } from "../../runtime/files.ts";
import { findStateDir } from "../matrix_account.ts";
import type { SetupCommandContext } from "./options.ts";

/** The channel to set up. */
export interface ChannelPlan {
  readonly name: string;
  /** The path of the configuration file. */
  readonly path: string;
  /** The user and room in the file now. */
  readonly before: { readonly user?: string; readonly room?: string };
  readonly connection: Connection | undefined;
  /** Returns the channel for the file, with all settings that are kept. */
  toChannel(user: string, room: string): Readonly<Record<string, unknown>>;
}

/** Options about the connection to the homeserver, and their keys in the file. */
const CONNECTION_KEYS = [
  ["ca-file", "caFile"],
  ["cert-file", "certFile"],
  ["key-file", "keyFile"],
  ["proxy", "proxy"],
  ["proxy-file", "proxyFile"],
] as const;

/** Keys that setup writes itself, and keys that contradict them. */
const REPLACED_KEYS: readonly string[] = [
  ...["kind", "user", "room", "homeserver", "insecureHttp"],
  ...["accessToken", "accessTokenFile"],
];

/**
 * Reads the configuration file. Verifies, before the first question, that the file with the new
 * channel will be valid and that no environment variable overrides it.
 *
 * @throws {ConfigError} if the file or an option is wrong, or a variable is set
 */
export async function planChannel(context: SetupCommandContext): Promise<ChannelPlan> {
  const { args, runtime } = context;
  const name = args.text("channel") ?? "matrix";
  const path = args.text("config") ?? configPath(runtime);
  rejectVariables(name, runtime.env);
  const file = await readConfigFile(path, { mustExist: false }) ?? {};
  const channels = isObject(file.channels) ? file.channels : {};
  const before = Object.hasOwn(channels, name) ? await requireMatrixChannel(name, channels[name]) : {};
  const { kept, connection } = mergeConnection(context, { name, before });
  const toChannel = (user: string, room: string) => ({
    ...(name === "matrix" ? {} : { kind: "matrix" }),
    user,
    room,
    ...kept,
  });
  const after = { ...file, channels: { ...channels, [name]: toChannel("@bot:example.org", "!room") } };
  const isValid = isObject(file.channels ?? {});
  await parseConfig(isValid ? after : file, createContext(runtime, { stateDir: findStateDir(context) }, {}));
  return { name, path, before: { user: toText(before.user), room: toText(before.room) }, connection, toChannel };
}

/** Variables override the file, so the new channel would not be the one that is used. */
function rejectVariables(name: string, env: SetupCommandContext["runtime"]["env"]): void {
  const [variable] = variablesSet(name, env);
  if (variable === undefined) return;
  throw new ConfigError(`Cannot set up channel ${name}: ${variable} is set and overrides the file`, {
    hint: `unset it, or choose another channel name: --channel alerts`,
  });
}

/** @throws {ConfigError} if the channel is not of kind matrix */
async function requireMatrixChannel(name: string, value: unknown): Promise<Readonly<Record<string, unknown>>> {
  const channel = await toChannelObject(name, value);
  const kind = isObject(channel) ? channel.kind ?? name : undefined;
  if (isObject(channel) && kind === "matrix") return channel;
  throw new ConfigError(`Cannot set up channel ${name}: it is ${kind ? `of kind ${kind}` : "not an object"}`, {
    hint: "choose another channel name: --channel alerts",
  });
}

/**
 * Merges the connection options into the settings that are kept. An option replaces the setting in
 * the file.
 */
function mergeConnection(
  { args }: SetupCommandContext,
  { name, before }: { readonly name: string; readonly before: Readonly<Record<string, unknown>> },
): { readonly kept: Readonly<Record<string, unknown>>; readonly connection: Connection | undefined } {
  const kept = Object.fromEntries(Object.entries(before).filter(([key]) => !REPLACED_KEYS.includes(key)));
  // For error messages: a key is called by its option unless the file sets it.
  const names: Record<string, string> = {};
  for (const [option, key] of CONNECTION_KEYS) {
    const value = args.text(option);
    if (value === undefined && Object.hasOwn(kept, key)) continue;
    names[key] = `--${option}`;
    if (value === undefined) continue;
    if (key === "proxy") delete kept.proxyFile;
    if (key === "proxyFile") delete kept.proxy;
    kept[key] = key === "proxy" ? value : toAbsolutePath(value, names[key]);
  }
  const connection = readConnection(new Fields(kept, `channels.${name}`, names), `channels.${name}`);
  // Read the files now: a bad file would otherwise look like a homeserver that does not answer.
  connection?.read();
  return { kept, connection };
}

/** Later runs start in another directory. */
function toAbsolutePath(path: string, option: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use ${option} ${path}: ${state}`, { cause: error });
  }
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** Where to write a channel. */
export interface ChannelPlace {
  /** The path of the configuration file. */
  readonly path: string;
  /** The name of the channel. */
  readonly name: string;
  /** The path of the lock that keeps two runs of setup from writing at once. */
  readonly lockPath: string;
}

/**
 * Writes a channel into the configuration file, in place of the channel with the same name. The
 * rest of the file is kept. The file is replaced atomically and only its owner can read it; if it
 * is a symbolic link, its target is replaced.
 *
 * @throws {ConfigError} if the file cannot be read
 * @throws {StorageError} if it cannot be written; the old file is then unchanged
 */
export async function writeChannel(
  { path, name, lockPath }: ChannelPlace,
  channel: Readonly<Record<string, unknown>>,
  files: Files = denoFiles,
): Promise<void> {
  for (const directory of [parentDirectory(path), parentDirectory(lockPath)]) {
    withFileErrors(`create the directory ${directory}`, () => files.makeDirectory(directory));
  }
  const lock = new FileLock(files, lockPath);
  if (!lock.tryAcquire()) throw new StorageError("locked", `Cannot write ${path}: another setup is writing it`);
  try {
    const before = await readConfigFile(path, { mustExist: false }) ?? {};
    const channels = isObject(before.channels) ? before.channels : {};
    const text = JSON.stringify({ ...before, channels: { ...channels, [name]: channel } }, undefined, 2);
    withFileErrors(`save ${path}`, () => replaceFile(files, resolveLink(path), `${text}\n`));
  } finally {
    lock.release();
  }
}

function withFileErrors(action: string, operation: () => void): void {
  try {
    mapFileErrors(action, operation, "write-failed");
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const hint = "fix that, or choose another file with --config; the old file is unchanged";
    throw new StorageError(error.code, error.message, { hint, cause: error });
  }
}

function resolveLink(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}
