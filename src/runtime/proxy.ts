/**
 * Reads the proxy settings from the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
 * `NO_PROXY`, in upper or lower case. curl also reads these variables. `fetch` reads them as well,
 * but ignores values that it does not understand. For example, if the address of the proxy has a
 * typing error, `fetch` connects without the proxy. If a host name in `NO_PROXY` has capitals, a
 * port or a `*`, `fetch` uses the proxy for this host.
 *
 * @module
 */

import { includesBits, parseBits, parseNetwork } from "./networks.ts";

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

/**
 * Finds the variable with the proxy for a URL. Returns the name and the value of the variable. If a
 * variable is set in upper and in lower case, the name in upper case is used. In a CGI program,
 * `HTTP_PROXY` is ignored, see {@linkcode isCgi}.
 */
export function proxyVariable(url: URL, env: Env): { readonly name: string; readonly value: string } | undefined {
  const names = [url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY", "ALL_PROXY"];
  for (const name of names.flatMap((name) => [name, name.toLowerCase()])) {
    if (name === "HTTP_PROXY" && isCgi(env)) continue;
    const value = env(name)?.trim();
    if (value) return { name, value };
  }
}

/**
 * Returns true if this process is a CGI program. In a CGI program, any client can set the variable
 * `HTTP_PROXY`, because a web server stores the request header `Proxy` in this variable (RFC 3875,
 * section 4.1.18; CVE-2016-5385).
 */
export function isCgi(env: Env): boolean {
  return env("REQUEST_METHOD") !== undefined;
}

/**
 * Returns true if `NO_PROXY` lists the host of a URL. Entries are separated by commas or blanks. An
 * entry is `*` (every host), a domain, an IP address, or a network such as `10.0.0.0/8`. A domain
 * includes its subdomains; a leading dot or `*.` is ignored. Each entry may have a `:port`.
 */
export function isExempt(url: URL, env: Env): boolean {
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const entries = (env("NO_PROXY") || env("no_proxy") || "").toLowerCase().split(/[\s,]+/).filter((entry) =>
    entry !== ""
  );
  return entries.some((entry) => {
    if (parseBits(entry) !== undefined) return covers(entry, host);
    const [, pattern, wanted = port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    return wanted === port && covers(pattern.replace(/^\[|\]$/g, ""), host);
  });
}

function covers(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  const own = parseBits(host);
  const network = parseNetwork(pattern);
  if (own || network) return own !== undefined && network !== undefined && includesBits(network, own);
  const domain = pattern.replace(/^\*?\./, "").replace(/\.$/, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}
