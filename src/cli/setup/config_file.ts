/**
 * Reads and writes the configuration file for `setup`: reads the channel before the first question,
 * and writes the channel at the end. Other settings in the file are not changed.
 *
 * @module
 */

import type { Connection } from "../../runtime/http_clients.ts";
import { toChannelObject } from "../../config/channels.ts";
import { parseConfig, requireValid } from "../../config/config.ts";
import { readConnection } from "../../config/connection.ts";
import { requireConfigFile } from "../../config/file.ts";
import { createContext, variablesSet } from "../../config/load.ts";
import { configPath } from "../../config/paths.ts";
import { ConfigError, StorageError } from "../../base/errors.ts";
import { Fields, isObject } from "../../base/fields.ts";
import { mapFileErrors } from "../../runtime/file_errors.ts";
import { FileLock } from "../../runtime/file_lock.ts";
import { denoFiles, type Files, parentDirectory, replaceFile } from "../../runtime/files.ts";
import { lastingPath } from "../../runtime/paths.ts";
import { findStateDir } from "../matrix_account.ts";
import type { SetupCommandContext } from "./options.ts";

/** The channel to set up. */
export interface ChannelPlan {
  readonly name: string;
  /** The path of the configuration file. */
  readonly path: string;
  /** The current user and room of the channel in the file. */
  readonly before: { readonly user?: string; readonly room?: string };
  readonly connection: Connection | undefined;
  /**
   * Creates the new channel object. The object keeps the old settings that `setup` does not
   * replace.
   */
  toChannel(user: string, room: string): Readonly<Record<string, unknown>>;
}

/** The connection options, and their keys in the file. */
const CONNECTION_KEYS = [
  ["ca-file", "caFile"],
  ["cert-file", "certFile"],
  ["key-file", "keyFile"],
  ["proxy", "proxy"],
  ["proxy-file", "proxyFile"],
] as const;

/**
 * The keys of the old channel object that `setup` removes. For some of these keys, `setup` writes
 * new values.
 */
const REPLACED_KEYS: readonly string[] = [
  ...["kind", "user", "room", "homeserver", "insecureHttp"],
  ...["accessToken", "accessTokenFile"],
];

/**
 * Reads the configuration file before the first question. Checks that the file will be valid with
 * the new channel, and that environment variables do not override the channel.
 *
 * @throws {ConfigError} if the file or an option has a mistake, or if a variable overrides the
 *   channel
 */
export async function planChannel(context: SetupCommandContext): Promise<ChannelPlan> {
  const { args, runtime } = context;
  const name = args.text("channel") ?? "matrix";
  const path = args.text("config") ?? configPath(runtime);
  rejectVariables(name, runtime.env);
  const file = await requireConfigFile(path);
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
  const parserContext = createContext(runtime, { stateDir: findStateDir(context) }, { names: {} });
  requireValid(await parseConfig(after, parserContext));
  return { name, path, before: { user: toText(before.user), room: toText(before.room) }, connection, toChannel };
}

/** @throws {ConfigError} if an environment variable overrides the channel in the file */
function rejectVariables(name: string, env: SetupCommandContext["runtime"]["env"]): void {
  const [variable] = variablesSet(name, env);
  if (variable === undefined) return;
  throw new ConfigError(
    `Cannot set up channel ${name}: the variable ${variable} overrides the configuration file for this channel`,
    {
      hint: `unset ${variable}, or choose another channel name: --channel alerts`,
    },
  );
}

/** @throws {ConfigError} if the kind of the channel is not `matrix` */
async function requireMatrixChannel(name: string, value: unknown): Promise<Readonly<Record<string, unknown>>> {
  const channel = await toChannelObject(name, value);
  const kind = isObject(channel) ? channel.kind ?? name : undefined;
  if (isObject(channel) && kind === "matrix") return channel;
  throw new ConfigError(
    `Cannot set up channel ${name}: ${
      kind ? `setup configures only Matrix channels, and ${name} is of kind ${kind}` : "it is not a JSON object"
    }`,
    {
      hint: "choose another channel name: --channel alerts",
    },
  );
}

