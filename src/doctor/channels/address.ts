/** How a channel reaches its server: what all kinds that speak HTTP have in common. */

import { parseProxy } from "../../runtime/address.ts";
import type { Connection } from "../../runtime/http_clients.ts";
import { formatDuration } from "../../base/duration.ts";
import type { HttpAnswer } from "../../runtime/http.ts";
import { isExempt, proxyVariable } from "../../runtime/proxy.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { failure, type Found, ok, warning } from "../finding.ts";

/** From here on a clock is worth a word; certificates, and the times in messages, bear a little. */
const WARN_SKEW_MS = 60_000;

/** From here on certificates and what expires are judged wrongly. */
const FAIL_SKEW_MS = 3_600_000;

/** `https://matrix.example.org answers, through the proxy proxy.example.org:3128`. */
export function describeWay(url: string, connection: Connection | undefined, env: Runtime["env"]): string {
  const credentials = connection?.read();
  const proxy = isExempt(new URL(url), env) ? undefined : credentials?.proxy ?? fromEnvironment(new URL(url), env);
  const ways = [
    proxy && `through the proxy ${proxy.host}`,
    credentials?.caCerts && "with authorities of its own",
    credentials?.cert && "with a client certificate",
  ];
  return [`${url} answers`, ...ways.filter((way) => way !== undefined)].join(", ");
}

function fromEnvironment(url: URL, env: Runtime["env"]): URL | undefined {
  const address = parseProxy(proxyVariable(url, env)?.value ?? "");
  return "url" in address ? address.url : undefined;
}

/** Compares our clock with the `Date` of an answer (RFC 9110, section 6.6.1); it has whole seconds. */
export function judgeSkew({ headers }: Pick<HttpAnswer, "headers">, now: number): Found {
  const date = Date.parse(headers.get("Date") ?? "");
  if (Number.isNaN(date)) return ok("the server does not tell its time");
  const skew = now - date;
  if (Math.abs(skew) < WARN_SKEW_MS) return ok("within a minute of the server's");
  const message = `the clock of this host is ${formatDuration(Math.abs(skew))} ${
    skew > 0 ? "ahead of" : "behind"
  } the server's`;
  const hint = "keep it right by NTP; else the server's clock is wrong";
  return Math.abs(skew) >= FAIL_SKEW_MS ? failure(message, hint) : warning(message, hint);
}
