/**
 * Proxies, as the environment names them for curl and others: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not. `fetch` reads
 * them too, but passes over what it does not understand, and so would go around a proxy that is mistyped, and through one where `NO_PROXY` says
 * no in capitals, with a port or with a star.
 *
 * @module
 */

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

/** What the environment says of a URL: the variable that names its proxy, and the value. Capitals go first. */
export function proxyVariable(url: URL, env: Env): { readonly name: string; readonly value: string } | undefined {
  const names = [url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY", "ALL_PROXY"];
  for (const name of names.flatMap((name) => [name, name.toLowerCase()])) {
    const value = env(name)?.trim();
    if (value) return { name, value };
  }
}

/**
 * Whether `NO_PROXY` says that a URL is reached directly. Entries stand between commas or blanks: `*` for all, a domain for itself and what is below
 * it (with a dot or `*.` before it or not), an IP address, a network such as `10.0.0.0/8`; each with `:port` or without.
 */
export function isExempt(url: URL, env: Env): boolean {
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const entries = (env("NO_PROXY") || env("no_proxy") || "").toLowerCase().split(/[\s,]+/).filter((entry) =>
    entry !== ""
  );
  return entries.some((entry) => {
    if (bitsOf(entry) !== undefined) return covers(entry, host);
    const [, pattern, wanted = port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    return wanted === port && covers(pattern.replace(/^\[|\]$/g, ""), host);
  });
}

function covers(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  const own = bitsOf(host);
  const network = parseNetwork(pattern);
  if (own || network) return own !== undefined && own.length === network?.length && own.startsWith(network.prefix);
  const domain = pattern.replace(/^\*?\./, "").replace(/\.$/, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}
/** The leading bits that all addresses of a network have, and how long its addresses are. */
function parseNetwork(text: string): { readonly prefix: string; readonly length: number } | undefined {
  const [address, length, ...rest] = text.split("/");
  const bits = bitsOf(address);
  if (bits === undefined || rest.length > 0) return undefined;
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > bits.length)) return undefined;
  return { prefix: bits.slice(0, length === undefined ? undefined : Number(length)), length: bits.length };
}

/** The bits of an address in text, 32 or 128 of them: the URL parser knows how addresses are written. */
function bitsOf(text: string): string | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    return text.split(".").map((byte) => Number(byte).toString(2).padStart(8, "0")).join("");
  }
  if (!text.includes(":")) return undefined;
  const written = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
  if (written === undefined) return undefined;
  const [left, right] = written.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = Array.from({ length: 8 - left.length - (right?.length ?? 0) }, () => "0");
  return [...left, ...(right === undefined ? [] : zeros), ...right ?? []]
    .map((group) => parseInt(group, 16).toString(2).padStart(16, "0")).join("");
}
