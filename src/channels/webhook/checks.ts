/**
 * The checks of a webhook channel. Only the host is checked, because many services act on every
 * request to the address.
 */

import { type Check, type CheckContext, skipped } from "../check.ts";
import { HEAD_ROOT, probeServer } from "../http_checks.ts";
import type { WebhookSettings } from "./settings.ts";

/** Creates the checks. */
export function createChecks(context: CheckContext, { url }: WebhookSettings): readonly Check[] {
  return [
    ...probeServer(context, new URL(url.reveal()).origin, HEAD_ROOT).checks,
    {
      name: "address",
      needs: ["connection"],
      *look() {
        yield skipped("not checked: only a message can test the address (doctor --send)");
      },
    },
  ];
}
