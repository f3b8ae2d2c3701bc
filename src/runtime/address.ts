/** Parses the addresses of servers and proxies. */

/** The base URL of a server, or the reason why its address cannot be used. */
export type ServerAddress = { readonly baseUrl: string } | { readonly problem: string; readonly hint?: string };

/** The maximum length of an address from a server, in characters. */
export const MAX_ADDRESS_CHARS = 2048;

/** The rules for an address. */
export interface ServerAddressOptions {
  /** True if plain http to hosts other than this machine is allowed. */
  readonly insecureHttp: boolean;
  /** True if the address may have a path. @default {false} */
  readonly mayHavePath?: boolean;
}

/**
 * Parses a server's address: `https://matrix.example.org`, or a host name. For a host name, https
 * is used. The address may have a port, but not a query. Plain http sends the token unencrypted, so
 * it is allowed only for this machine, or if `insecureHttp` is true.
 *
 * @returns `baseUrl` without a trailing slash
 */
export function parseServer(text: string, options: ServerAddressOptions): ServerAddress {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.parse(withScheme);
  if (url === null || url.hostname === "") {
    return { problem: "it is not an address such as https://host.example.org" };
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { problem: `it must begin with https://, not ${url.protocol}//` };
  }
  if (url.username !== "" || url.password !== "") return { problem: "it must not contain a user name or a password" };
  if (url.pathname !== "/" && !options.mayHavePath) {
    return { problem: "it must not have a path", hint: `use ${url.origin}` };
  }
  if (url.search !== "" || url.hash !== "") {
    return {
      problem: "it must not have a query or a fragment",
      hint: `use ${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    };
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !options.insecureHttp) {
    return {
      problem: "plain http would send the access token unencrypted",
      hint: "use https://, or --insecure-http (insecureHttp in the file) if you trust the network",
    };
  }
  return { baseUrl: url.origin + url.pathname.replace(/\/+$/, "") };
}

/** Returns host and port of a URL for Deno's option `--allow-net`, such as `example.org:443`. */
export function hostOf(url: string | URL): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (DEFAULT_PORTS[protocol] ?? 443)}`;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};

/** The URL of a proxy, or the reason why its address cannot be used. */
export type ProxyAddress = { readonly url: URL } | { readonly problem: string; readonly hint?: string };

/** Parses the address of a proxy. An address without a scheme gets `http://`. */
export function parseProxy(text: string): ProxyAddress {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === "") {
    return { problem: "it is not an address such as http://proxy.example.org:3128" };
  }
  if (!["http:", "https:", "socks5:", "socks5h:"].includes(url.protocol)) {
    return { problem: `it must begin with http://, https:// or socks5://, not ${url.protocol}//` };
  }
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "") {
    return { problem: "it must not have a path, a query or a fragment" };
  }
  return { url };
}

/**
 * Returns true if the host name means this machine. This includes the unspecified addresses
 * `0.0.0.0` and `[::]`, because Linux connects them to this machine.
 *
 * @param hostname the `hostname` of a URL
 */
export function isLoopback(hostname: string): boolean {
  return /^(.*\.)?localhost\.?$/.test(hostname) || /^(127|0)(\.\d{1,3}){3}$/.test(hostname) ||
    /^\[::(1|ffff:(7f[0-9a-f]{2}|0):[0-9a-f]{1,4})?\]$/.test(hostname);
}
