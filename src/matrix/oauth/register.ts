/** Making ourselves known to an authorization server (RFC 7591; Client-Server API 1.15, "Client registration"). */

import { DEVICE_CODE_GRANT } from "./metadata.ts";
import { ask, type OAuthClient, type OAuthOptions, unusable } from "./ask.ts";

/** Who we are. */
export interface RegisterOptions extends OAuthOptions {
  readonly registrationEndpoint: string;
  /** The name that people see when they confirm the login. */
  readonly clientName: string;
  /** A page about the program: https, the same for all who run it. */
  readonly clientUri: string;
}

const TASK = "register this program";

/**
 * Registers this program as a native, public client that logs in by device authorization: `POST` to the `registration_endpoint`. The specification asks
 * for a registration at the start of each login, and for the client_id to be kept with the session.
 *
 * @returns the client_id
 * @throws {OAuthError} when the server takes no such client
 */
export async function registerClient(client: OAuthClient, options: RegisterOptions): Promise<string> {
  const { registrationEndpoint: url, clientName, clientUri, timeoutMs, signal } = options;
  const answer = await ask(client, {
    task: TASK,
    url,
    json: {
      client_name: clientName,
      client_uri: clientUri,
      application_type: "native",
      grant_types: [DEVICE_CODE_GRANT, "refresh_token"],
      // The default is "code", which belongs to a grant that we do not use (RFC 7591, section 2.1).
      response_types: [],
      token_endpoint_auth_method: "none",
    },
    timeoutMs,
    signal,
  });
  const { client_id: clientId, token_endpoint_auth_method: method = "none", grant_types: grants } = answer;
  if (typeof clientId !== "string" || clientId === "") throw unusable(TASK, url, "holds no client_id");
  if (method !== "none") {
    throw unusable(TASK, url, `asks for the client authentication ${method}, which a public client has not`);
  }
  if (Array.isArray(grants) && !grants.includes(DEVICE_CODE_GRANT)) {
    throw unusable(TASK, url, "leaves out the device authorization grant");
  }
  return clientId;
}
