/**
 * Single sign-on: a browser logs in and comes back to a port of this host with a token that is good once. A browser elsewhere comes back to nothing; then a
 * person pastes the address that it shows.
 *
 * @module
 */

import type { Account } from "../accounts/account.ts";
import { signInWith } from "../accounts/sign_in.ts";
import { InterruptedError } from "../base/errors.ts";
import { ssoRedirectUrl } from "../matrix/login.ts";
import type { LoginContext } from "./command.ts";
import { readLine, unlessAborted } from "./prompt.ts";

const PAGE = "<!DOCTYPE html><title>matrix-notify</title><p>You can close this page and go back to the terminal.";

/** Logs in by way of a browser. */
export async function ssoLogin(
  { ui, runtime, signIn, offer: { homeserver: { baseUrl } } }: LoginContext,
): Promise<Account> {
  await using callback = waitForBrowser(`/${runtime.uuid()}`);
  ui.tell(
    "Open this address in a browser, and log in:",
    `  ${ssoRedirectUrl(baseUrl, callback.url)}`,
    "Is the browser on another computer? Paste the address that it ends at, or the loginToken in it, here:",
  );
  const token = await unlessAborted(Promise.race([callback.token, pastedToken(runtime.stdio)]), signIn.signal);
  return await signInWith(signIn, { type: "m.login.token", token }, { baseUrl });
}

interface Callback extends AsyncDisposable {
  /** Where the browser comes back to. */
  readonly url: string;
  readonly token: Promise<string>;
}

/** Listens on the loopback interface, at a path that nobody else knows. */
function waitForBrowser(path: string): Callback {
  const { promise: token, resolve } = Promise.withResolvers<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { pathname, searchParams } = new URL(url);
    const found = searchParams.get("loginToken");
    if (pathname !== path || !found) return new Response("Not found\n", { status: 404 });
    resolve(found);
    return new Response(PAGE, { headers: { "Content-Type": "text/html; charset=utf-8" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}${path}`,
    token,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The token as it is, or the address that holds it. Where there is nobody to paste, the browser is waited for. */
async function pastedToken(stdio: LoginContext["runtime"]["stdio"]): Promise<string> {
  if (!stdio.stdinIsTerminal()) return await new Promise<string>(() => {});
  const line = (await readLine(stdio))?.trim();
  if (line === undefined || line === "") throw new InterruptedError("Stopped: no token was given, nothing was changed");
  return URL.parse(line)?.searchParams.get("loginToken") ?? line;
}
