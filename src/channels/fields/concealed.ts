/**
 * Finds secrets in settings that contain a secret only in part, such as the arguments of a program.
 * A secret is recognized by its name, by its place in an address, or by its random characters.
 *
 * ```text
 * {"token": "…"}   --token …   token=…   Authorization: …   https://user:…@host   T0KENw1thManyChars
 * ```
 *
 * @module
 */

import { HIDDEN } from "../../base/secret_mask.ts";
import type { SettingTable } from "./setting.ts";

/** The last word of a secret's name: `Token` in `accessToken`, `key` in `routing_key`. */
const NAME = String
  .raw`(?:token|passw(?:or)?d|passphrase|passwd|pwd|pass|secret|credentials?|authorization|auth|cookie|signature|sig|key)`;

const NAME_REGEXP = new RegExp(`${NAME}s?$`, "i");

/** Matches a login in an address. A password can contain a slash or an `@`. */
const LOGIN_REGEXP = /(:\/\/)([^\s"'<>]*)@|^((?![a-z0-9+.-]+:\/\/)[^\s/@:]*:[^\s]*)@(?=[^\s@]+$)/gi;

/** Matches `name=value` and `name: value`, and an option with its value: `--token abc`. */
const NAMED_REGEXP = new RegExp(
  String.raw`(${NAME}s?["']?(?:\s*[=:]\s*["']?))((?:(?:Basic|Bearer|Token)\s+)?[^\s"'&;,]+)|` +
    String.raw`((?<![^\s"'])--?[\w-]*${NAME}s?\s+["']?)([^\s"'&;,-][^\s"'&;,]*)`,
  "gi",
);

/** Matches the login after an option of curl. */
const USER_REGEXP = /((?<![^\s"'])(?:-u|-U|--user|--proxy-user)(?:\s*|=)["']?)([^\s"':]*:[^\s"']+)/g;

/** Matches a long word that may be random. */
const WORD_REGEXP = /[\w~+-]{20,}={0,2}/g;

/** Matches a placeholder of a template. */
const PLACEHOLDER_REGEXP = /\{\{[^{}]*\}\}/g;

/** Returns true if a name ends with a word for a secret, such as `token` or `key`. */
export function isSecretName(name: string): boolean {
  return NAME_REGEXP.test(name);
}

/** Hides the user name and the password in an address. */
export function hideLogin(text: string): string {
  return text.replace(LOGIN_REGEXP, (_, slashes = "") => `${slashes}${HIDDEN}@`);
}

/**
 * Returns the value of a setting without its secrets. A key that is not in the table may be the
 * mistyped name of a secret.
 */
export function concealSetting(key: string, value: unknown, table: SettingTable): unknown {
  const setting = Object.hasOwn(table, key) ? table[key] : undefined;
  if (setting === undefined ? isSecretName(key) : setting.isSecret) return HIDDEN;
  if (setting?.mayContainSecrets) return conceal(value);
  // In `headerFiles`, the keys are names of secrets, but the values are only paths.
  return JSON.parse(JSON.stringify(value), (name, inner) => {
    if (typeof inner === "string") return !key.endsWith("Files") && isSecretName(name) ? HIDDEN : hideLogin(inner);
    return inner;
  });
}

/** Returns a JSON value in which `[secret]` replaces everything that looks like a secret. */
export function conceal(value: unknown): unknown {
  return new Concealer().conceal(value);
}

/** Returns the texts in a JSON value that look like secrets. */
export function findSecrets(value: unknown): readonly string[] {
  const concealer = new Concealer();
  concealer.conceal(value);
  return concealer.found;
}

class Concealer {
  readonly found: string[] = [];

  conceal(value: unknown): unknown {
    if (typeof value === "string") return this.#concealText(value);
    if (Array.isArray(value)) return value.map((item, at) => this.#concealItem(item, value[at - 1]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, isSecretName(key) ? this.#hide(inner) : this.conceal(inner)]),
    );
  }

  /** Conceals an item of a list, such as an argument after an option: `["--token", "abc"]`. */
  #concealItem(item: unknown, before: unknown): unknown {
    if (typeof item !== "string" || typeof before !== "string") return this.conceal(item);
    if (/^--?[\w-]+$/.test(before) && isSecretName(before) && !/^-./.test(item)) return this.#hide(item);
    const isLogin = /^(-u|-U|--user|--proxy-user)$/.test(before) && item.includes(":");
    return isLogin ? this.#hide(item) : this.#concealText(item);
  }

  /** Hides a whole value, except a text that contains only placeholders. */
  #hide(value: unknown): unknown {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "object") return this.conceal(value);
    const text = String(value);
    if (text.replace(PLACEHOLDER_REGEXP, "").trim() === "") return value;
    this.found.push(...text.split(PLACEHOLDER_REGEXP).map((part) => part.trim()));
    const colon = text.indexOf(":");
    if (colon >= 0) this.found.push(text.slice(colon + 1).trim());
    return HIDDEN;
  }

  #concealText(text: string): string {
    const put = (secret: string) => {
      this.found.push(secret);
      return HIDDEN;
    };
    return text
      .replace(LOGIN_REGEXP, (_, slashes = "", login, other) => {
        const [, password = login ?? other] = /^[^:]*:(.*)$/s.exec(login ?? other) ?? [];
        this.found.push(password);
        return `${slashes}${HIDDEN}@`;
      })
      .replace(NAMED_REGEXP, (whole, name, value, option, argument) => {
        const secret: string = value ?? argument;
        if (secret.startsWith(HIDDEN) || secret.startsWith("{{")) return whole;
        return `${name ?? option}${put(secret)}`;
      })
      .replace(USER_REGEXP, (_, option, login: string) => {
        this.found.push(login.slice(login.indexOf(":") + 1));
        return `${option}${HIDDEN}`;
      })
      .replace(WORD_REGEXP, (word, at) => isRandom(word) && !isInPath(text, at) ? put(word) : word);
  }
}

/** Returns true if a long word has letters and several digits. */
function isRandom(word: string): boolean {
  return /[A-Za-z]/.test(word) && (word.match(/\d/g) ?? []).length >= 3;
}

/** Returns true if the word at a position is part of the path of a file. */
function isInPath(text: string, at: number): boolean {
  return /(?:^|[\s"'=])[.~]{0,2}\/[^\s"'=]*$/.test(text.slice(0, at));
}
