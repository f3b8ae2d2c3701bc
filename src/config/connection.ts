/**
 * The settings that every channel which speaks HTTP has: `caFile`, `certFile` and `keyFile`, `proxy` or `proxyFile`.
 *
 * @module
 */

import { parseProxy } from "../runtime/address.ts";
import type { Connection } from "../runtime/http_clients.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ConfigError } from "../base/errors.ts";
import type { Fields } from "../base/fields.ts";
import { requireSecretFile } from "../base/secret.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/**
 * Takes the settings out of a channel's fields. The files are read later, at the moment of use.
 *
 * @returns undefined when there are none: then the channel takes the usual way
 * @throws {ConfigError} when a proxy is no address or holds a password, or a certificate has no key
 */
export function connectionOf(fields: Fields, name: string): Connection | undefined {
  const caFile = fields.text("caFile");
  const client = clientFilesOf(fields);
  const proxy = proxyOf(fields);
  if (caFile === undefined && client === undefined && proxy === undefined) return undefined;
  return {
    name,
    read: () => ({
      caCerts: caFile === undefined ? undefined : readCertificates(caFile, fields.nameOf("caFile")),
      cert: client && readCertificates(client.certFile, fields.nameOf("certFile")),
      key: client && readKey(client.keyFile, fields.nameOf("keyFile")),
      proxy: proxy?.(),
    }),
  };
}

function clientFilesOf(fields: Fields): { readonly certFile: string; readonly keyFile: string } | undefined {
  const certFile = fields.text("certFile");
  const keyFile = fields.text("keyFile");
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (keyFile === undefined) {
    throw fields.error("certFile", `${fields.nameOf("keyFile")} is not set`, "name its key there");
  }
  if (certFile === undefined) {
    throw fields.error("keyFile", `${fields.nameOf("certFile")} is not set`, "name its certificate there");
  }
  return { certFile, keyFile };
}

/** A password has no place in the configuration, which everybody may read. */
function proxyOf(fields: Fields): (() => URL) | undefined {
  const text = fields.text("proxy");
  const path = fields.text("proxyFile");
  if (text !== undefined && path !== undefined) {
    throw fields.error("proxyFile", `${fields.nameOf("proxy")} is set too`, "keep one of them");
  }
  if (path !== undefined) return () => readProxy(path, fields.nameOf("proxyFile"));
  if (text === undefined) return undefined;
  const address = parseProxy(text);
  if ("problem" in address) throw fields.error("proxy", address.problem, address.hint);
  if (address.url.username === "" && address.url.password === "") return () => address.url;
  throw fields.error(
    "proxy",
    "it holds a user name or a password",
    `write the whole address into a file that only you can read, and name it in ${fields.nameOf("proxyFile")}`,
  );
}

function readProxy(path: string, what: string): URL {
  const address = parseProxy(requireSecretFile(path, what).trim());
  if ("url" in address) return address.url;
  throw new ConfigError(`Cannot use ${what} ${path}: ${address.problem}`, { hint: address.hint });
}

function readCertificates(path: string, what: string): string {
  const text = readNamedFile(path, what);
  if (text.includes(CERTIFICATE)) return text;
  throw new ConfigError(`Cannot use ${what} ${path}: it holds no certificate in PEM form`, {
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
  throw new ConfigError(`Cannot use ${what} ${path}: it holds no key in PEM form`);
}

function readNamedFile(path: string, what: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new ConfigError(`Cannot use ${what} ${path}: ${state}`, { cause: error });
  }
}

/** A runtime whose requests go over the connection. */
export function withConnection<Some extends Pick<Runtime, "fetch">>(
  runtime: Some,
  connection: Connection | undefined,
): Some {
  if (connection === undefined) return runtime;
  return { ...runtime, fetch: (url, init) => runtime.fetch(url, init, connection) };
}
