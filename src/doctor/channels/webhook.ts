/**
 * What is looked at of a webhook channel: whether its host is there. Nobody may ask its address itself, since many do something whatever the method is.
 *
 * @module
 */

import { urlField } from "../../channels/webhook/url.ts";
import type { ChannelSource } from "../../config/load.ts";
import type { Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { skipped } from "../finding.ts";
import { HTTP_CHECKS, HttpPatient, KNOCK } from "./http.ts";

/** A webhook channel that is looked at. */
export class WebhookPatient extends HttpPatient {
  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const url = urlField(source.fields, "url", source.context);
    super(source, context, { server: new URL(url.reveal()).origin, hello: KNOCK });
  }
}

/** The checks. */
export const WEBHOOK_CHECKS: readonly Check<WebhookPatient>[] = [
  ...HTTP_CHECKS,
  {
    name: "address",
    needs: ["connection"],
    *look() {
      yield skipped("not looked at: only a message can tell (doctor --send)");
    },
  },
];