/**
 * Combines the connection settings in the file with the connection options. An option replaces the
 * setting in the file.
 */
function mergeConnection(
  { args }: SetupCommandContext,
  { name, before }: { readonly name: string; readonly before: Readonly<Record<string, unknown>> },
): { readonly kept: Readonly<Record<string, unknown>>; readonly connection: Connection | undefined } {
  const kept = Object.fromEntries(Object.entries(before).filter(([key]) => !REPLACED_KEYS.includes(key)));
  // Error messages use the name of the option, or the key if the value is from the file.
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
  // Checks the certificate files now. Without this check, a bad file would look like a connection
  // error later.
  connection?.read();
  return { kept, connection };
}

/** Returns an absolute path, because later runs can start in another directory. */
export function toAbsolutePath(path: string, option: string): string {
  try {
    Deno.statSync(path);
    return lastingPath(path);
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use ${option} ${path}: ${state}`, { cause: error });
  }
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** The place of the configuration file. */
export interface ConfigPlace {
  readonly path: string;
  /** The path of the lock file. It prevents two setups from writing at the same time. */
  readonly lockPath: string;
}

/** The place of a channel in the configuration file. */
export interface ChannelPlace extends ConfigPlace {
  /** The name of the channel. */
  readonly name: string;
}

/**
 * Writes a channel into the configuration file. Replaces only the channel with the same name.
 *
 * @throws {ConfigError} if the file cannot be read
 * @throws {StorageError} if the file cannot be written; the old file stays unchanged
 */
export async function writeChannel(
  { name, ...place }: ChannelPlace,
  channel: Readonly<Record<string, unknown>>,
  files: Files = denoFiles,
): Promise<void> {
  await changeConfig(place, (before) => {
    const channels = isObject(before.channels) ? before.channels : {};
    return { ...before, channels: { ...channels, [name]: channel } };
  }, files);
}

/**
 * Changes the configuration file. The file is replaced atomically, and keeps its group and its
 * mode. Only the owner can read a new file. If the path is a symbolic link, the target of the link
 * is replaced.
 *
 * @throws {ConfigError} if the file cannot be read
 * @throws {StorageError} if the file cannot be written; the old file stays unchanged
 */
export async function changeConfig(
  { path, lockPath }: ConfigPlace,
  change: (before: ConfigValues) => ConfigValues,
  files: Files = denoFiles,
): Promise<void> {
  for (const directory of [parentDirectory(path), parentDirectory(lockPath)]) {
    withFileErrors(`create the directory ${directory}`, () => files.makeDirectory(directory));
  }
  using lock = new FileLock(files, lockPath).tryAcquire();
  if (!lock) throw new StorageError("locked", `Cannot write ${path}: another setup is writing it`);
  const text = JSON.stringify(change(await requireConfigFile(path)), undefined, 2);
  const target = resolveLink(path);
  withFileErrors(`save ${path}`, () => {
    replaceFile(files, target, `${text}\n`, () => keepAccess(target, `${target}.tmp`));
  });
}

/** The values of a configuration file. */
export type ConfigValues = Readonly<Record<string, unknown>>;

function withFileErrors(action: string, operation: () => void): void {
  try {
    mapFileErrors(action, operation, "write-failed");
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const hint = "fix the problem, or choose another file with --config; the old file is unchanged";
    throw new StorageError(error.code, error.message, { hint, cause: error });
  }
}

/**
 * Gives a new file the group and the mode of the old file. So the group can still read the file.
 */
function keepAccess(oldPath: string, newPath: string): void {
  const old = statIfThere(oldPath);
  if (old === undefined || old.mode === null || old.gid === null) return;
  const mode = old.mode & 0o777;
  try {
    Deno.chownSync(newPath, null, old.gid);
    Deno.chmodSync(newPath, mode);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    // This user is not in the group. The user's own group gets no access.
    Deno.chmodSync(newPath, mode & 0o707);
  }
}

function statIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
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
