/**
 * Reads a mail, however broken it is: what the library cannot read, and what comes while there is no library, is sent as it came.
 *
 * @module
 */

import { loadLate } from "../../base/late_modules.ts";
import { type FramedMail, frameMail, joinMail } from "./frame.ts";
import type { Mail, ParseMail } from "./mail.ts";

/** How to read. */
export interface ReadMailOptions {
  /** Whether a line with a lone dot ends the mail. */
  readonly dotEnds: boolean;
  /** Hears when the mail is not read as it should be. */
  readonly warn: (text: string) => void;
  /** Loads what reads MIME. @default the library's */
  readonly load?: () => Promise<ParseMail>;
}

/** Reads a mail. */
export async function readMail(bytes: Uint8Array, options: ReadMailOptions): Promise<Mail> {
  const framed = frameMail(bytes, options);
  let parse;
  try {
    parse = await (options.load ?? loadMime)();
  } catch {
    options.warn("Cannot read MIME: its library is not to be had; the mail is sent as it came");
    return asItCame(framed);
  }
  try {
    const mail = await parse(joinMail(framed));
    return isEmpty(mail) ? { ...mail, text: textOf(framed.body) } : mail;
  } catch {
    options.warn("Cannot read the mail's MIME: it is broken; the mail is sent as it came");
    return asItCame(framed);
  }
}

async function loadMime(): Promise<ParseMail> {
  return (await loadLate<typeof import("./mime.ts")>("ingest/mail/mime.ts")).parseMime;
}

/** A container of parts none of which can be found holds a text all the same. */
function isEmpty({ text = "", html = "", attachments }: Mail): boolean {
  return text.trim() === "" && html.trim() === "" && attachments.length === 0;
}

function asItCame({ head, body }: FramedMail): Mail {
  const [, subject] = /^Subject[ \t]*:([^\n]*(?:\n[ \t]+[^\n]+)*)/im.exec(textOf(head)) ?? [];
  return { subject, urgency: "normal", text: textOf(body), attachments: [] };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
