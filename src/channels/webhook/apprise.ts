/** Converts the Apprise URLs `json://` and `jsons://` to channels. */

import type { AppriseUrl } from "../apprise_url.ts";

/**
 * The body that Apprise sends (Apprise documentation, "JSON HTTP Request Notifications"). Only the
 * value of `type` is different, because Apprise has other names for severities.
 */
const BODY = { version: "1.0", title: "{{subject}}", message: "{{message}}", attachments: [], type: "{{severity}}" };

/** Converts the URL to a webhook with the body of Apprise. */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const params = new URLSearchParams(url.options("-").map(([name, value]) => [name, value]));
  const headers = Object.fromEntries(url.options("+"));
  if (url.options(":").length > 0) {
    throw url.error(
      "fields that start with a colon (:name=value) are not supported",
      'write the channel as a webhook with "body"',
    );
  }
  const method = (url.option("method") ?? "POST").toUpperCase();
  url.end();
  const login = url.user === undefined ? {} : { Authorization: basic(url.user, url.password ?? "") };
  return {
    kind: "webhook",
    url: `${url.server(url.schema === "jsons")}${url.path || "/"}${params.size === 0 ? "" : `?${params}`}`,
    method,
    headers: { ...login, ...headers },
    body: BODY,
  };
}

function basic(user: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
}
