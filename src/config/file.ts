/** Reads the configuration file, and finds everything that can be wrong with the file itself. */

import { ConfigError, toPermissionError } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { refuseWorldReadable } from "../base/secret.ts";
import { loadKind } from "../channels/registry.ts";

/**
 * Reads the configuration file. Its values are not validated.
 *
 * @returns undefined if there is no file, and it need not exist
 * @throws {ConfigError} if it cannot be read, or if it contains a secret and other users can read
 * it
 * @throws {PermissionError} if Deno denies access to it
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
    throw new ConfigError(`Cannot use configuration ${path}: ${twice} is in it twice`, {
      hint: 'several channels of one kind need different names, and the key "kind"',
    });
  }
  if (await containsSecret(value)) refuseWorldReadable(path, mode, "configuration");
  return value;
}

/**
 * Finds the first key that is twice in one object. A parser keeps the last of them without a word,
 * and a channel would be missing.
 *
 * @param json valid JSON
 * @returns its dotted path; undefined if there is none
 */
export function duplicateKey(json: string): string | undefined {
  /** The open objects and lists: the keys so far, and the key whose value is being read. */
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
    // An Apprise URL contains one somewhere.
    if (typeof channel === "string") return true;
    if (!isObject(channel)) continue;
    const settings = (await loadKind(String(channel.kind ?? name)))?.settings ?? {};
    if (Object.keys(channel).some((key) => Object.hasOwn(settings, key) && settings[key].isSecret)) return true;
    if (containsSecretName(channel)) return true;
  }
  return false;
}

/** The body of a webhook has keys of its own, at any depth. */
function containsSecretName(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => isSecretName(key) || containsSecretName(inner));
}

/**
 * Whether a key looks like that of a secret: a mistyped key, or one of the service of a webhook.
 */
export function isSecretName(key: string): boolean {
  return /token$|password$/i.test(key);
}
