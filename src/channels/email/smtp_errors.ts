/** Converts errors of the SMTP library (its documentation, "Error codes"). */

import { explainConnectError } from "../../runtime/connect_errors.ts";
import { type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";

/** What is known about the connection. */
export interface SmtpContext {
  readonly host: string;
  /** Whether the whole mail was sent, so that the server may have accepted it. */
  readonly isOut: boolean;
}

/** An error of the library. */
interface LibraryError extends Error {
  readonly code?: string;
  /** The SMTP command of the answer, or the one that was running. */
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** Converts an error of the library; any other error is returned as it is. */
export function toSmtpError(error: unknown, { host, isOut }: SmtpContext): unknown {
  if (!isLibraryError(error)) return error;
  const { code, command, responseCode: status, response } = error;
  if (status !== undefined && status >= 400) {
    // Without STARTTLS nothing is sent.
    if (command === "STARTTLS") {
      const message = `Cannot send through ${host}: it does not offer STARTTLS, and nothing is sent unencrypted`;
      return new ResponseError(message, { status, failureClass: "credentials" });
    }
    const text = (response ?? "").replace(/\s+/g, " ").trim();
    const errcode = ENHANCED_CODE_REGEXP.exec(text)?.[1];
    return new ResponseError(`${host} answered ${command ?? ""}: ${text}`, {
      status,
      errcode,
      failureClass: toFailureClass({ status, command, errcode }),
    });
  }
  if (code === "EMESSAGE") {
    return new ResponseError(`${host} does not accept mails of this size`, { status: 552, failureClass: "rejected" });
  }
  if (code === "EAUTH" || code === "ENOAUTH") {
    return new ResponseError(`Cannot log in to ${host}: ${error.message}`, {
      status: 535,
      failureClass: "credentials",
    });
  }
  if (isOut) {
    const phase = code === "ETIMEDOUT" ? "timeout" : "exchange";
    return new TransportError(phase, `Connection to ${host} broke after the mail was sent: ${error.message}`);
  }
  const { state, hint } = explainConnectError(error.message, host);
  return new TransportError("connect", `Cannot send mail to ${host}: ${state}`, { hint });
}

/** After the reply code, if the server supports it (RFC 2034). */
const ENHANCED_CODE_REGEXP = /^\d{3}[- ]([245]\.\d{1,3}\.\d{1,3})\b/;

/** Whether the error comes from the library: all of its errors have a code. */
function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/**
 * Codes of RFC 3463 for a mailbox that does not accept mail now, because it is disabled or full.
 */
const MAILBOX_CODES: ReadonlySet<string> = new Set(["5.2.1", "5.2.2"]);

/**
 * 4yz means not now, 5yz never (RFC 5321, section 4.2.1). From RCPT TO on, the answer is about this
 * recipient, the size or the content: a full mailbox or greylisting does not delay other
 * recipients. Before that, it is about us: the password, the sender, the host. Many servers reject
 * us only at RCPT TO, as a matter of policy (5.7): the mail waits until that is fixed.
 */
function toFailureClass({ status, command = "", errcode = "" }: Answer): ResponseClass {
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
