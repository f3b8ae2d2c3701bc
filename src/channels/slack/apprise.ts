/** Converts the Apprise URL `slack://tokenA/tokenB/tokenC` to a channel. */

import type { AppriseUrl } from "../apprise_url.ts";

/**
 * Converts the URL. The three tokens form the path of the webhook. The webhook determines the
 * conversation and the name of the sender.
 */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const tokens = [url.host, ...url.entries];
  if (url.user !== undefined) {
    throw url.error("it contains the name of a bot, which a webhook does not support", "remove the name");
  }
  url.end(["footer", "timestamp"]);
  if (tokens.length !== 3 || tokens.some((token) => !/^[A-Za-z0-9]+$/.test(token))) {
    throw url.error(
      "it does not contain three tokens",
      "write it as slack://tokenA/tokenB/tokenC, without a conversation",
    );
  }
  return { kind: "slack", url: `https://hooks.slack.com/services/${tokens.join("/")}` };
}
