/** From an Apprise URL to a channel's configuration, so that whoever comes from Apprise moves by copying URLs. Pure. */

import { emailChannel } from "./email.ts";
import { gotifyChannel } from "./gotify.ts";
import { jsonChannel } from "./json.ts";
import { matrixChannel } from "./matrix.ts";
import { ntfyChannel } from "./ntfy.ts";
import { telegramChannel } from "./telegram.ts";
import { AppriseUrl } from "./url.ts";

const TELEGRAM = "tgram";

const SCHEMAS: Readonly<Record<string, (url: AppriseUrl) => Record<string, unknown>>> = {
  matrix: matrixChannel,
  matrixs: matrixChannel,
  ntfy: ntfyChannel,
  ntfys: ntfyChannel,
  gotify: gotifyChannel,
  gotifys: gotifyChannel,
  mailto: emailChannel,
  mailtos: emailChannel,
  json: jsonChannel,
  jsons: jsonChannel,
};

/** What the URLs that can be taken over begin with, before `://`. */
export const APPRISE_SCHEMAS: readonly string[] = [...Object.keys(SCHEMAS), TELEGRAM];

/**
 * Reads an Apprise URL.
 *
 * @param path where it stands in the configuration, for errors
 * @returns the channel as an object of the configuration, with its `kind`
 * @throws {ConfigError} that names the part of the URL that cannot be taken over, and shows none of it
 */
export function appriseChannel(text: string, path: string): Record<string, unknown> {
  if (text.trim().toLowerCase().startsWith(`${TELEGRAM}://`)) return telegramChannel(text, path);
  const url = new AppriseUrl(text, path);
  if (Object.hasOwn(SCHEMAS, url.schema)) return SCHEMAS[url.schema](url);
  throw url.error(
    `there is no kind of channel for ${url.schema}://`,
    `known: ${APPRISE_SCHEMAS.join(", ")}`,
  );
}
