/** What failed while mail was handed over, from the error of the SMTP library (its documentation, "Error codes"). */

import { explainConnectError } from "../../runtime/connect_errors.ts";
import { type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";

/** What is known besides the error. */
export interface SmtpContext {
  readonly host: string;
  /** Whether the whole mail went out, so that the server may have taken it. */
  readonly isOut: boolean;
}

/** How the library describes a failure. */
interface LibraryError extends Error {
  readonly code?: string;
  /** The SMTP command that was answered or under way. */
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** Understands a failure. What is no error of the library is handed on. */
export function toSmtpError(error: unknown, { host, isOut }: SmtpContext): unknown {
  if (!isLibraryError(error)) return error;
  const { code, command, responseCode: status, response } = error;
  if (status !== undefined && status >= 400) {
    // It would have gone on encrypted, or not at all.
    if (command === "STARTTLS") {
      const message = `Cannot send through ${host}: it does not offer STARTTLS, and nothing goes there in the clear`;
      return new ResponseError(message, { status, failureClass: "credentials" });
    }
    const text = (response ?? "").replace(/\s+/g, " ").trim();
    const errcode = ENHANCED_CODE_REGEXP.exec(text)?.[1];
    return new ResponseError(`${host} answered ${command ?? ""}: ${text}`, {
      status,
      errcode,
      failureClass: verdictOf({ status, command, errcode }),
    });
  }
  if (code === "EMESSAGE") {
    return new ResponseError(`${host} does not take mails of this size`, { status: 552, failureClass: "rejected" });
  }
  if (code === "EAUTH" || code === "ENOAUTH") {
    return new ResponseError(`Cannot log in to ${host}: ${error.message}`, {
      status: 535,
      failureClass: "credentials",
    });
  }
  if (isOut) {
    const phase = code === "ETIMEDOUT" ? "timeout" : "exchange";
    return new TransportError(phase, `Connection to ${host} broke after the mail went out: ${error.message}`);
  }
  const { state, hint } = explainConnectError(error.message, host);
  return new TransportError("connect", `Cannot hand over mail to ${host}: ${state}`, { hint });
}

/** Behind the reply code, where the server has them (RFC 2034). */
const ENHANCED_CODE_REGEXP = /^\d{3}[- ]([245]\.\d{1,3}\.\d{1,3})\b/;

/** Whether the error came out of the library: all of its own have a code. */
function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/** Codes of RFC 3463 for a mailbox that does not take mail as it is, which may change: turned off, full. */
const MAILBOX_CODES: ReadonlySet<string> = new Set(["5.2.1", "5.2.2"]);

/**
 * 4yz means not now, 5yz never (RFC 5321, section 4.2.1). From the recipient on it is about this recipient, its size or its content: one whose mailbox is
 * full, or whose server greylists us, is in nobody else's way. Before that the server does not want us: the password, the sender, the host. Many
 * servers say so only when they hear the recipient, as a matter of policy (5.7): somebody must mend that, and the mail is none the worse.
 */
function verdictOf({ status, command = "", errcode = "" }: Answer): ResponseClass {
  const isAboutMail = command === "RCPT TO" || command === "DATA";
  if (status < 500) return isAboutMail && status !== 421 ? "destination-busy" : "not-sent";
  if (MAILBOX_CODES.has(errcode)) return "destination";
  if (command === "RCPT TO" && (status === 530 || errcode.startsWith("5.7."))) return "destination";
  return isAboutMail || status === 552 ? "rejected" : "credentials";
}

interface Answer {
  readonly status: number;
  readonly command?: string;
  readonly errcode?: string;
}
