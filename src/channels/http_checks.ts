/** The checks of every channel that uses HTTP: the connection and the clock. */

import { formatDuration } from "../base/duration.ts";
import { USER_AGENT } from "../base/version.ts";
import { parseProxy } from "../runtime/address.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "../runtime/http.ts";
import { isExempt, proxyVariable } from "../runtime/proxy.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Check, type CheckContext, failure, type Found, ok, once, warning } from "./check.ts";

/** A request to the server of a channel. */
export interface ProbeRequest extends Pick<HttpRequest, "headers" | "body"> {
  /** The method. @default {"GET"} */
  readonly method?: HttpRequest["method"];
  /** The path and the query. */
  readonly path: string;
}

/** A request that every server answers and that has no effect. */
export const HEAD_ROOT: ProbeRequest = { method: "HEAD", path: "/" };

/** The server of a channel, and the checks that are the same for every server. */
export interface HttpProbe {
  /** The address of the server, without a trailing slash. */
  readonly server: string;
  /**
   * The first call sends a request and returns the answer. Later calls return the same answer
   * without another request.
   */
  readonly firstAnswer: () => Promise<HttpAnswer>;
  /** The checks `connection` and `clock`. */
  readonly checks: readonly Check[];
  /**
   * Sends a request.
   *
   * @throws {TransportError | NotTheServiceError} if the request fails
   */
  ask(request: ProbeRequest): Promise<HttpAnswer>;
}

/**
 * Prepares the requests and checks for the server of a channel.
 *
 * @param first a request that every server of this kind answers without credentials
 */
export function probeServer(context: CheckContext, server: string, first: ProbeRequest): HttpProbe {
  const { runtime, limits } = context;
  const ask = ({ method = "GET", path, headers, body }: ProbeRequest) =>
    exchange(runtime, {
      method,
      url: server + path,
      headers: { "User-Agent": USER_AGENT, ...headers },
      body,
      ...limits,
    });
  const firstAnswer = once(() => ask(first));
  return { server, ask, firstAnswer, checks: connectionChecks(context, () => server, firstAnswer) };
}

/** Creates the checks `connection` and `clock`, which use the first answer of a server. */
export function connectionChecks(
  { runtime, connection }: CheckContext,
  server: () => string,
  firstAnswer: () => Promise<HttpAnswer>,
): readonly Check[] {
  return [
    {
      name: "connection",
      async *look() {
        await firstAnswer();
        yield ok([`${server()} answers`, ...describeConnection(server(), connection, runtime.env)].join(", "));
      },
    },
    {
      name: "clock",
      needs: ["connection"],
      async *look() {
        yield compareClocks(await firstAnswer(), runtime.now());
      },
    },
  ];
}

/**
 * Returns a phrase for each special property of a connection, for example `through the proxy
 * proxy.example.org:3128` or `with a client certificate`.
 */
function describeConnection(url: string, connection: CheckContext["connection"], env: Runtime["env"]): string[] {
  const credentials = connection?.read();
  const proxy = isExempt(new URL(url), env) ? undefined : credentials?.proxy ?? environmentProxy(new URL(url), env);
  return [
    ...proxy === undefined ? [] : [`through the proxy ${proxy.host}`],
    ...credentials?.caCerts ? ["with the certificate authorities of the channel"] : [],
    ...credentials?.cert ? ["with a client certificate"] : [],
  ];
}

function environmentProxy(url: URL, env: Runtime["env"]): URL | undefined {
  const address = parseProxy(proxyVariable(url, env)?.value ?? "");
  return "url" in address ? address.url : undefined;
}

/**
 * The smallest difference between the clocks of this host and the server that causes a warning, in
 * milliseconds. With this difference, the times in messages are wrong.
 */
const WARN_SKEW_MS = 60_000;

/**
 * The smallest difference between the clocks that causes a failure, in milliseconds. With this
 * difference, valid certificates and tokens may seem to be expired.
 */
const FAIL_SKEW_MS = 3_600_000;

/**
 * Compares the clock of this host with the `Date` header of an answer (RFC 9110, section 6.6.1).
 */
function compareClocks({ headers }: Pick<HttpAnswer, "headers">, now: number): Found {
  const date = Date.parse(headers.get("Date") ?? "");
  if (Number.isNaN(date)) return ok("the server does not send its time");
  const skew = now - date;
  if (Math.abs(skew) < WARN_SKEW_MS) {
    return ok("the clock of this host differs from the server's clock by less than a minute");
  }
  const direction = skew > 0 ? "ahead of" : "behind";
  const message = `the clock of this host is ${formatDuration(Math.abs(skew))} ${direction} the server's clock`;
  const hint = "synchronize the clock of this host with NTP, or fix the clock of the server";
  return Math.abs(skew) >= FAIL_SKEW_MS ? failure(message, hint) : warning(message, hint);
}
