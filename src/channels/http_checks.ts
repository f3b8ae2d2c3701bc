/** Checks of every channel that speaks HTTP: the connection and the clock. */

import { formatDuration } from "../base/duration.ts";
import { USER_AGENT } from "../base/version.ts";
import { parseProxy } from "../runtime/address.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "../runtime/http.ts";
import { isExempt, proxyVariable } from "../runtime/proxy.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Check, type CheckContext, failure, type Found, ok, once, warning } from "./check.ts";

/** A request to the server of a channel. */
export interface ProbeRequest extends Pick<HttpRequest, "headers" | "body"> {
  /** @default {"GET"} */
  readonly method?: HttpRequest["method"];
  /** Path and query. */
  readonly path: string;
}

/** A request that any server answers and that does nothing. */
export const HEAD_ROOT: ProbeRequest = { method: "HEAD", path: "/" };

/** The server of a channel, and the checks that every server gets. */
export interface HttpProbe {
  /** The address of the server, without a trailing slash. */
  readonly server: string;
  /** The answer to the first request. */
  readonly firstAnswer: () => Promise<HttpAnswer>;
  /** `connection` and `clock`. */
  readonly checks: readonly Check[];
  /**
   * Sends a request.
   *
   * @throws {TransportError | NotTheServiceError} like every exchange
   */
  ask(request: ProbeRequest): Promise<HttpAnswer>;
}

/**
 * Probes the server of a channel.
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

/** The checks `connection` and `clock`, from the first answer of a server. */
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

/** `through the proxy proxy.example.org:3128`, `with a client certificate`. */
function describeConnection(url: string, connection: CheckContext["connection"], env: Runtime["env"]): string[] {
  const credentials = connection?.read();
  const proxy = isExempt(new URL(url), env) ? undefined : credentials?.proxy ?? environmentProxy(new URL(url), env);
  return [
    ...proxy === undefined ? [] : [`through the proxy ${proxy.host}`],
    ...credentials?.caCerts ? ["with authorities of its own"] : [],
    ...credentials?.cert ? ["with a client certificate"] : [],
  ];
}

function environmentProxy(url: URL, env: Runtime["env"]): URL | undefined {
  const address = parseProxy(proxyVariable(url, env)?.value ?? "");
  return "url" in address ? address.url : undefined;
}

/** From here on a wrong clock is a warning: the times in messages are wrong. */
const WARN_SKEW_MS = 60_000;

/** From here on a wrong clock is a failure: certificates and expiry times are judged wrongly. */
const FAIL_SKEW_MS = 3_600_000;

/**
 * Compares our clock with the `Date` of an answer (RFC 9110, section 6.6.1), which has whole
 * seconds.
 */
function compareClocks({ headers }: Pick<HttpAnswer, "headers">, now: number): Found {
  const date = Date.parse(headers.get("Date") ?? "");
  if (Number.isNaN(date)) return ok("the server does not send its time");
  const skew = now - date;
  if (Math.abs(skew) < WARN_SKEW_MS) return ok("within a minute of the server's");
  const direction = skew > 0 ? "ahead of" : "behind";
  const message = `the clock of this host is ${formatDuration(Math.abs(skew))} ${direction} the server's`;
  const hint = "synchronize it by NTP; or the clock of the server is wrong";
  return Math.abs(skew) >= FAIL_SKEW_MS ? failure(message, hint) : warning(message, hint);
}
