/**
 * MIME (RFC 2045 to 2049, 2231), through a library. Only who takes in mail loads it, by the computed specifier in `read.ts`.
 *
 * @module
 */

import PostalMime, { type Email } from "npm:postal-mime@4.0.0";
import type { Mail } from "./mail.ts";
import { urgencyOf } from "./urgency.ts";

/**
 * Reads a mail.
 *
 * @throws when its parts are nested without end
 */
export async function parseMime(bytes: Uint8Array): Promise<Mail> {
  const email = await PostalMime.parse(bytes, { attachmentEncoding: "arraybuffer" });
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value;
  return {
    subject: email.subject,
    from: writerOf(email, header("from")),
    urgency: urgencyOf(header),
    text: email.text,
    html: email.html,
    attachments: email.attachments.map(({ filename, mimeType, content }) => ({
      name: filename ?? undefined,
      type: mimeType,
      content: typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content),
    })),
  };
}

/** `root (Cron Daemon)` has its name in a comment, as RFC 822 had it; the library leaves comments out. */
function writerOf({ from }: Email, header: string | undefined): string | undefined {
  const comment = /^[^\s<>"(]+\s+\(([^()]+)\)\s*$/.exec(header ?? "")?.[1];
  return comment || from?.name || from?.address || undefined;
}
