/**
 * Finds a homeserver and the name of its software (Client-Server API, "Well-known URIs"). The
 * document `/.well-known/matrix/client` of a domain contains the address of the homeserver. If the
 * domain does not have this document, matrix-notify tries the domain as the address of the
 * homeserver. An address counts as a homeserver only if it answers `/_matrix/client/versions`.
 *
 * The domain may be hostile. By default, a server on the internet cannot direct this program to
 * this machine or to a private network. A person must enter or configure the address of this
 * machine or of a private network. The option `insecureHttp` means that the network is trusted.
 * With this option, a server can also direct this program to a private network, but not to this
 * machine.
 *
 * @module
 */

import { hostOf, isLoopback, MAX_ADDRESS_CHARS, parseServer, type ServerAddress } from "../runtime/address.ts";
import { mayLeadTo, reachOf } from "../runtime/networks.ts";
import { ConfigError, DiscoveryError, NotTheServiceError, TransportError } from "../base/errors.ts";
import { exchange, type HttpRuntime, isWord, readMediaType } from "../runtime/http.ts";
import { isObject, parseJsonObject } from "../base/fields.ts";
import { MatrixError } from "./errors.ts";
import { parseHomeserverName, parseUserId } from "./ids.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

const WELL_KNOWN = "/.well-known/matrix/client";

/** The largest number of redirects that are followed for one page. */
const MAX_REDIRECTS = 5;

/**
 * Options of {@linkcode discoverHomeserver}. The timeout is for each request, not for the whole
 * search.
 */
export interface DiscoveryOptions extends RequestOptions {
  /** True if a homeserver on another host may use http without encryption. @default {false} */
  readonly insecureHttp?: boolean;
  /**
   * An address that a person has configured. If this address is in a private network, the
   * well-known document may name a host in a private network. If this address is on this machine,
   * the document may also name this machine.
   */
  readonly configuredUrl?: string;
  readonly userAgent: string;
}

/** A homeserver that has answered. */
export interface Homeserver {
  /** The address, without a trailing slash. */
  readonly baseUrl: string;
  /** The versions of the Matrix specification that the homeserver supports, such as `v1.15`. */
  readonly versions: readonly string[];
  /**
   * The addresses that were tried, in order. Each string contains an address and the result, such
   * as `https://example.org/.well-known/matrix/client: not found (404)`.
   */
  readonly tried: readonly string[];
  /** The hosts that were asked, as `host:port`. */
  readonly hosts: readonly string[];
}

/**
 * Finds the homeserver of a user or of a domain.
 *
 * @param name a user id such as `@bot:example.org`, or a server name
 * @throws {DiscoveryError} if the homeserver cannot be found. The error lists the tried addresses
 */
export async function discoverHomeserver(
  runtime: HttpRuntime,
  name: string,
  options: DiscoveryOptions,
): Promise<Homeserver> {
  const serverName = name.startsWith("@") ? parseUserId(name)?.serverName : name;
  const origin = serverName === undefined ? undefined : toOrigin(serverName);
  if (origin === undefined) {
    throw new DiscoveryError(`Cannot find the homeserver of ${name}: this name does not contain a server name`, [], {
      hint: "write the whole user id: @bot:example.org",
    });
  }
  const search: Search = {
    runtime,
    task: `find the homeserver of ${serverName}`,
    tried: [],
    hosts: new Set(),
    options,
  };
  return await verify(search, await readWellKnown(search, origin) ?? origin);
}

/**
 * Checks that a homeserver answers at an address that a person entered.
 *
 * @param baseUrl the address, without a trailing slash
 * @throws {DiscoveryError} if a homeserver does not answer at this address
 */
export async function verifyHomeserver(
  runtime: HttpRuntime,
  baseUrl: string,
  options: DiscoveryOptions,
): Promise<Homeserver> {
  return await verify(
    { runtime, task: `use the homeserver ${baseUrl}`, tried: [], hosts: new Set(), options },
    baseUrl,
  );
}

/**
 * Parses the address of a homeserver. The address may have a path (`https://example.org/matrix`),
 * but must not contain the path of an endpoint (`/_matrix/…`).
 *
 * @returns `baseUrl` without a trailing slash
 */
