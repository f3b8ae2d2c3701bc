/**
 * Reads a mail, and decides which parts are text and which are attachments. Programs that call
 * sendmail often break the rules of RFC 5322 and MIME. Even then, the whole text is sent.
 *
 * @module
 */

import { codeToHtml } from "../../notification/render.ts";
import { decodeCharset } from "./charset.ts";
import { decodeWords } from "./headers.ts";
import { type Mail, type MailAttachment, parseUrgency } from "./mail.ts";
import { frameMail, parseMail, type Part } from "./parts.ts";

/**
 * Reads a mail. This function accepts every input. If a mail cannot be parsed, the whole mail is
 * returned as text.
 *
 * @param options.dotEnds true if a line that consists of a single dot ends the mail
 */
export function readMail(bytes: Uint8Array, options: { readonly dotEnds: boolean }): Mail {
  try {
    const framed = frameMail(bytes, options);
    const part = parseMail(framed);
    const { blocks, attachments } = collect(part);
    const mail = { ...readHeaders(part), ...joinBlocks(blocks), attachments };
    return isEmpty(mail) ? { ...mail, text: decodeCharset(framed.body) } : mail;
  } catch {
    // A mail must not be lost, even if, for example, a regular expression needs too much memory.
    return { urgency: "normal", text: decodeCharset(bytes), attachments: [] };
  }
}

/** Returns true if no text and no attachment was found. */
function isEmpty({ text = "", html = "", attachments }: Mail): boolean {
  return text.trim() === "" && html.trim() === "" && attachments.length === 0;
}

function readHeaders({ headers }: Part): Pick<Mail, "subject" | "from" | "urgency"> {
  const subject = headers.get("subject");
  return {
    subject: subject && decodeWords(subject),
    from: findWriter((headers.get("from") ?? "").slice(0, MAX_FROM_CHARS)),
    urgency: parseUrgency((name) => headers.get(name)),
  };
}

const MAX_FROM_CHARS = 10_000;

/**
 * Finds the name of the sender, or the address if there is no name. In `root (Cron Daemon)`, the
 * name is in parentheses, which RFC 822 calls a comment. The cron program cronie writes `"(Cron
 * Daemon)" <root>`.
 */
function findWriter(from: string): string | undefined {
  const [, quoted, plain, address] = /^(?:"((?:[^"\\]|\\.)*)"|([^<]*?))\s*<([^>]*)>/.exec(from) ?? [];
  const comment = /^[^\s<>"(]+\s+\(([^()]+)\)$/.exec(from)?.[1];
  const name = comment ?? quoted?.replace(/\\(.)/g, "$1") ?? plain;
  return (name && decodeWords(name).replace(/^\((.*)\)$/, "$1")) || address || from.split(",")[0].trim() || undefined;
}

/** A text of the mail, in plain text, HTML or both. */
interface Block {
  readonly text?: string;
  readonly html?: string;
}

interface Collected {
  readonly blocks: readonly Block[];
  readonly attachments: readonly MailAttachment[];
}

function collect(part: Part, parent?: Part): Collected {
  const { type, parts } = part;
  if (type.value === "message/rfc822" && parts.length > 0 && !isAttached(part, parent)) {
    const { blocks, attachments } = collect(parts[0]);
    return { blocks: [{ text: showHead(parts[0]) }, ...blocks], attachments };
  }
  if (type.value.startsWith("multipart/")) {
    const inner = parts.map((each) => collect(each, part));
    const attachments = inner.flatMap(({ attachments }) => attachments);
    if (type.value !== "multipart/alternative") return { blocks: inner.flatMap(({ blocks }) => blocks), attachments };
    return { blocks: mergeAlternatives(inner.map(({ blocks }) => joinBlocks(blocks))), attachments };
  }
  const text = readText(part, parent);
  if (text !== undefined) return { blocks: [type.value === "text/html" ? { html: text } : { text }], attachments: [] };
  const name = fileNameOf(part), charset = type.parameters.get("charset");
  return { blocks: [], attachments: [{ name, type: type.value, charset, content: part.body }] };
}

/**
 * Returns true if a mail inside a mail counts as an attachment. For example, a report of a failed
 * delivery contains the mail that was not delivered.
 */
function isAttached({ disposition }: Part, parent: Part | undefined): boolean {
  return disposition.value === "attachment" || parent?.type.value === "multipart/report";
}

