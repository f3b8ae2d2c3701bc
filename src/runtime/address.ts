/** Addresses of servers and proxies. */

/** The base URL of a server, or why its address cannot be used. */
export type ServerAddress = { readonly baseUrl: string } | { readonly problem: string; readonly hint?: string };

/** What an address may contain. */
export interface ServerAddressOptions {
  /** Whether plain http to another host is allowed. */
  readonly insecureHttp: boolean;
  /** Whether the address may have a path. @default {false} */
  readonly mayHavePath?: boolean;
}

/**
 * Parses a server's address: `https://matrix.example.org`, or a host name, which means https. A
 * port is allowed, a query is not. Plain http sends the token unencrypted: it is allowed to this
 * host, and to others only by `insecureHttp`.
 *
 * @returns `baseUrl` without a trailing slash
 */
export function parseServer(text: string, options: ServerAddressOptions): ServerAddress {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.parse(withScheme);
  if (url === null || url.hostname === "") {
    return { problem: "it is not an address such as https://matrix.example.org" };
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { problem: `it must begin with https://, not ${url.protocol}//` };
  }
  if (url.username !== "" || url.password !== "") return { problem: "it must not hold a user name or a password" };
  if (url.pathname !== "/" && !options.mayHavePath) {
    return { problem: "it must have no path", hint: `use ${url.origin}` };
  }
  if (url.search !== "" || url.hash !== "") {
    return {
      problem: "it must have no query and no fragment",
      hint: `use ${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    };
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !options.insecureHttp) {
    return {
      problem: "plain http would send the access token in the clear",
      hint: "use https://, or --insecure-http (insecureHttp in the file) if the network in between is yours",
    };
  }
  return { baseUrl: url.origin + url.pathname.replace(/\/+$/, "") };
}

/** The environment variables that name proxies. curl reads them too. */
export const PROXY_VARIABLES: readonly string[] = [
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
  "ALL_PROXY",
  "all_proxy",
];

/** The URL of a proxy, or why its address cannot be used. */
export type ProxyAddress = { readonly url: URL } | { readonly problem: string; readonly hint?: string };

/** Parses a proxy's address. Without a scheme it means `http://`. */
export function parseProxy(text: string): ProxyAddress {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === "") {
    return { problem: "it is not an address such as http://proxy.example.org:3128" };
  }
  if (!["http:", "https:", "socks5:", "socks5h:"].includes(url.protocol)) {
    return { problem: `it must begin with http://, https:// or socks5://, not ${url.protocol}//` };
  }
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "") {
    return { problem: "it must have no path, no query and no fragment" };
  }
  return { url };
}

/** True if requests to this host stay on this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(hostname);
}
