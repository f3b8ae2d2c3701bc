/**
 * The checks of a Slack channel: the host and the form of the address. A webhook cannot be tested
 * without a message.
 */

import { type Check, type CheckContext, failure, ok, skipped } from "../check.ts";
import { HEAD_ROOT, probeServer } from "../http_checks.ts";
import type { SlackSettings } from "./settings.ts";

/** The paths of incoming webhooks (`/services/T…/B…/…`), and of webhooks that start a workflow. */
const SLACK_PATH_REGEXP = /^\/(services(\/[A-Za-z0-9]+){3}|(workflows|triggers)\/.+)$/;

/** Creates the checks. */
export function createChecks(context: CheckContext, { url }: SlackSettings): readonly Check[] {
  const { origin, hostname, pathname } = new URL(url.reveal());
  return [
    ...probeServer(context, origin, HEAD_ROOT).checks,
    {
      name: "address",
      *look() {
        if (hostname === "hooks.slack.com" && !SLACK_PATH_REGEXP.test(pathname)) {
          yield failure(
            "the address is not the address of an incoming webhook",
            "copy the address from your Slack app: Features, Incoming Webhooks",
          );
        } else yield ok("the address has the form of an incoming webhook");
      },
    },
    {
      name: "webhook",
      needs: ["connection", "address"],
      *look() {
        yield skipped("not checked: only a message shows whether the webhook still exists (doctor --send)");
      },
    },
  ];
}
