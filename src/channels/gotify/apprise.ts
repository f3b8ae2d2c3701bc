/** `gotify://` and `gotifys://`. */

import type { AppriseUrl } from "../apprise_url.ts";

/** The token of the application is the end of the path; the beginning is the path of the server. */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  url.end();
  const [token, ...path] = url.entries.toReversed();
  if (token === undefined) throw url.error("it has no token", "write it as gotifys://host/TOKEN");
  const server = [url.server(url.schema === "gotifys"), ...path.toReversed()].join("/");
  return { kind: "gotify", server, token };
}
