/**
 * Login with a device code, against a real OAuth 2.0 server and a Synapse that delegates its logins
 * to it.
 */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { installOAuthServer, OAuthServer } from "../../scripts/synapse/oauth/server.ts";
import {
  type CliResult,
  runCli,
  StateFolder,
  type Synapse,
  type SynapseNeeds,
  synapseSuite,
  until,
} from "./harness.ts";

/** Short, so that a token expires within a test. Synapse accepts no token after that. */
const ACCESS_TOKEN_SECONDS = 8;

/** The OAuth 2.0 server that Synapse delegates to. */
class OAuth implements SynapseNeeds {
  #server: OAuthServer | undefined;

  readonly install = installOAuthServer;

  async open() {
    this.#server = await OAuthServer.start({ accessTokenSeconds: ACCESS_TOKEN_SECONDS });
    return { extraConfig: this.server.synapseConfig };
  }

  async started(synapse: Synapse) {
    await this.server.serve(synapse.url);
  }

  get server(): OAuthServer {
    if (this.#server === undefined) throw new Error("Cannot use the OAuth server: it is not open");
    return this.#server;
  }

  async [Symbol.asyncDispose]() {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

const oauth = new OAuth();
const synapseTest = await synapseSuite(oauth);
Deno.test.afterAll(() => oauth[Symbol.asyncDispose]());

/** Logs a user in with the command line, and confirms it in the browser. */
async function logIn(synapse: Synapse, userId: string, options: { readonly stateDir: string }): Promise<CliResult> {
  const prompt = Promise.withResolvers<string>();
  const watch = (stderr: string) => {
    const address = /^ {2}(http\S+user_code=\S+)$/m.exec(stderr)?.[1];
    if (address !== undefined) prompt.resolve(address);
  };
  const args = ["login", userId, "--homeserver", synapse.url, "--device-code"];
  const run = runCli(args, { ...options, watch }).then((result) => {
    prompt.reject(new Error(`Cannot confirm the login: it showed no address\n${result.stderr}`));
    return result;
  });
  const [, localpart] = /^@([^:]+):/.exec(userId) ?? [];
  const [result] = await Promise.all([run, prompt.promise.then((address) => oauth.server.confirm(address, localpart))]);
  return result;
}

interface Saved {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly deviceId: string;
  readonly oauth: { readonly tokenEndpoint: string; readonly clientId: string };
}

interface Devices {
  readonly devices: readonly { readonly device_id: string; readonly display_name: string }[];
}

async function saved(stateDir: string, userId: string): Promise<Saved> {
  return JSON.parse(await Deno.readTextFile(`${stateDir}/accounts/${encodeURIComponent(userId)}.json`));
}

synapseTest("login --device-code is followed by a delivered message, a refresh and a logout", async (synapse) => {
  await using state = await StateFolder.create();
  const userId = `@oauth-bot:${synapse.serverName}`, stateDir = state.path;
  const { code, stdout, stderr } = await logIn(synapse, userId, { stateDir });
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^logged in @oauth-bot:synapse\.test, device [0-9A-F]{16}, .* and is renewed\n$/);

  const first = await saved(stateDir, userId);
  const room = await synapse.request<{ readonly room_id: string }>("/_matrix/client/v3/createRoom", {
    user: first,
    body: { preset: "private_chat" },
  });
  const env = { MATRIX_USER: userId, MATRIX_ROOM: room.room_id };
  const send = async (subject: string) => {
    const result = await runCli(["send", subject, "Body"], { stateDir, env });
    assertEquals(result.code, 0, result.stderr);
    assertMatch(result.stdout, /^delivered \$/);
  };
  await send("Before");

  await until(() => isRejected(synapse, first), { what: "the access token to expire" });
  await send("After");
  const second = await saved(stateDir, userId);
  assertNotEquals(second.accessToken, first.accessToken);
  assertNotEquals(second.refreshToken, first.refreshToken);

  const { devices } = await synapse.request<Devices>("/_matrix/client/v3/devices", { user: second });
  assertEquals(devices.map(({ device_id }) => device_id), [first.deviceId]);
  assertMatch(devices[0].display_name, /^matrix-notify on /);
  const bodies = (await synapse.messages({ userId, password: "", ...second }, room.room_id)).map(({ content }) =>
    String(content.body)
  );
  assertEquals(bodies.map((body) => /Before|After/.exec(body)?.[0]), ["Before", "After"]);

  const out = await runCli(["logout"], { stateDir });
  assertEquals([out.code, out.stdout], [0, `logged out ${userId}\n`]);
  await until(() => isRejected(synapse, second), { what: "the revoked token to be refused" });
  const { tokenEndpoint, clientId } = second.oauth;
  const refused = await fetch(tokenEndpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: second.refreshToken,
      client_id: clientId,
    }),
  });
  assertEquals((await refused.json()).error, "invalid_grant");
});

/** Returns true if Synapse rejects the token, undefined while it accepts it. */
async function isRejected(synapse: Synapse, { accessToken }: Saved): Promise<true | undefined> {
  const answer = await fetch(`${synapse.url}/_matrix/client/v3/account/whoami`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const { soft_logout: softLogout } = await answer.json();
  if (answer.status !== 401) return undefined;
  assertEquals(softLogout, false);
  return true;
}
