/** Converts errors of the SMTP library (Nodemailer documentation, "Error codes"). */

import { explainConnectError } from "../../runtime/connect_errors.ts";
import { MAX_SAID_CHARS } from "../../runtime/http.ts";
import { type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";
import { hideSecrets } from "../../base/secret.ts";
import { firstChars } from "../../base/printable.ts";
import type { SmtpServer } from "./smtp_server.ts";

/** The server and the mail of the connection in which an error occurred. */
export interface SmtpContext extends Pick<SmtpServer, "host" | "port" | "security"> {
  /** The recipient's address; undefined for a connection without a mail. */
  readonly to?: string;
  /** The size of the mail, in bytes; undefined for a connection without a mail. */
  readonly size?: number;
  /** True if the whole mail was sent. In this case, the server may have accepted the mail. */
  readonly isOut: boolean;
}

/** An error of the SMTP library. */
interface LibraryError extends Error {
  readonly code?: string;
  /** The SMTP command during which the error occurred. */
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** Converts an error of the library. Returns any other error unchanged. */
export function toSmtpError(error: unknown, context: SmtpContext): unknown {
  if (!isLibraryError(error)) return error;
  const { host, isOut } = context;
  const { code, command = "", responseCode: status, response } = error;
  if (status !== undefined && status >= 400) {
    const text = firstChars(hideSecrets(response ?? ""), MAX_SAID_CHARS).replace(/\s+/g, " ").trim();
    const errcode = ENHANCED_CODE_REGEXP.exec(text)?.[1];
    const answer = { status, command, errcode };
    const isMissingTls = command === "STARTTLS" && status !== 421;
    const message = isMissingTls
      ? `Cannot send through ${host}: it does not offer STARTTLS, so the mail is not sent`
      : `${host} answered ${PHASES[command] ?? command}: ${text}`;
    const failureClass = toFailureClass(answer, context);
    return new ResponseError(message, { status, errcode, failureClass, hint: hintFor(answer, failureClass) });
  }
  if (code === "EMESSAGE") {
    return new ResponseError(`${host} does not accept mails of this size`, { status: 552, failureClass: "rejected" });
  }
  if (code === "EAUTH" || code === "ENOAUTH") {
    const refusal = { status: 535, failureClass: "credentials", hint: LOGIN_HINT } as const;
    return new ResponseError(`Cannot log in to ${host}: ${messageOf(error)}`, refusal);
  }
  if (isOut) {
    const phase = code === "ETIMEDOUT" ? "timeout" : "exchange";
    return new TransportError(phase, `Connection to ${host} broke after the mail was sent: ${messageOf(error)}`);
  }
  const { state, hint } = explainFailure(error, context);
  return new TransportError("connect", `Cannot send mail through ${host}:${context.port}: ${state}`, { hint });
}

/**
 * Returns true if the server refused a mail because of its size: status 552, or an enhanced code
 * for a size limit. Returns false for a full mailbox.
 */
export function isTooLarge(error: unknown): error is ResponseError {
  if (!(error instanceof ResponseError) || error.failureClass !== "rejected") return false;
  return error.status === 552 || SIZE_CODES.has(error.errcode ?? "");
}

/** Returns a hint for a server that does not send a greeting. */
export function silenceHint(security: SmtpServer["security"]): string | undefined {
  if (security === "tls") return undefined;
  return 'check the port; if the server expects TLS immediately, as on port 465, set "security" to "tls"';
}

/** The enhanced status code, which some servers write after the reply code (RFC 2034). */
const ENHANCED_CODE_REGEXP = /^\d{3}[- ]([245]\.\d{1,3}\.\d{1,3})\b/;

/** Names for error messages. The library uses `CONN` before the first SMTP command. */
const PHASES: Readonly<Record<string, string>> = { CONN: "the connection" };

/** Checks whether an error is from the library. All errors of the library have a code. */
function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/**
 * Returns the text of an error, without secrets. If a host has several addresses, the error is an
 * `AggregateError`. This error has no text, but contains one error for each address.
 */
function messageOf(error: Error): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return hideSecrets(errors.map((each) => each instanceof Error ? each.message : String(each)).join("; "));
}

/** Explains a connection that failed before the mail was sent. */
function explainFailure(error: LibraryError, { host, security }: SmtpContext): { state: string; hint?: string } {
  if (error.code === "EPROTOCOL") {
    return { state: "the server on this port does not use SMTP", hint: "check the server and the port" };
  }
  if (error.code === "ETIMEDOUT") return { state: messageOf(error), hint: silenceHint(security) };
  const text = messageOf(error);
  // Deno denies the lookup of the name, or the connection.
  if (/getaddrinfo EPERM|Requires net access/.test(text)) {
    return {
      state: `Deno requires net access to "${host}"`,
      hint: "run the program with --allow-net: the addresses of a mail server can change",
    };
  }
  if (/InvalidContentType|wrong version number/.test(text)) {
    return {
      state: "the server does not expect TLS immediately",
      hint: 'set "security" to "starttls", as on port 587; port 465 expects TLS immediately',
    };
  }
  return explainConnectError(text, host);
}

/** An answer of the server that refuses a command. */
interface Answer {
  readonly status: number;
  readonly command: string;
  readonly errcode?: string;
}

/** The codes for full mailboxes and full disks (RFC 3463). */
const FULL_CODES: ReadonlySet<string> = new Set(["5.2.2", "5.3.1"]);

/** The codes for a mail that is too large for the mailbox or the server (RFC 3463). */
const SIZE_CODES: ReadonlySet<string> = new Set(["5.2.3", "5.3.4"]);

/**
 * The codes for a sender that the server does not accept (RFC 3463). Postfix uses 5.1.0 for senders
 * only.
 */
const SENDER_CODES: ReadonlySet<string> = new Set(["5.1.0", "5.1.7", "5.1.8"]);

/** The codes for recipients that do not exist (RFC 3463; RFC 7505 for 5.1.10). */
const UNKNOWN_RECIPIENT_CODES: ReadonlySet<string> = new Set(["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"]);

/** The statuses for a missing or refused login (RFC 4954). */
const LOGIN_STATUSES: ReadonlySet<number> = new Set([534, 535, 538]);

/** Every server accepts mails of this size (RFC 5321, section 4.5.3.1.7). */
const SAFE_BYTES = 64 * 1024;

/**
 * Returns the failure class of an answer. Status 4yz means a temporary failure, and status 5yz
 * means a permanent failure (RFC 5321, section 4.2.1). The user can often fix the cause of a
 * permanent failure: the login, the name in EHLO, the sender, or the permission to relay. Until the
 * user fixes the cause, the mail waits.
 */
function toFailureClass(answer: Answer, context: SmtpContext): ResponseClass {
  const { status, command, errcode = "" } = answer;
  const isAboutMail = command === "RCPT TO" || command === "DATA";
  if (status === 421) return "not-sent";
  if (command === "STARTTLS") return "credentials";
  if (status < 500) return isAboutMail ? "destination-busy" : "not-sent";
  if (SIZE_CODES.has(errcode)) return "rejected";
  if (FULL_CODES.has(errcode)) return "destination-busy";
  if (status === 552 && (errcode === "" || command === "RCPT TO")) {
    // Status 552 means a full mailbox (RFC 5321) or a mail that is too large (RFC 1870). A mail of
    // at most `SAFE_BYTES` is never too large.
    const mayBeTooLarge = command !== "RCPT TO" && (context.size ?? 0) > SAFE_BYTES;
    return mayBeTooLarge ? "rejected" : "destination-busy";
  }
  if (!isAboutMail) return status === 552 ? "rejected" : "credentials";
  if (SENDER_CODES.has(errcode) || LOGIN_STATUSES.has(status)) return "credentials";
  return command === "RCPT TO" ? toRecipientClass(answer, context.to ?? "") : toContentClass(answer);
}

/**
 * Returns the failure class of a permanent failure of RCPT TO. The reason may be the name in EHLO
 * or the sender, because Postfix checks them only at RCPT TO by default (`smtpd_delay_reject`).
 * Without an enhanced code, the reason is unknown. The class is then `destination`, because the
 * server may refuse to relay mail from this host.
 */
function toRecipientClass({ status, errcode = "" }: Answer, to: string): ResponseClass {
  if (UNKNOWN_RECIPIENT_CODES.has(errcode) || errcode.startsWith("5.6.")) return "rejected";
  // Postfix answers 504 5.5.2 if the name in EHLO, the sender or the recipient has no full domain.
  const isFullRecipient = /@[^@]*[.:]/.test(to);
  if (errcode.startsWith("5.5.") && isFullRecipient) return "credentials";
  // Postfix answers 553 5.7.1 if this user must not use this sender
  // (`reject_sender_login_mismatch`).
  if (status === 553 && errcode.startsWith("5.7.")) return "credentials";
  return "destination";
}

/**
 * Returns the failure class of a permanent failure of DATA. Code 5.2.1 means a disabled mailbox
 * (RFC 3463). Codes 5.7.20 to 5.7.29 mean that a check of the sender's domain or host failed, such
 * as SPF or DKIM (RFC 7372).
 */
function toContentClass({ errcode = "" }: Answer): ResponseClass {
  return errcode === "5.2.1" || /^5\.7\.2\d$/.test(errcode) ? "destination" : "rejected";
}

const LOGIN_HINT = "fix user and password; many providers require a separate password for programs";
const PORT_HINT = 'use port 587, or use port 465 and set "security" to "tls"';

/** Returns the hint for a refused command. */
function hintFor({ status, command, errcode = "" }: Answer, failureClass: ResponseClass): string | undefined {
  if (command === "STARTTLS" && status !== 421) return PORT_HINT;
  if (status < 500) return undefined;
  if (command.startsWith("AUTH")) return LOGIN_STATUSES.has(status) ? LOGIN_HINT : PORT_HINT;
  if (status === 530) return "set user and password";
  if (command === "CONN") return "ask the administrator of the server why it refuses this host";
  if (failureClass === "destination") {
    return command === "RCPT TO"
      ? "set user and password if the server requires a login for this recipient"
      : undefined;
  }
  if (failureClass !== "credentials") return undefined;
  if (command === "EHLO" || command === "HELO") return EHLO_HINT;
  if (errcode.startsWith("5.5.")) return `${EHLO_HINT}; or set "from" to an address that it accepts`;
  return 'set "from" to an address that the server accepts from this user';
}

const EHLO_HINT = 'set "ehloName" to a full name of this host that the server accepts';
