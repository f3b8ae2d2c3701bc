/** `slack://tokenA/tokenB/tokenC` */

import type { AppriseUrl } from "../apprise_url.ts";

/**
 * The three tokens are the path of the webhook. Slack posts to the conversation of the webhook,
 * under the name of the app.
 */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const tokens = [url.host, ...url.entries];
  if (url.user !== undefined) {
    throw url.error("it has the name of a bot, which a webhook cannot change", "leave it out");
  }
  url.end(["footer", "timestamp"]);
  if (tokens.length !== 3 || tokens.some((token) => !/^[A-Za-z0-9]+$/.test(token))) {
    throw url.error(
      "it does not have three tokens",
      "write it as slack://tokenA/tokenB/tokenC, without a conversation",
    );
  }
  return { kind: "slack", url: `https://hooks.slack.com/services/${tokens.join("/")}` };
}
