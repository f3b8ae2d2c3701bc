/**
 * IP networks, and the reach of a host: this machine, a private network, or the internet. A server
 * on the internet must not lead this program to a host that the server cannot reach itself.
 *
 * @module
 */

import { isLoopback } from "./address.ts";

/**
 * Where a host is. `loopback`: on this machine. `private`: in a private network. `public`: on the
 * internet.
 */
export type Reach = "loopback" | "private" | "public";

/**
 * Returns true if a server may lead this program to another host, with a redirect or with an
 * address in a document. The reach of the other host must be the same or wider. Therefore a server
 * on the internet cannot choose this machine or a host of a private network.
 *
 * @param from the host name of the server
 * @param to the other host name
 */
export function mayLeadTo(from: string, to: string): boolean {
  const reaches: readonly Reach[] = ["loopback", "private", "public"];
  return reaches.indexOf(reachOf(to)) >= reaches.indexOf(reachOf(from));
}

/**
 * Returns the reach of a host.
 *
 * @param hostname the `hostname` of a parsed `URL`. Unusual forms of IP addresses do not occur: the
 * URL parser turns `0x7f.1` into `127.0.0.1`.
 */
export function reachOf(hostname: string): Reach {
  const name = hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
  const bits = parseBits(name);
  if (bits === undefined) {
    if (isLoopback(hostname)) return "loopback";
    return !name.includes(".") || PRIVATE_DOMAINS.some((domain) => name.endsWith(`.${domain}`)) ? "private" : "public";
  }
  const reach = reachOfBits(bits);
  const [, start] = EMBEDDING_NETWORKS.find(([network]) => isInSome([network], bits)) ?? [];
  return reach === "public" && start !== undefined ? reachOfBits(bits.slice(start, start + 32)) : reach;
}

function reachOfBits(bits: string): Reach {
  if (isInSome(LOOPBACK_NETWORKS, bits)) return "loopback";
  return isInSome(PRIVATE_NETWORKS, bits) ? "private" : "public";
}

/** Returns true if an address, as bits, is in one of these networks. */
export function isInSome(networks: readonly string[], bits: string): boolean {
  return networks.map(parseNetwork).some((network) => network !== undefined && includesBits(network, bits));
}

/** Returns true if an address, as bits, is in a network. */
export function includesBits({ prefix, length }: Network, bits: string): boolean {
  return bits.length === length && bits.startsWith(prefix);
}

/** A network of IP addresses. */
export interface Network {
  /** The leading bits that all addresses of the network have in common. */
  readonly prefix: string;
  /** The length of an address, in bits. */
  readonly length: number;
}

/** Parses a network, such as `10.0.0.0/8`, or a single address. */
export function parseNetwork(text: string): Network | undefined {
  const [address, length, ...rest] = text.split("/");
  const bits = parseBits(address);
  if (bits === undefined || rest.length > 0) return undefined;
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > bits.length)) return undefined;
  return { prefix: bits.slice(0, length === undefined ? undefined : Number(length)), length: bits.length };
}

/** Returns an IP address as a text of 32 (IPv4) or 128 (IPv6) binary digits. */
export function parseBits(text: string): string | undefined {
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

/** This machine. Linux connects an unspecified address (`0.0.0.0`, `::`) to this machine. */
const LOOPBACK_NETWORKS: readonly string[] = ["127.0.0.0/8", "0.0.0.0/8", "::/127"];

/** The addresses at which a listener is reachable only from this machine. */
const LOCAL_LISTENERS: readonly string[] = ["127.0.0.0/8", "::1", "::ffff:127.0.0.0/104"];

/**
 * Returns true if only programs of this machine can reach a listener at this address. Returns false
 * for `0.0.0.0` and `::`, because other hosts can reach such a listener.
 *
 * @param host an IP address without brackets, or a host name
 */
export function isLocalListener(host: string): boolean {
  const bits = parseBits(host);
  return bits === undefined ? /^(.*\.)?localhost\.?$/i.test(host) : isInSome(LOCAL_LISTENERS, bits);
}

/**
 * Networks that are not the internet: private, shared, link-local, benchmark, multicast and
 * reserved (RFC 6890).
 */
const PRIVATE_NETWORKS: readonly string[] = [
  ...["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16"],
  ...["198.18.0.0/15", "224.0.0.0/3", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"],
];

/**
 * IPv6 networks whose addresses contain an IPv4 address: IPv4-compatible, IPv4-mapped, NAT64 and
 * 6to4 addresses. `start` is the position of the first bit of the IPv4 address.
 */
const EMBEDDING_NETWORKS: readonly (readonly [network: string, start: number])[] = [
  ...[["::/96", 96], ["::ffff:0:0/96", 96], ["64:ff9b::/96", 96], ["2002::/16", 16]] as const,
];

/** Top-level domains for private networks (RFC 6762, appendix G; RFC 8375). */
const PRIVATE_DOMAINS: readonly string[] = [
  ...["local", "intranet", "internal", "private", "corp", "home", "lan", "home.arpa", "localdomain"],
];

/** Returns true if a process of this host listens at a TCP port. */
export async function isListening({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  const hostname = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/** Returns false if no network interface of this host has this address or name. */
export function hasAddress(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) return false;
    // Without the permission to listen, the answer is unknown.
    if (error instanceof Deno.errors.NotCapable) return true;
    throw error;
  }
}
