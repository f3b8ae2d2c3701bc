/**
 * Turns the content of a Matrix event into a notification (Client-Server API, "m.room.message
 * msgtypes"). HTML is sent as HTML. A file that the client has uploaded becomes an attachment.
 *
 * @module
 */

import { isObject } from "../../../base/fields.ts";
import type { AttachmentInput, NotificationInput } from "../../../notification/notification.ts";
import { severitySymbol } from "../../../notification/title.ts";
import { splitSubject } from "../notify.ts";
import { isTrue, joinParts, listOf, propertyOf, severityOf, showFields, textAt, textOf } from "../values.ts";
import { splitHtml } from "./html_subject.ts";
import { SERVER_NAME } from "./rooms.ts";

/** Returns the path of an uploaded file; undefined if this server does not have the file. */
export type FindUpload = (mediaId: string) => string | undefined;

/** A message in an event. */
export interface EventMessage {
  readonly input: NotificationInput;
  /** The field `file` of the event, if the attachment is encrypted. It has the decryption key. */
  readonly encryptedFile?: unknown;
}

/** Reads the content of an event of the type `m.room.message`. Accepts every object. */
export function readContent(given: object, findUpload: FindUpload): EventMessage {
  const content = newContent(given);
  const msgtype = textAt(content, "msgtype");
  const problems: string[] = [];
  const file = readFile(content, { findUpload, problems });
  const severity = severityOf(textAt(content, "dev.matrix-notify.severity"));
  const { subject, message, format } = readText(content, file.name);
  const origin = textAt(content, "dev.matrix-notify.origin"), link = textAt(content, "external_url");
  const mentions = readMentions(propertyOf(content, "m.mentions"));
  const input: NotificationInput = {
    subject: severity === undefined ? subject : withoutSymbol(subject, severitySymbol({ severity, subject: "" })),
    message: joinParts(message, format === "html" ? asHtml(file.note) : file.note),
    ...format === undefined ? {} : { format },
    ...severity === undefined ? {} : { severity },
    ...origin === "" ? {} : { origin },
    ...link === "" ? {} : { link },
    ...msgtype === "m.notice" ? { silent: true } : {},
    ...mentions.length === 0 ? {} : { mentions },
    ...file.attachments.length === 0 ? {} : { attachments: file.attachments },
    ...problems.length === 0 ? {} : { problems },
  };
  const encryptedFile = propertyOf(content, "file");
  return encryptedFile === undefined || file.attachments.length === 0 ? { input } : { input, encryptedFile };
}

/**
 * Returns the new content of an edit. The text outside of `m.new_content` is for clients that
 * cannot show edits.
 */
function newContent(content: object): object {
  const edited = propertyOf(content, "m.new_content");
  return isObject(edited) ? edited : content;
}

type Text = Pick<NotificationInput, "subject" | "format"> & { readonly message: string };

/**
 * Reads the text of an event.
 *
 * @param fileName the name of the file in the event; empty if the event has no file
 */
function readText(content: object, fileName: string): Text {
  const body = textOf(propertyOf(content, "body")), html = textOf(propertyOf(content, "formatted_body"));
  if (fileName !== "" && (body.trim() === "" || body === fileName)) {
    return { subject: `File: ${fileName}`, message: "" };
  }
  if (textAt(content, "format") === "org.matrix.custom.html" && html.trim() !== "") {
    const { subject, message } = splitHtml(html) ?? { subject: "", message: html };
    return message === "" ? { subject, message } : { subject, message, format: "html" };
  }
  if (body.trim() === "") return { subject: "", message: JSON.stringify(content, undefined, 2) };
  const geo = textAt(content, "geo_uri");
  const { subject, message } = splitSubject("", body.replace(TITLE_REGEXP, "$1\n"));
  return { subject, message: joinParts(message, showFields([["Location", geo]])) };
}

/** Matches the title that Apprise writes before a text. */
const TITLE_REGEXP = /^# (.*)\r\n/;

/** What an event says about its file. */
interface EventFile {
  /** Empty if the event has no file. */
  readonly name: string;
  readonly attachments: readonly AttachmentInput[];
  /** A line about a file on the web; empty if there is none. */
  readonly note: string;
}

function readFile(
  content: object,
  { findUpload, problems }: { readonly findUpload: FindUpload; readonly problems: string[] },
): EventFile {
  const url = textAt(content, "url") || textAt(propertyOf(content, "file"), "url");
  if (url === "") return { name: "", attachments: [], note: "" };
  const name = textAt(content, "filename") || textAt(content, "body") || "file";
  const refuse = (state: string): EventFile => {
    problems.push(`Cannot attach ${name}: ${state}`);
    return { name, attachments: [], note: "" };
  };
  if (/^https?:/i.test(url)) return { name: "", attachments: [], note: `Image: ${url}` };
  const [, server = "", mediaId = ""] = /^mxc:\/\/([^/]+)\/([\w-]+)$/.exec(url) ?? [];
  if (server !== SERVER_NAME) return refuse(`${url} is on another server`);
  const path = findUpload(mediaId);
  if (path === undefined) return refuse("the uploaded file is not here any more");
  const type = textAt(propertyOf(content, "info"), "mimetype");
  return { name, attachments: [{ path, name, ...type === "" ? {} : { type } }], note: "" };
}

function asHtml(line: string): string {
  return line === "" ? "" : `<p>${line.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</p>`;
}

function readMentions(value: unknown): readonly string[] {
  const users = listOf(propertyOf(value, "user_ids")).map(textOf);
  return isTrue(propertyOf(value, "room")) ? ["@room", ...users] : users;
}

/**
 * Removes the severity symbol from a title. If the sender is also a matrix-notify, it has already
 * added the symbol, and the title would show the symbol twice.
 */
function withoutSymbol(subject: string, symbol: string): string {
  return symbol === "" ? subject : subject.replace(`${symbol} `, "");
}
