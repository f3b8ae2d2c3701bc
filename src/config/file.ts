/**
 * Reads the configuration file, and checks its JSON syntax and its permissions. Does not validate
 * its values.
 */

import { ConfigError, toPermissionError } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { refuseWorldReadable } from "../base/secret.ts";
import { loadKind } from "../channels/registry.ts";

/**
 * Reads the configuration file. Its values are not validated.
 *
 * @returns undefined if the file does not exist and `mustExist` is false
 * @throws {ConfigError} if the file cannot be read, or if it contains a secret that other users can
 * read
 * @throws {PermissionError} if Deno denies access to the file
 */
export async function readConfigFile(
  path: string,
  { mustExist }: { readonly mustExist: boolean },
): Promise<Record<string, unknown> | undefined> {
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
    throw new ConfigError(`Cannot use configuration ${path}: it contains the key ${twice} twice`, {
      hint: 'write a different name for each channel, and set "kind" in each channel',
    });
  }
  if (await containsSecret(value)) refuseWorldReadable(path, mode, "configuration");
  return value;
}

/**
 * Finds the first key that is used twice in the same object. `JSON.parse` does not report such a
 * key and ignores its first value. For example, a channel would be missing.
 *
 * @param json valid JSON
 * @returns the dotted path of the key; undefined if there is no such key
 */
export function duplicateKey(json: string): string | undefined {
  /** The objects and lists that are not closed yet, with their keys so far and the current key. */
  const open: { readonly keys: Set<string>; key: string }[] = [];
  let last = "";
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    const top = open.at(-1);
    if (token === "{" || token === "[") open.push({ keys: new Set(), key: "" });
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":" && top !== undefined) {
      top.key = JSON.parse(last);
      if (top.keys.has(top.key)) return open.map(({ key }) => key).filter((key) => key !== "").join(".");
      top.keys.add(top.key);
    }
    last = token;
  }
  return undefined;
}

async function containsSecret(config: Record<string, unknown>): Promise<boolean> {
  for (const [name, channel] of Object.entries(isObject(config.channels) ? config.channels : {})) {
    // An Apprise URL usually contains a secret.
    if (typeof channel === "string") return true;
    if (!isObject(channel)) continue;
    const settings = (await loadKind(String(channel.kind ?? name)))?.settings ?? {};
    if (Object.keys(channel).some((key) => Object.hasOwn(settings, key) && settings[key].isSecret)) return true;
    if (containsSecretName(channel)) return true;
  }
  return false;
}

/** Checks whether a value or a nested value has a key that looks like the name of a secret. */
function containsSecretName(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => isSecretName(key) || containsSecretName(inner));
}

/**
 * Checks whether a key looks like the name of a secret. The key may be unknown to matrix-notify
 * (for example, mistyped).
 */
export function isSecretName(key: string): boolean {
  return /token$|password$/i.test(key);
}
