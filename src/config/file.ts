/**
 * Reads the configuration file, and checks the JSON syntax and the permissions of the file. Does
 * not validate the values.
 */

import {
  ConfigError,
  type ConfigPlace,
  findSystemFile,
  formatDenial,
  type HintOptions,
  permissionHint,
  toPermissionError,
} from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { concealSetting, isSecretName } from "../channels/fields/concealed.ts";
import { loadKind } from "../channels/registry.ts";
import { unreadableState } from "../runtime/file_errors.ts";
import { parentDirectory } from "../runtime/files.ts";
import { findExposure, readHint } from "../runtime/secret_file.ts";
import { findDirectoryDistrust, findFileDistrust } from "../runtime/trust.ts";
import { JsonSyntaxError, type JsonText, readJsonText } from "./json_text.ts";

/** A configuration file. The values are not validated yet. */
export interface ConfigFile {
  readonly path: string;
  /** True if the file exists. */
  readonly isThere: boolean;
  /** The values; empty if the file does not exist or cannot be used. */
  readonly value: Readonly<Record<string, unknown>>;
  /** True if this user does not have the permission to read the file. @default {false} */
  readonly isForbidden?: boolean;
  /**
   * The mistake that makes all channels in the file unusable. Absent if there is no such mistake.
   */
  readonly failure?: ConfigError;
  /**
   * The mistakes that affect only one part of the file. The `place` of a mistake names this part.
   */
  readonly mistakes: readonly ConfigError[];
  /** Adds the file and the line to an error about a setting. */
  locate(error: ConfigError): ConfigError;
}

/**
 * Reads the configuration file. Does not throw an error for a mistake in the file, because the
 * environment or other parts of the file may be sufficient to send.
 *
 * @throws {PermissionError} if Deno denies access to the file
 */
export async function readConfigFile(
  path: string,
  { mustExist, alternative = "choose another file with --config" }: {
    readonly mustExist: boolean;
    /** Another way to fix the problem if the file is not trusted. */
    readonly alternative?: string;
  },
): Promise<ConfigFile> {
  const fail = (state: string, { isThere = true, ...options }: HintOptions & { readonly isThere?: boolean } = {}) => ({
    path,
    isThere,
    value: {},
    failure: new ConfigError(`Cannot use configuration ${path}: ${state}`, { ...options, place: { file: path } }),
    mistakes: [],
    locate: (error: ConfigError) => error,
  });
  let bytes;
  try {
    const distrust = findFileDistrust(path, "folder");
    if (distrust !== undefined) return fail(distrust.state, { hint: `${distrust.hint}; or ${alternative}` });
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      if (findSystemFile(error) === undefined) throw toPermissionError(`read configuration ${path}`, error);
      return fail(formatDenial(error), { cause: error, hint: permissionHint(error) });
    }
    const isAbsent = error instanceof Deno.errors.NotFound;
    if (isAbsent && !mustExist) {
      return { path, isThere: false, value: {}, mistakes: [], locate: (error) => error };
    }
    const isForbidden = error instanceof Deno.errors.PermissionDenied;
    const failed = fail(unreadableState(error), { isThere: !isAbsent, cause: error, hint: readHint(path, error) });
    return { ...failed, isForbidden };
  }
  if (bytes.includes(0)) return fail("it is not UTF-8 text", { hint: UTF8_HINT });
  const text = new TextDecoder().decode(bytes);
  let json: JsonText;
  try {
    json = readJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { line, lineText, message } = error;
    const { failure, ...rest } = fail(`line ${line} is not valid JSON: ${message}`, {
      hint: `line ${line} is: ${lineText}`,
    });
    return { ...rest, failure: withPlace(failure, { file: path, line }) };
  }
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return fail("it must be a JSON object");
  const locate = (error: ConfigError) => addLine(error, path, json);
  const mistakes = [...wrongBytes(bytes, text, path), ...repeatedKeys(json), ...await exposedSecrets(value, path)];
  const { channels, ...rest } = value;
  if (channels === undefined || isObject(channels)) return { path, isThere: true, value, mistakes, locate };
  const failure = locate(
    new ConfigError("Cannot use channels: it must be a JSON object", { place: { setting: "channels" } }),
  );
  return { path, isThere: true, value: rest, failure, mistakes, locate };
}

const UTF8_HINT = "save the file as UTF-8";

/**
 * Creates an error if some bytes are not UTF-8.
 *
 * @param text the decoded bytes, with U+FFFD in place of bytes that are not UTF-8
 */
