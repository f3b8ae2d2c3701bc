/**
 * The connection settings: certificates and a proxy. Every channel that uses HTTP has these
 * settings.
 */

import { ConfigError } from "../base/errors.ts";
import type { Fields } from "../base/fields.ts";
import { quoteForShell } from "../base/shell_word.ts";
import { requireSecretFile, requireTrustedFile } from "../runtime/secret_file.ts";
import { type ParseContext, readSettings, setting, type SettingsOf, text } from "../channels/fields/setting.ts";
import { parseProxy } from "../runtime/address.ts";
import type { Connection } from "../runtime/http_clients.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The table of connection settings. */
export const CONNECTION_SETTINGS = {
  caFile: text({
    help: "a PEM file of certificate authorities to trust, in addition to the usual authorities",
    examples: ["/etc/matrix-notify/ca.pem"],
    optional: true,
  }),
  certFile: text({
    help: "a PEM file with the client certificate; set `keyFile` too",
    examples: ["/etc/matrix-notify/client.pem"],
    optional: true,
    needs: "keyFile",
  }),
  keyFile: text({
    help: "a PEM file with the private key of the client certificate; other users must not be able to read it",
    examples: ["/etc/matrix-notify/client.key"],
    optional: true,
    needs: "certFile",
  }),
  proxy: setting<(() => URL) | undefined>({
    help:
      "the address of a proxy, without a password: `http://`, `https://` or `socks5://`; the default is the proxy in the environment variables",
    examples: ["http://proxy.example.org:3128", "socks5://127.0.0.1:1080", "proxy.example.org:3128"],
    optional: true,
    hasFile: true,
    schema: {
      type: "string",
      pattern: "^([hH][tT][tT][pP][sS]?://|[sS][oO][cC][kK][sS]5[hH]?://)?[^/@?#\\u0000-\\u0020]+/?$",
    },
    read: readProxy,
  }),
};

/** An empty context, because connection settings do not depend on a context. */
const NO_CONTEXT: ParseContext = {
  insecureHttp: false,
  account() {
    throw new TypeError("Cannot open an account: connection settings do not contain an account");
  },
};

/**
 * Reads the connection settings of a channel. The files of the certificates are read later, when
 * the connection is first used.
 *
 * @returns undefined if the channel uses the default connection
 * @throws {ConfigError} if a setting is not valid
 */
export function readConnection(fields: Fields, name: string): Connection | undefined {
  const { caFile, certFile, keyFile, proxy }: SettingsOf<typeof CONNECTION_SETTINGS> = readSettings(
    CONNECTION_SETTINGS,
    fields,
    NO_CONTEXT,
  );
  if ((caFile ?? certFile ?? keyFile ?? proxy) === undefined) return undefined;
  return {
    name,
    read: () => ({
      caCerts: caFile === undefined ? undefined : readCertificates(caFile, fields.formatName("caFile")),
      cert: certFile === undefined ? undefined : readCertificates(certFile, fields.formatName("certFile")),
      key: keyFile === undefined ? undefined : readKey(keyFile, fields.formatName("keyFile")),
      proxy: proxy?.(),
    }),
  };
}

/**
 * Reads the proxy. The address of the proxy must not contain a password, because other users may be
 * able to read the configuration.
 */
function readProxy(fields: Fields, key: string): (() => URL) | undefined {
  const text = fields.text(key);
  const path = fields.text(`${key}File`);
  if (text !== undefined && path !== undefined) {
    throw fields.error(`${key}File`, `${fields.formatName(key)} is set too`, "keep one of them");
  }
  if (path !== undefined) return () => readProxyFile(path, fields.formatName(`${key}File`));
  if (text === undefined) return undefined;
  const address = parseProxy(text);
  if ("problem" in address) throw fields.error(key, address.problem, address.hint);
  if (address.url.username === "" && address.url.password === "") return () => address.url;
  throw fields.error(
    key,
    "it contains a user name or a password",
    `write the complete address into a file that only you can read, and set its path in ${
      fields.formatName(`${key}File`)
    }`,
  );
}

function readProxyFile(path: string, what: string): URL {
  const address = parseProxy(requireSecretFile(path, what).trim());
  if ("url" in address) return address.url;
  throw new ConfigError(`Cannot use ${what} ${path}: ${address.problem}`, { hint: address.hint });
}

/**
 * Reads a file of certificates.
 *
 * @throws {ConfigError} if the file cannot be read, is not trusted, or is not in PEM format
 */
export function readCertificates(path: string, what: string): string {
  const text = requireTrustedFile(path, what);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it does not contain a certificate in PEM format`, {
    hint: `run: openssl x509 -inform der -in ${quoteForShell(path)} -out ${quoteForShell(`${path}.pem`)}`,
  });
}

/**
 * Reads a file with a private key.
 *
 * @throws {ConfigError} if the file cannot be read, is not trusted, or is not in PEM format
 */
export function readKey(path: string, what: string): string {
  const text = requireSecretFile(path, what);
  if (text.includes("ENCRYPTED")) {
    throw new ConfigError(`Cannot use ${what} ${path}: it has a passphrase`, {
      hint: `run: umask 077; openssl pkey -in ${quoteForShell(path)} -out ${quoteForShell(`${path}.plain`)}`,
    });
  }
  if (/-----BEGIN (\w+ )?PRIVATE KEY-----/.test(text)) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it does not contain a private key in PEM format`);
}

/**
 * Returns a runtime whose requests use the connection.
 *
 * @param closed aborts when the connection is not used any more. @default the connection is used
 *   until the runtime is disposed of
 */
export function withConnection<Some extends Pick<Runtime, "fetch">>(
  runtime: Some,
  connection: Connection | undefined,
  closed?: AbortSignal,
): Some {
  if (connection === undefined) return runtime;
  const own = { ...connection, closed };
  return { ...runtime, fetch: (url, init) => runtime.fetch(url, init, own) };
}
