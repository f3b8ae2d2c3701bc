/**
 * A real OAuth 2.0 server for a real homeserver, as a process of its own: npm's `oidc-provider`
 * with device authorization and dynamic registration. It also does what Synapse expects of an
 * authorization server (`matrix_authentication_service`): introspection with a shared secret, and
 * users and devices that exist before their tokens are used.
 *
 * It reads one line of JSON from standard input, {@linkcode ProviderSetting}, and prints its
 * address when it answers. Then it reads one line with the homeserver's address. It ends when
 * standard input ends.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import process from "node:process";
import { createInterface } from "node:readline";
import { OIDC_PROVIDER } from "./package.ts";

/** The first line of standard input. */
export interface ProviderSetting {
  /** The secret that Synapse and this server share. */
  readonly secret: string;
  /** The lifetime of access tokens, seconds. */
  readonly accessTokenSeconds: number;
}

/** The parts of oidc-provider's Koa context that are needed here. */
interface Context {
  readonly status: number;
  readonly body: unknown;
  readonly oidc?: {
    readonly route?: string;
    readonly params?: { readonly scope?: string };
    readonly entities: { readonly AccessToken?: Token };
  };
}

interface Token {
  readonly accountId: string;
  readonly clientId: string;
  readonly scope: string;
  readonly exp: number;
}

interface Provider {
  readonly AccessToken: { find(token: string): Promise<Token | undefined> };
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
}

const DEVICE = "urn:matrix:client:device:";
const HOUR = 3600;

/**
 * The resource of all tokens. The library accepts scopes that differ at each login only for a
 * resource.
 */
const RESOURCE = "urn:matrix:homeserver";

if (import.meta.main) await main();

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const setting: ProviderSetting = JSON.parse(await line(lines));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const provider = await createProvider(url, setting);
  const homeserver = line(lines);
  // The parent process keeps standard input open.
  homeserver.then(() => lines.next()).finally(() => Deno.exit());
  provider.use(async (context, next) => {
    await next();
    const token = context.oidc?.entities.AccessToken;
    if (context.oidc?.route === "token" && context.status === 200 && token) {
      await provision(await homeserver, setting.secret, token);
    }
  });
  const answer = provider.callback();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/oauth2/introspect") introspect(provider, setting.secret, request, response);
    else answer(request, response);
  });
  console.log(url);
}

async function line(lines: AsyncIterator<string>): Promise<string> {
  const { done, value } = await lines.next();
  if (!done) return value;
  throw new Error("Cannot continue: standard input has ended");
}

async function createProvider(url: string, setting: ProviderSetting): Promise<Provider> {
  const { Provider }: { readonly Provider: new (issuer: string, configuration: object) => Provider } = await import(
    OIDC_PROVIDER
  );
  const scopes = new Set(["urn:matrix:client:api:*"]);
  return new Provider(url, {
    discovery: { account_management_uri: `${url}/account` },
    scopes: [],
    responseTypes: ["code"],
    cookies: { keys: [crypto.randomUUID()] },
    ttl: {
      AccessToken: setting.accessTokenSeconds,
      DeviceCode: HOUR,
      Grant: HOUR,
      Interaction: HOUR,
      RefreshToken: HOUR,
      Session: HOUR,
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo({ oidc }: Context) {
          for (const scope of oidc?.params?.scope?.split(" ") ?? []) if (scope.startsWith(DEVICE)) scopes.add(scope);
          return { scope: [...scopes].join(" "), accessTokenFormat: "opaque" };
        },
      },
    },
  });
}

/** Answers what a token stands for, if the request has the secret (RFC 7662). */
async function introspect(
  provider: Provider,
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let form = "";
  for await (const chunk of request) form += chunk;
  if (request.headers.authorization !== `Bearer ${secret}`) {
    response.writeHead(401).end();
    return;
  }
  const token = await provider.AccessToken.find(new URLSearchParams(form).get("token") ?? "");
  const answer = token === undefined ? { active: false } : {
    active: true,
    scope: token.scope,
    username: token.accountId,
    client_id: token.clientId,
    expires_in: token.exp - Math.floor(Date.now() / 1000),
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

/** Creates the user and the device of a login on the homeserver. */
async function provision(homeserver: string, secret: string, { accountId, scope }: Token): Promise<void> {
  const device = scope.split(" ").find((token) => token.startsWith(DEVICE))?.slice(DEVICE.length);
  const calls = [
    ["provision_user", { localpart: accountId }],
    ["upsert_device", { localpart: accountId, device_id: device }],
  ] as const;
  for (const [name, body] of calls) {
    const answer = await fetch(`${homeserver}/_synapse/mas/${name}`, {
      method: "POST",
      headers: { "authorization": `Bearer ${secret}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Cannot provision ${accountId}: ${name} was answered ${answer.status} ${text}`);
  }
}
