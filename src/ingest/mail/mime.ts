/**
 * Parses MIME (RFC 2045 to 2049, 2231) with a library. `read.ts` loads this file only when it is
 * needed.
 *
 * @module
 */

import PostalMime, { type Email } from "npm:postal-mime@4.0.0";
import { type Mail, parseUrgency } from "./mail.ts";

/**
 * Parses a mail.
 *
 * @throws {Error} if the parts of the mail are nested too deeply
 */
export async function parseMime(bytes: Uint8Array): Promise<Mail> {
  const email = await PostalMime.parse(bytes, { attachmentEncoding: "arraybuffer" });
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value;
  return {
    subject: email.subject,
    from: findWriter(email, header("from")),
    urgency: parseUrgency(header),
    text: email.text,
    html: email.html,
    attachments: email.attachments.map(({ filename, mimeType, content }) => ({
      name: filename ?? undefined,
      type: mimeType,
      content: typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content),
    })),
  };
}

/**
 * Finds the name of the sender. In `root (Cron Daemon)`, the name is in parentheses, which RFC 822
 * calls a comment. The library ignores comments, so this function reads the name from the comment.
 */
function findWriter({ from }: Email, header: string | undefined): string | undefined {
  const comment = /^[^\s<>"(]+\s+\(([^()]+)\)\s*$/.exec(header ?? "")?.[1];
  return comment || from?.name || from?.address || undefined;
}
