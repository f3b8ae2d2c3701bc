/** `gotify://` and `gotifys://`. */

import type { AppriseUrl } from "./url.ts";

/** The application's token is the end of the path. */
export function gotifyChannel(url: AppriseUrl): Record<string, unknown> {
  url.end();
  const [token, ...path] = url.entries.toReversed();
  if (token === undefined) throw url.error("it has no token", "write it as gotifys://host/TOKEN");
  if (path.length > 0) throw url.error("it has a path before the token", "a channel's server has none");
  return { kind: "gotify", server: url.server(url.schema === "gotifys"), token };
}
