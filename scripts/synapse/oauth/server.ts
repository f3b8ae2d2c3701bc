/**
 * The OAuth 2.0 server that a Synapse delegates its logins to: a process of its own, because its
 * library is made for Node.
 *
 * @module
 */

import { confirmLogin } from "./browser.ts";
import { OIDC_PROVIDER } from "./package.ts";
import { tail } from "../../std/command.ts";
import { inheritedConfig } from "../../std/argv.ts";
import type { ProviderSetting } from "./provider.ts";

/**
 * A server that takes longer hangs, or downloads its library over a connection that is too slow for
 * tests.
 */
const START_LIMIT_MS = 60_000;

/**
 * Loads the library once, which downloads it the first time.
 *
 * @throws {Error} if npm's registry cannot be reached and the library is not in Deno's cache
 */
export async function installOAuthServer(): Promise<void> {
  const code = `await import(${JSON.stringify(OIDC_PROVIDER)})`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", ...inheritedConfig(), code],
    stderr: "piped",
    stdout: "null",
  });
  const { success, stderr } = await child.output();
  if (success) return;
  const lastLines = tail(new TextDecoder().decode(stderr), 5);
  throw new Error(`Cannot load ${OIDC_PROVIDER}: is npm's registry reachable?\n${lastLines}`);
}

/** An OAuth 2.0 server on a free port of the loopback interface. */
export class OAuthServer implements AsyncDisposable {
  /** Its address, without a trailing slash. */
  readonly url: string;
  readonly #secret: string;
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<string>;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess, opened: Opened) {
    this.#child = child;
    this.url = opened.url;
    this.#secret = opened.secret;
    this.#stdin = opened.stdin;
    this.#log = opened.log;
  }

  /**
   * Starts a server.
   *
   * @throws {Error} if it does not start
   */
  static async start(options: Pick<ProviderSetting, "accessTokenSeconds">): Promise<OAuthServer> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", ...inheritedConfig(), "-A", new URL("./provider.ts", import.meta.url).pathname],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const log = new Response(child.stderr).text();
    const secret = crypto.randomUUID();
    const stdin = child.stdin.getWriter();
    await stdin.write(line(JSON.stringify({ ...options, secret })));
    const timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
    const url = await firstLine(child);
    clearTimeout(timer);
    if (url !== undefined) return new OAuthServer(child, { url, secret, stdin, log });
    await child.status;
    throw new Error(`Cannot start the OAuth server: it ended before it answered\n${tail(await log, 20)}`);
  }

  /** The keys of Synapse's configuration that delegate its logins to this server. */
  get synapseConfig(): Readonly<Record<string, unknown>> {
    return {
      matrix_authentication_service: { enabled: true, endpoint: `${this.url}/`, secret: this.#secret },
      enable_registration: false,
      password_config: { enabled: false },
    };
  }

  /**
   * Sets the homeserver on which this server creates users and devices. Without it there are no
   * tokens.
   */
  async serve(homeserver: string): Promise<void> {
    await this.#stdin.write(line(homeserver));
  }

  /** Confirms a login as a person would, in a browser. Each name and password is accepted. */
  async confirm(verificationUriComplete: string, localpart: string): Promise<void> {
    const page = await confirmLogin(verificationUriComplete, localpart);
    if (!page.includes("Sign-in Success")) throw new Error(`Cannot confirm the login: the last page says ${page}`);
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#log;
    await this.#stdin.abort().catch(() => {});
  }
}

interface Opened {
  readonly url: string;
  readonly secret: string;
  readonly stdin: WritableStreamDefaultWriter<Uint8Array>;
  /** Its standard error, until it ends. */
  readonly log: Promise<string>;
}

function line(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\n`);
}

/** Returns the first line that a process prints; undefined if it ends without output. */
async function firstLine(child: Deno.ChildProcess): Promise<string | undefined> {
  let text = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    text += value;
  }
  await reader.cancel();
  return text.split("\n")[0];
}
