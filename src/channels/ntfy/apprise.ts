/** Converts the Apprise URLs `ntfy://` and `ntfys://` to channels. */

import type { AppriseUrl } from "../apprise_url.ts";

const CLOUD = "https://ntfy.sh";

/** The beginning of an access token. */
const TOKEN_REGEXP = /^tk_/;

/**
 * Converts the URL to the settings of a channel. If the URL contains only one name, this name is a
 * topic of ntfy.sh. If it contains two names, they are the host and the topic.
 */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const targets = [...url.entries, ...url.list("to")];
  const isCloud =
    (url.option("mode") ?? (targets.length > 0 && url.host !== "ntfy.sh" ? "private" : "cloud")) === "cloud";
  const topics = isCloud && url.host !== "" && url.host !== "ntfy.sh" ? [url.host, ...targets] : targets;
  const login = loginOf(url);
  url.end();
  if (topics.length !== 1) {
    throw url.error(
      `it contains ${topics.length} topics`,
      "a channel has one topic: write a separate channel for each topic",
    );
  }
  return {
    kind: "ntfy",
    server: isCloud ? CLOUD : url.server(url.schema === "ntfys"),
    topic: topics[0],
    ...login,
  };
}

function loginOf(url: AppriseUrl): Record<string, string> {
  const { user, password } = url;
  const token = url.option("token");
  const only = password === undefined ? user : undefined;
  const auth = url.option("auth")?.toLowerCase() ?? (token ?? TOKEN_REGEXP.exec(only ?? "") ? "token" : "basic");
  if (auth === "token") {
    const value = token ?? password ?? user;
    if (value === undefined) throw url.error("the option auth needs a token, but the URL does not contain a token");
    return { token: value };
  }
  if (user === undefined && password !== undefined) throw url.error("it has a password without a user");
  if (user === undefined) return {};
  if (password === undefined) {
    throw url.error("it has a user without a password", "write user:password@, or a token as tk_…@");
  }
  return { user, password };
}
