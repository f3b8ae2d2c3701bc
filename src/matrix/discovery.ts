/**
 * From a user id to its homeserver (Client-Server API, "Well-known URIs"): the domain says in `/.well-known/matrix/client` where its homeserver is; a domain
 * that says nothing is the homeserver itself. Whatever is found must answer `/_matrix/client/versions`.
 *
 * @module
 */

import { isLoopback, parseServer } from "../runtime/address.ts";
import { DiscoveryError, TransportError } from "../base/errors.ts";
import { exchange, type HttpRuntime } from "../runtime/http.ts";
import { parseJsonObject } from "../base/fields.ts";
import { parseUserId } from "./ids.ts";
import { request } from "./request.ts";

/** Where a domain says which homeserver is its own. */
const WELL_KNOWN = "/.well-known/matrix/client";

/** Longer chains of redirects lead nowhere. */
const MAX_REDIRECTS = 5;

/** How to look. */
export interface DiscoveryOptions {
  /** Permits a homeserver with plain http on another host. @default {false} */
  readonly insecureHttp?: boolean;
  readonly userAgent: string;
  /** For each request, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A homeserver that answers. */
export interface Homeserver {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** The versions of the specification that it speaks: `v1.15`. */
  readonly versions: readonly string[];
  /** What was looked at, in order, a sentence each. */
  readonly tried: readonly string[];
}

/**
 * Finds the homeserver of a user or of a domain.
 *
 * @param name a user id (`@bot:example.org`, cut at its first colon) or a server name
 * @throws {DiscoveryError} that says what was tried, and what to do
 */
export async function discoverHomeserver(
  runtime: HttpRuntime,
  name: string,
  options: DiscoveryOptions,
): Promise<Homeserver> {
  const serverName = name.startsWith("@") ? parseUserId(name)?.serverName : name;
  const origin = serverName === undefined ? undefined : originOf(serverName);
  if (origin === undefined) {
    throw new DiscoveryError(`Cannot find the homeserver of ${name}: it names no server`, [], {
      hint: "write the user id whole, as @bot:example.org",
    });
  }
  const search: Search = { runtime, what: `find the homeserver of ${serverName}`, tried: [], options };
  const told = await askWellKnown(search, origin);
  return await verify(search, told ?? origin);
}

/**
 * Makes sure that a homeserver answers at an address that a person named.
 *
 * @param baseUrl without a trailing slash
 * @throws {DiscoveryError} when none does
 */
export async function verifyHomeserver(
  runtime: HttpRuntime,
  baseUrl: string,
  options: DiscoveryOptions,
): Promise<Homeserver> {
  return await verify({ runtime, what: `use the homeserver ${baseUrl}`, tried: [], options }, baseUrl);
}

interface Search {
  readonly runtime: HttpRuntime;
  /** What is done, for errors. */
  readonly what: string;
  readonly tried: string[];
  readonly options: DiscoveryOptions;
}

function originOf(serverName: string): string | undefined {
  const url = URL.parse(`https://${serverName}`);
  if (url === null || url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") {
    return undefined;
  }
  return isLoopback(url.hostname) ? `http://${url.host}` : url.origin;
}

/** @returns the base_url; undefined when the domain says nothing */
async function askWellKnown(search: Search, origin: string): Promise<string | undefined> {
  const url = origin + WELL_KNOWN;
  const { status, text, kind } = await follow(search, url);
  if (status === 404) {
    search.tried.push(`${url}: there is none (404)`);
    return undefined;
  }
  if (status !== 200) throw problem(search, url, `it answered ${status}`);
  const json = parseJsonObject(text);
  if (json === undefined) throw problem(search, url, text === "" ? "it is empty" : `it is ${kind} and no JSON object`);
  const homeserver = json["m.homeserver"];
  const baseUrl = typeof homeserver === "object" && homeserver !== null && "base_url" in homeserver
    ? homeserver.base_url
    : undefined;
  if (typeof baseUrl !== "string" || baseUrl === "") throw problem(search, url, "it holds no base_url");
  const address = parseServer(baseUrl, { insecureHttp: search.options.insecureHttp ?? false });
  if ("problem" in address) throw problem(search, url, `its base_url ${baseUrl} cannot be used: ${address.problem}`);
  search.tried.push(`${url}: it names ${address.baseUrl}`);
  return address.baseUrl;
}

interface Followed {
  readonly status: number;
  readonly text: string;
  readonly kind: string;
}

/** Static pages are often served by way of a redirect. Nothing secret goes along. */
async function follow(search: Search, first: string): Promise<Followed> {
  const { userAgent, timeoutMs, signal } = search.options;
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await exchange(search.runtime, {
      method: "GET",
      url,
      headers: { "User-Agent": userAgent },
      timeoutMs,
      signal,
    }).catch((error) => {
      if (signal?.aborted) throw signal.reason;
      throw problem(search, first, `there is no answer: ${textOf(error)}`, error);
    });
    const { status, headers, text } = answer;
    const target = status >= 300 && status < 400 ? URL.parse(headers.get("Location") ?? "", url) : null;
    if (target === null) return { status, text, kind: headers.get("Content-Type")?.split(";")[0] ?? "of no type" };
    if (target.protocol !== "https:" && !isLoopback(target.hostname)) {
      throw problem(search, first, `it leads to ${target.host} by ${target.protocol}//, which nobody can trust`);
    }
    url = target.href;
  }
  throw problem(search, first, `it leads from one address to the next, more than ${MAX_REDIRECTS} times`);
}

async function verify(search: Search, baseUrl: string): Promise<Homeserver> {
  const { runtime, tried, options } = search;
  const { userAgent, timeoutMs, signal } = options;
  const asked = { method: "GET", api: "/_matrix/client", path: ["versions"], timeoutMs, signal } as const;
  const { versions } = await request({ runtime, baseUrl, userAgent }, asked).catch((error) => {
    if (signal?.aborted) throw signal.reason;
    throw problem(search, baseUrl, textOf(error), error);
  });
  if (!Array.isArray(versions) || !versions.every((version) => typeof version === "string")) {
    throw problem(search, baseUrl, "it tells no versions, as a homeserver does");
  }
  return { baseUrl, versions, tried: [...tried, `${baseUrl}: it answers`] };
}

/** What mends it, before the way around it. */
function hintFor(cause: unknown): string {
  const hint = cause instanceof TransportError && cause.hint !== undefined ? `${cause.hint};` : "is the name right?";
  return `${hint} else name the homeserver itself: --homeserver https://matrix.example.org`;
}

function problem({ what, tried }: Search, url: string, state: string, cause?: unknown): DiscoveryError {
  const here = what.endsWith(url) ? state : `${url}: ${state}`;
  const message = `Cannot ${what}: ${[...tried, here].join("; ")}`;
  return new DiscoveryError(message, [...tried, `${url}: ${state}`], { hint: hintFor(cause), cause });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
