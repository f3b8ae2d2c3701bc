/**
 * Settings for a network service: its address, its secrets, and the permission to use plain http.
 */

import { ConfigError } from "../../base/errors.ts";
import type { Fields } from "../../base/fields.ts";
import { Secret } from "../../base/secret.ts";
import { requireSecretFile } from "../../runtime/secret_file.ts";
import { isLoopback, parseServer, type ServerAddressOptions } from "../../runtime/address.ts";
import { isToken } from "../../runtime/http.ts";
import { flag, type Setting, setting, type SettingOptions, type ValueOf } from "./setting.ts";

/** Options of the setting for a server's address. */
export interface ServerOptions extends SettingOptions<string>, Pick<ServerAddressOptions, "mayHavePath"> {
  readonly default?: string;
}

/**
 * Creates the setting for the address of a server. The parsed address has no trailing slash. The
 * same table of settings must also contain {@linkcode insecureHttp}.
 */
export function server<const Options extends ServerOptions>(options: Options): Setting<ValueOf<string, Options>> {
  const { mayHavePath } = options as ServerOptions;
  return setting<string>({
    ...options,
    schema: {
      type: "string",
      pattern: `^([hH][tT][tT][pP][sS]?://)?[^/@?#\\u0000-\\u0020]+(/${mayHavePath ? "[^?#]*" : ""})?$`,
      ...(options.default === undefined ? {} : { default: options.default }),
    },
    read(fields, key, context) {
      const given = fields.text(key) ?? options.default;
      if (given === undefined) return undefined;
      const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
      const address = parseServer(given, { insecureHttp, mayHavePath });
      if ("baseUrl" in address) return address.baseUrl;
      throw fields.error(key, address.problem, address.hint);
    },
  }) as Setting<ValueOf<string, Options>>;
}

/**
 * Creates the setting `insecureHttp`. Every table of settings that contains an address needs this
 * setting.
 */
export function insecureHttp(): Setting<boolean> {
  return flag({
    help: "`true`: allows plain http to hosts other than this one; secrets are then sent unencrypted",
    examples: [true],
    default: false,
  });
}

/** The form of a secret. */
export interface SecretForm {
  /** The pattern for the JSON schema. */
  readonly pattern: string;
  /** Returns the problem of a text; undefined if the text is valid. */
  problemOf(text: string): string | undefined;
}

/**
 * The usual forms of secrets. `token`: visible ASCII characters. `header`: the value of an HTTP
 * header. `line`: a line of text, such as a password.
 */
export const SECRET_FORMS = {
  token: {
    pattern: "^[!-~]+$",
    problemOf(text) {
      if (text === "") return "it is empty";
      if (/^(["']).*\1$/.test(text)) return "it must be the token without quotes";
      return isToken(text) ? undefined : "it must be one token of visible ASCII characters";
    },
  },
  header: {
    pattern: "^[ -~]*[!-~][ -~]*$",
    problemOf: (text) => /^[\x20-\x7e]+$/.test(text) ? undefined : "it must be one line of ASCII",
  },
  line: {
    pattern: "^\\P{Cc}*[^\\s\\p{Cc}]\\P{Cc}*$",
    problemOf: (text) => /^\P{Cc}+$/u.test(text) ? undefined : "it must be one line, without control characters",
  },
} as const satisfies Readonly<Record<string, SecretForm>>;

/** Options of a secret. */
export interface SecretOptions extends SettingOptions<string> {
  readonly form: SecretForm;
}

/**
 * Creates the setting for a secret. Users write the secret in the configuration or in a separate
 * file.
 */
export function secret<const Options extends SecretOptions>(options: Options): Setting<ValueOf<Secret, Options>> {
  const { form } = options as SecretOptions;
  return setting<Secret>({
    ...options,
    schema: { type: "string", pattern: form.pattern },
    isSecret: true,
    hasFile: true,
    read: (fields, key) => readSecret(fields, key, form.problemOf),
  }) as Setting<ValueOf<Secret, Options>>;
}

/**
 * Creates the setting for the complete address of a webhook. The address is a secret, because
 * everyone who knows the address can post messages.
 */
export function secretUrl(options: SettingOptions<string>): Setting<Secret> {
  return setting({
    ...options,
    schema: { type: "string", pattern: "^[hH][tT][tT][pP][sS]?://[!-~]+$" },
    isSecret: true,
    hasFile: true,
    read(fields, key, context) {
      const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
      return readSecret(fields, key, (text) => urlProblem(text, insecureHttp));
    },
  });
}

function urlProblem(text: string, insecureHttp: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "it is not an address such as https://example.org/hook";
  if (url.username !== "" || url.password !== "") return "it must not contain a user name or a password: set a header";
  if (url.hash !== "") return "it must not contain a fragment (#)";
  if (url.protocol === "https:" || insecureHttp || isLoopback(url.hostname)) return undefined;
  return "plain http would send it unencrypted: use https://, or set insecureHttp if you trust the network";
}

/**
 * Reads a secret from the setting `key`, or from the file in the setting `keyFile`. The file is
 * read when the secret is used, so that an unreadable file does not stop other channels.
 *
 * @throws {ConfigError} if both settings are used, or if the value is not valid
 */
export function readSecret(
  fields: Fields,
  key: string,
  problemOf: SecretForm["problemOf"],
): Secret | undefined {
  const value = fields.text(key);
  const path = fields.text(`${key}File`);
  if (value !== undefined && path !== undefined) {
    throw fields.error(key, `${fields.formatName(`${key}File`)} is set too`, "keep one of them");
  }
  if (path !== undefined) return new Secret(() => readSecretFile(path, fields.formatName(`${key}File`), problemOf));
  if (value === undefined) return undefined;
  const problem = problemOf(value);
  if (problem !== undefined) throw fields.error(key, problem);
  return new Secret(() => value);
}

function readSecretFile(path: string, what: string, problemOf: SecretForm["problemOf"]): string {
  const text = requireSecretFile(path, what).trim();
  const problem = problemOf(text);
  if (problem === undefined) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: ${problem}`);
}
