/** Converts the Apprise URLs `gotify://` and `gotifys://` to channels. */

import type { AppriseUrl } from "../apprise_url.ts";

/**
 * Converts the URL to the settings of a channel. The last part of the path in the URL is the token
 * of the application. The other parts are the path of the server.
 */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  url.end();
  const [token, ...path] = url.entries.toReversed();
  if (token === undefined) throw url.error("it does not contain a token", "write it as gotifys://host/TOKEN");
  const server = [url.server(url.schema === "gotifys"), ...path.toReversed()].join("/");
  return { kind: "gotify", server, token };
}
