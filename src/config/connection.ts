/**
 * The settings of a connection, which every channel that speaks HTTP has: certificates and a proxy.
 */

import { ConfigError } from "../base/errors.ts";
import type { Fields } from "../base/fields.ts";
import { requireSecretFile } from "../base/secret.ts";
import { type ParseContext, readSettings, setting, type SettingsOf, text } from "../channels/fields/setting.ts";
import { parseProxy } from "../runtime/address.ts";
import type { Connection } from "../runtime/http_clients.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The settings. */
export const CONNECTION_SETTINGS = {
  caFile: text({
    help: "a PEM file of authorities to trust besides the usual ones",
    examples: ["/etc/matrix-notify/ca.pem"],
    optional: true,
  }),
  certFile: text({
    help: "a PEM file of the client's certificate; its key is in `keyFile`",
    examples: ["/etc/matrix-notify/client.pem"],
    optional: true,
    needs: "keyFile",
  }),
  keyFile: text({
    help: "a PEM file of the key of the client's certificate; other users must not be able to read it",
    examples: ["/etc/matrix-notify/client.key"],
    optional: true,
    needs: "certFile",
  }),
  proxy: setting<(() => URL) | undefined>({
    help: "a proxy without a password: `http://`, `https://` or `socks5://`; by default that of the environment",
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

/** No setting of a connection depends on its surroundings. */
const NO_CONTEXT: ParseContext = {
  insecureHttp: false,
  account() {
    throw new TypeError("Cannot open an account: a connection has none");
  },
};

/**
 * Reads the connection of a channel. The files are read when they are used.
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

/** A password must not be in the configuration, which other users may be able to read. */
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
    `write the whole address into a file that only you can read, and name the file in ${
      fields.formatName(`${key}File`)
    }`,
  );
}

function readProxyFile(path: string, what: string): URL {
  const address = parseProxy(requireSecretFile(path, what).trim());
  if ("url" in address) return address.url;
  throw new ConfigError(`Cannot use ${what} ${path}: ${address.problem}`, { hint: address.hint });
}

function readCertificates(path: string, what: string): string {
  const text = readNamedFile(path, what);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it contains no certificate in PEM form`, {
    hint: `run: openssl x509 -inform der -in ${path} -out ${path}.pem`,
  });
}

function readKey(path: string, what: string): string {
  const text = requireSecretFile(path, what);
  if (text.includes("ENCRYPTED")) {
    throw new ConfigError(`Cannot use ${what} ${path}: it has a passphrase`, {
      hint: `run: openssl pkey -in ${path} -out ${path}.plain; chmod 600 ${path}.plain`,
    });
  }
  if (/-----BEGIN (\w+ )?PRIVATE KEY-----/.test(text)) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it contains no key in PEM form`);
}

function readNamedFile(path: string, what: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use ${what} ${path}: ${state}`, { cause: error });
  }
}

/** A runtime whose requests use the connection. */
export function withConnection<Some extends Pick<Runtime, "fetch">>(
  runtime: Some,
  connection: Connection | undefined,
): Some {
  if (connection === undefined) return runtime;
  return { ...runtime, fetch: (url, init) => runtime.fetch(url, init, connection) };
}