export function parseHomeserver(text: string, options: { readonly insecureHttp: boolean }): ServerAddress {
  const address = parseServer(text, { ...options, mayHavePath: true });
  const [base, endpoint] = "baseUrl" in address ? address.baseUrl.split("/_matrix") : [];
  return endpoint === undefined ? address : { problem: "it must not contain /_matrix", hint: `use ${base}` };
}

/**
 * Finds the homeserver that a person entered: an address, a server name or a user id. If the
 * well-known document of a server name cannot be used, this function tries the server name as the
 * address of the homeserver.
 *
 * @param text `https://example.org/matrix`, `example.org` or `@bot:example.org`
 * @throws {DiscoveryError} if the homeserver cannot be found
 * @throws {ConfigError} if the text is not valid
 */
export async function resolveHomeserver(
  runtime: HttpRuntime,
  text: string,
  options: DiscoveryOptions,
): Promise<Homeserver> {
  const { insecureHttp = false, signal } = options;
  const serverName = parseHomeserverName(text);
  if (serverName === undefined) {
    const address = parseHomeserver(text, { insecureHttp });
    if ("baseUrl" in address) return await verifyHomeserver(runtime, address.baseUrl, options);
    throw new ConfigError(`Cannot use homeserver ${text}: ${address.problem}`, { hint: address.hint });
  }
  try {
    return await discoverHomeserver(runtime, serverName, options);
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    return await verifyHomeserver(runtime, toOrigin(serverName) ?? "", options).catch(() => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

interface Search {
  readonly runtime: HttpRuntime;
  /** The words after "Cannot" in error messages, such as `find the homeserver of example.org`. */
  readonly task: string;
  readonly tried: string[];
  /** The hosts that were asked, as `host:port`. */
  readonly hosts: Set<string>;
  readonly options: DiscoveryOptions;
}

function toOrigin(serverName: string): string | undefined {
  const url = URL.parse(`https://${serverName}`);
  if (url === null || url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") {
    return undefined;
  }
  return isLoopback(url.hostname) ? `http://${url.host}` : url.origin;
}

/**
 * Reads the well-known document.
 *
 * @returns the base_url in the document; undefined if the domain does not have the document
 */
async function readWellKnown(search: Search, origin: string): Promise<string | undefined> {
  const url = origin + WELL_KNOWN;
  const { status, text, type } = await follow(search, url);
  if (status === 404) {
    search.tried.push(`${url}: not found (404)`);
    return undefined;
  }
  if (status !== 200) throw createError(search, url, `it answered ${status}`);
  const json = parseJsonObject(text);
  if (json === undefined) {
    throw createError(search, url, text === "" ? "it is empty" : `it is ${type}, not a JSON object`);
  }
  const homeserver = json["m.homeserver"];
  const baseUrl = isObject(homeserver) ? homeserver.base_url : undefined;
  if (typeof baseUrl !== "string" || baseUrl === "" || baseUrl.length > MAX_ADDRESS_CHARS) {
    throw createError(search, url, "it has no base_url");
  }
  const address = parseHomeserver(baseUrl, { insecureHttp: search.options.insecureHttp ?? false });
  if ("problem" in address) {
    throw createError(search, url, `its base_url ${baseUrl} cannot be used: ${address.problem}`);
  }
  const problem = findLeadProblem(search, origin, address.baseUrl);
  if (problem !== undefined) throw createError(search, url, `its base_url ${baseUrl} cannot be used: ${problem}`);
  search.tried.push(`${url}: it points to ${address.baseUrl}`);
  return address.baseUrl;
}

/**
 * Checks whether a server may direct this program to another address. Returns the reason for a
 * refusal, or undefined if the address is permitted.
 */
function findLeadProblem({ options }: Search, from: string, to: string): string | undefined {
  const { hostname } = new URL(to);
  if ([from, options.configuredUrl ?? from].some((url) => mayLeadTo(new URL(url).hostname, hostname))) return undefined;
  if (reachOf(hostname) === "loopback") return "it is an address of this machine";
  return options.insecureHttp ? undefined : "it is an address of a private network";
}

interface Page {
  readonly status: number;
  readonly text: string;
  readonly type: string;
}

/**
 * Requests a page, and follows redirects. Redirects are safe here, because the requests do not
 * contain secrets.
 */
async function follow(search: Search, first: string): Promise<Page> {
  const { userAgent, timeoutMs, signal } = search.options;
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    search.hosts.add(hostOf(url));
    const answer = await exchange(search.runtime, {
      method: "GET",
      url,
      headers: { "User-Agent": userAgent },
      timeoutMs,
      signal,
    }).catch((error) => {
      if (signal?.aborted) throw signal.reason;
      throw createError(search, first, `there is no answer: ${toText(error)}`, error);
    });
    const { status, headers, text } = answer;
    const target = status >= 300 && status < 400 ? URL.parse(headers.get("Location") ?? "", url) : null;
    if (target === null) return { status, text, type: readMediaType(headers) ?? "of unknown type" };
    if (target.href.length > MAX_ADDRESS_CHARS) throw createError(search, first, "it redirects to a very long address");
    if (target.protocol !== "https:" && !isLoopback(target.hostname)) {
      throw createError(search, first, `it redirects to ${target.host} with ${target.protocol}//, which is not secure`);
    }
    const problem = findLeadProblem(search, first, target.href);
    if (problem !== undefined) throw createError(search, first, `it redirects to ${target.host}: ${problem}`);
    url = target.href;
  }
  throw createError(search, first, `it redirects more than ${MAX_REDIRECTS} times`);
}

async function verify(search: Search, baseUrl: string): Promise<Homeserver> {
  const { runtime, tried, hosts, options } = search;
  hosts.add(hostOf(baseUrl));
  const { userAgent, timeoutMs, signal } = options;
  const details = { method: "GET", api: "/_matrix/client", path: ["versions"], timeoutMs, signal } as const;
  const { versions } = await request({ runtime, baseUrl, userAgent }, details).catch((error) => {
    if (signal?.aborted) throw signal.reason;
    throw createError(search, baseUrl, toText(error), error);
  });
  if (!Array.isArray(versions) || !versions.every(isWord)) {
    throw createError(search, baseUrl, "it does not list versions, so it is not a homeserver");
  }
  return { baseUrl, versions, tried: [...tried, `${baseUrl}: it answers`], hosts: [...hosts] };
}

function createError({ task, tried }: Search, url: string, state: string, cause?: unknown): DiscoveryError {
  const here = task.endsWith(url) ? state : `${url}: ${state}`;
  const message = `Cannot ${task}: ${[...tried, here].join("; ")}`;
  return new DiscoveryError(message, [...tried, `${url}: ${state}`], { hint: hintFor(cause), cause });
}

/** Returns a hint that names a way to fix the error, and a workaround. */
function hintFor(cause: unknown): string {
  const hint = cause instanceof TransportError && cause.hint !== undefined ? `${cause.hint};` : "check the name,";
  return `${hint} or give the address of the homeserver: --homeserver https://matrix.example.org`;
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Finds the name of the homeserver's software, such as `Synapse`. Many proxies do not forward
 * requests of the Server-Server API, and Synapse does not answer them if its federation resource is
 * turned off. Therefore Synapse is also recognized by its unstable features.
 *
 * @returns undefined if the software is unknown
 * @throws {TransportError} if the server did not answer
 */
export async function readServerSoftware(client: MatrixClient, options: RequestOptions): Promise<string | undefined> {
  const read = async (api: string, path: string) => {
    try {
      const details = { method: "GET", api, path: [path], ...options } as const;
      return await request({ ...client, credentials: undefined }, details);
    } catch (error) {
      if (error instanceof MatrixError || error instanceof NotTheServiceError) return {};
      throw error;
    }
  };
  // Server-Server API, "Retrieving server version".
  const { server } = await read("/_matrix/federation/v1", "version");
  if (isObject(server) && isWord(server.name)) return server.name;
  const { unstable_features: features } = await read("/_matrix/client", "versions");
  return isObject(features) && Object.hasOwn(features, SYNAPSE_FEATURE) ? "Synapse" : undefined;
}

/**
 * A feature that only Synapse lists under `unstable_features`, even if the feature is turned off
 * (synapse/rest/client/versions.py).
 */
const SYNAPSE_FEATURE = "io.element.e2ee_forced.public";
