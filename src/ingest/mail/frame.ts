/**
 * Where a mail ends, and where its head ends and its body begins: what programs hand to sendmail is often no whole mail (RFC 5322). Pure.
 *
 * Nothing of it may get lost: what cannot be a head belongs to the body.
 *
 * @module
 */

/** A mail in its two parts. */
export interface FramedMail {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** One of these makes a head: without any, a line such as `Error: no space left` is a text with a colon in it. */
const KNOWN_HEADERS: ReadonlySet<string> = new Set([
  ...["subject", "from", "to", "cc", "bcc", "date", "sender", "reply-to", "message-id", "received", "return-path"],
  ...["mime-version", "content-type", "content-transfer-encoding", "auto-submitted", "importance", "x-priority"],
]);

/** RFC 5322, section 2.2: visible ASCII without the colon; sendmail takes blanks before it. */
const HEADER_REGEXP = /^([!-9;-~]+)[ \t]*:/;

/** A line with nothing but a dot. */
const DOT_REGEXP = /(?<=^|\n)\.\r?(?:\n|$)/;

/** The line that mailbox files begin a mail with. */
const MBOX_REGEXP = /^>?From [^\n]*\n/;

/**
 * Tells head and body apart.
 *
 * @param options.dotEnds whether a line with a lone dot ends the mail, as it does on a terminal
 */
export function frameMail(bytes: Uint8Array, options: { readonly dotEnds: boolean }): FramedMail {
  // A character a byte, so that places in the text are places in the bytes.
  const text = new TextDecoder("latin1").decode(bytes);
  const end = options.dotEnds ? DOT_REGEXP.exec(text)?.index ?? text.length : text.length;
  const start = MBOX_REGEXP.exec(text)?.[0].length ?? 0;
  const { headEnd, bodyStart } = scanHead(text, start, end);
  return { head: bytes.subarray(start, headEnd), body: bytes.subarray(bodyStart, end) };
}

/** The two with the empty line between them that a parser wants. */
export function joinMail({ head, body }: FramedMail): Uint8Array {
  const mail = new Uint8Array(head.length + 1 + body.length);
  mail.set(head);
  mail[head.length] = 0x0a;
  mail.set(body, head.length + 1);
  return mail;
}

function scanHead(text: string, start: number, end: number): { headEnd: number; bodyStart: number } {
  const names: string[] = [];
  let at = start;
  const lineEnd = () => Math.min(end, (text.indexOf("\n", at) + 1) || end);
  for (; at < end; at = lineEnd()) {
    const line = text.slice(at, lineEnd());
    const name = HEADER_REGEXP.exec(line)?.[1];
    if (name !== undefined) names.push(name.toLowerCase());
    else if (names.length === 0 || !/^[ \t]+\S/.test(line)) break;
  }
  if (!names.some((name) => KNOWN_HEADERS.has(name))) return { headEnd: start, bodyStart: start };
  const isSeparator = /^\s*$/.test(text.slice(at, lineEnd()));
  return { headEnd: at, bodyStart: isSeparator ? lineEnd() : at };
}