function wrongBytes(bytes: Uint8Array<ArrayBuffer>, text: string, path: string): ConfigError[] {
  const at = text.indexOf("\ufffd");
  try {
    if (at >= 0) new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return [];
  } catch {
    const line = text.slice(0, at).split("\n").length;
    const message = `Cannot read all characters of configuration ${path}: line ${line} is not UTF-8`;
    return [new ConfigError(message, { hint: UTF8_HINT, place: { file: path, line } })];
  }
}

/**
 * Reads the configuration file for a program that will change it.
 *
 * @returns the values; an empty object if the file does not exist
 * @throws {ConfigError} if the file cannot be used, for example because of a syntax error; the
 *   values are not validated
 * @throws {ConfigError} if the file does not exist, and another user can change its directory
 * @throws {PermissionError} if Deno denies access to the file
 */
export async function requireConfigFile(path: string): Promise<ConfigFile["value"]> {
  const { value, isThere, failure, mistakes, locate } = await readConfigFile(path, { mustExist: false });
  const [mistake = failure] = mistakes;
  if (mistake !== undefined) throw locate(mistake);
  const folder = parentDirectory(path),
    distrust = isThere ? undefined : findDirectoryDistrust(folder, { role: "folder" });
  if (distrust === undefined) return value;
  throw new ConfigError(`Cannot use ${folder} for the configuration: ${distrust.state}`, {
    hint: `${distrust.hint}; or choose another file with --config`,
  });
}

function withPlace({ message, hint, cause }: ConfigError, place: ConfigPlace, suffix = ""): ConfigError {
  return new ConfigError(message + suffix, { hint, cause, place });
}

/**
 * Adds the line of a setting to an error: `… (/etc/matrix-notify/config.json:7)`. If the setting is
 * missing, adds the line of the object that should contain the setting.
 */
function addLine(error: ConfigError, file: string, { lines }: JsonText): ConfigError {
  const { setting, line: known } = error.place;
  if (setting === undefined || known !== undefined) return error;
  let path = setting;
  while (!lines.has(path)) path = path.slice(0, Math.max(0, path.lastIndexOf("."), path.lastIndexOf("[")));
  const line = lines.get(path);
  return withPlace(error, { setting, file, line }, ` (${file}:${line})`);
}

/**
 * Creates the errors for keys that are used twice. `JSON.parse` uses only the last value of a
 * repeated key, so a channel could be missing without an error.
 */
function repeatedKeys({ repeated }: JsonText): ConfigError[] {
  return repeated.map(({ path, line }) =>
    new ConfigError(`Cannot use ${path}: the file contains this key twice`, {
      hint: /^channels\.[^.]+$/.test(path)
        ? 'write a different name for each channel, and set "kind" in each channel'
        : `the second one is in line ${line}; remove one of them`,
      place: { setting: path },
    })
  );
}

/**
 * Finds secrets in a file that every user of the host can read. Creates one error for each channel,
 * each sender of `serve` and each top-level setting that contains a secret.
 */
async function exposedSecrets(
  { channels, serve, ...others }: Readonly<Record<string, unknown>>,
  path: string,
): Promise<ConfigError[]> {
  const exposure = findExposure(path);
  if (exposure === undefined) return [];
  // A secret at the top level is in the wrong place, but it must be protected too.
  const settings = Object.keys(others).filter(isSecretName);
  for (const [name, channel] of Object.entries(isObject(channels) ? channels : {})) {
    if (await containsSecret(name, channel)) settings.push(`channels.${name}`);
  }
  const http = isObject(serve) ? serve.http : undefined;
  const senders = isObject(http) && isObject(http.senders) ? http.senders : {};
  for (const [name, sender] of Object.entries(senders)) {
    if (isObject(sender) && Object.keys(sender).some(isSecretName)) settings.push(`serve.http.senders.${name}`);
  }
  return settings.map((setting) =>
    new ConfigError(`Cannot use ${setting}: ${exposure.state} the file`, { hint: exposure.hint, place: { setting } })
  );
}

async function containsSecret(name: string, channel: unknown): Promise<boolean> {
  // An Apprise URL usually contains a secret.
  if (typeof channel === "string") return true;
  if (!isObject(channel)) return false;
  const settings = (await loadKind(String(channel.kind ?? name)))?.settings ?? {};
  return Object.entries(channel).some(([key, value]) => {
    return JSON.stringify(concealSetting(key, value, settings)) !== JSON.stringify(value);
  });
}
