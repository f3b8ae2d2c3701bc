/** Secrets in files: read at the moment of use, and only where nobody else can read them. */

import type { SecretForm } from "../channels/kind.ts";
import { ConfigError } from "../base/errors.ts";
import type { Fields } from "../base/fields.ts";
import { isToken } from "../runtime/http.ts";
import { requireSecretFile, Secret } from "../base/secret.ts";

type NamedForm = Extract<SecretForm, string>;

/** What secrets look like. A line may hold anything that people choose as a password. */
const FORMS: Readonly<Record<NamedForm, { readonly fits: (text: string) => boolean; readonly problem: string }>> = {
  token: { fits: isToken, problem: "it must be one token, of visible ASCII, and nothing else" },
  header: { fits: (text) => /^[\x20-\x7e]+$/.test(text), problem: "it must be one line of ASCII" },
  line: { fits: (text) => /^\P{Cc}+$/u.test(text), problem: "it must be one line, without control characters" },
};

function problemOf(text: string, form: SecretForm): string | undefined {
  if (typeof form === "function") return form(text);
  return FORMS[form].fits(text) ? undefined : FORMS[form].problem;
}

/** Whether something is called like a secret. It may be a mistyped one, or one of a service that a webhook writes to. */
export function isCalledSecret(key: string): boolean {
  return /token$|password$/i.test(key);
}

/**
 * Takes a secret from `key`, or from the file that `keyFile` names.
 *
 * A file is not read before it is needed: one that cannot be read must not be in the way of the other channels.
 *
 * @throws {ConfigError} when both are set, or the value is not of its form
 */
export function secretOf(fields: Fields, key: string, form: SecretForm = "token"): Secret | undefined {
  const value = fields.text(key);
  const path = fields.text(`${key}File`);
  if (value !== undefined && path !== undefined) {
    throw fields.error(key, `${fields.nameOf(`${key}File`)} is set too`, "keep one of them");
  }
  if (path !== undefined) {
    return new Secret(() => readForm(path, fields.nameOf(`${key}File`), form));
  }
  if (value === undefined) return undefined;
  const problem = problemOf(value, form);
  if (problem !== undefined) throw fields.error(key, problem);
  return new Secret(() => value);
}

function readForm(path: string, what: string, form: SecretForm): string {
  const text = requireSecretFile(path, what).trim();
  const problem = problemOf(text, form);
  if (problem === undefined) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: ${problem}`);
}
