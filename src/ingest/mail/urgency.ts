/** How urgent a mail says it is. */

import type { Urgency } from "./mail.ts";

/**
 * Reads `X-Priority` (1 to 5), `Importance` and `Priority` (RFC 2156, sections 5.3.6 and 5.3.9). The most urgent word counts, since mail programs write
 * several of them.
 *
 * @param header gives a header's value by its name in lower case
 */
export function urgencyOf(header: (name: string) => string | undefined): Urgency {
  const word = (name: string) => header(name)?.trim().toLowerCase().split(/[\s(;]/)[0] ?? "";
  const level = word("x-priority"), importance = word("importance"), priority = word("priority");
  if (level === "1") return "highest";
  if (level === "2" || importance === "high" || priority === "urgent") return "high";
  if (level === "4" || level === "5" || importance === "low" || priority === "non-urgent") return "low";
  return "normal";
}