function fileNameOf({ type, disposition }: Part): string | undefined {
  return disposition.parameters.get("filename") || type.parameters.get("name") || undefined;
}

function showHead({ headers }: Part): string {
  const lines = ["From", "Date", "Subject"].map((name) => [name, decodeWords(headers.get(name.toLowerCase()) ?? "")]);
  return lines.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}\n`).join("");
}

/** Returns the text of a part; undefined if the part is an attachment. */
function readText(part: Part, parent: Part | undefined): string | undefined {
  const { type, body } = part;
  if (!isTextPart(part, parent)) return undefined;
  const text = decodeCharset(body, type.parameters.get("charset"));
  const isFlowed = type.value === "text/plain" && type.parameters.get("format")?.toLowerCase() === "flowed" &&
    text.length <= MAX_FLOWED_CHARS;
  return isFlowed ? unflow(text, { deleteSpaces: type.parameters.get("delsp")?.toLowerCase() === "yes" }) : text;
}

function isTextPart(part: Part, parent: Part | undefined): boolean {
  const { type: { value: type }, disposition, body } = part;
  const hasName = fileNameOf(part) !== undefined;
  // Old versions of mailx send a text with unknown characters as `application/octet-stream`,
  // without a file name.
  if (type === "application/octet-stream") return parent === undefined && !hasName && isText(body);
  if (disposition.value === "attachment") return false;
  // If the mail has only one part, every type `text/…` counts as text, even with a file name.
  if (parent === undefined) return type.startsWith("text/");
  const isFile = hasName && parent.type.value === "multipart/mixed";
  return !isFile && (type === "text/plain" || type === "text/html");
}

function isText(bytes: Uint8Array): boolean {
  // deno-lint-ignore no-control-regex
  return !/[\x00-\x06\x0e-\x1a]/.test(new TextDecoder("latin1").decode(bytes));
}

/**
 * The maximum length of a text whose lines are joined. The lines of a longer text stay as they are.
 */
const MAX_FLOWED_CHARS = 1024 * 1024;

/**
 * Joins the lines of each paragraph of `format=flowed` (RFC 3676). A line that ends with a space
 * continues in the next line, if both lines begin with the same number of `>`. The line `-- `
 * before a signature is not changed.
 *
 * @param options.deleteSpaces true if the space at the end of a line is not part of the text
 * (DelSp)
 */
function unflow(text: string, options: { readonly deleteSpaces: boolean }): string {
  const paragraphs: { readonly quotes: string; text: string; isOpen: boolean }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, quotes, content] = /^(>*) ?([^]*)$/.exec(line) ?? ["", "", line];
    const isOpen = content.endsWith(" ") && content !== "-- ";
    const part = isOpen && options.deleteSpaces ? content.slice(0, -1) : content;
    const last = paragraphs.at(-1);
    if (last?.isOpen && last.quotes === quotes && content !== "-- ") {
      last.text += part;
      last.isOpen = isOpen;
    } else paragraphs.push({ quotes, text: part, isOpen });
  }
  return paragraphs.map(({ quotes, text }) => quotes === "" ? text : `${quotes} ${text}`.trimEnd()).join("\n");
}

/**
 * Merges the parts of a `multipart/alternative`, which contain the same text in several formats.
 */
function mergeAlternatives(blocks: readonly Block[]): Block[] {
  const join = (texts: readonly (string | undefined)[]) => texts.filter((each) => each !== undefined).join("\n");
  const [texts, htmls] = [blocks.filter(({ text }) => text?.trim()), blocks.filter(({ html }) => html?.trim())];
  return [{
    ...(texts.length > 0 ? { text: join(texts.map(({ text }) => text)) } : {}),
    ...(htmls.length > 0 ? { html: join(htmls.map(({ html }) => html)) } : {}),
  }];
}

/**
 * Joins the texts of a mail. The result has plain text if every text has plain text. The result has
 * HTML if at least one text has HTML; plain text is then converted to HTML.
 */
function joinBlocks(blocks: readonly Block[]): Block {
  const isPlain = blocks.every(({ text, html }) => text !== undefined || html === undefined);
  const isHtml = blocks.some(({ html }) => html !== undefined);
  return {
    ...(isPlain && blocks.length > 0 ? { text: blocks.map(({ text = "" }) => text).join("\n") } : {}),
    ...(isHtml ? { html: blocks.map(({ text = "", html }) => html ?? codeToHtml(text)).join("\n") } : {}),
  };
}
