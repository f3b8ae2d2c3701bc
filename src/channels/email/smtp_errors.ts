/** Converts errors of the SMTP library (its documentation, "Error codes"). */

import { explainConnectError } from "../../runtime/connect_errors.ts";
import { type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";

/** The state of the connection. */
export interface SmtpContext {
  readonly host: string;
  /** True if the whole mail was sent. The server may have accepted the mail. */
  readonly isOut: boolean;
}

/** An error of the SMTP library. */
interface LibraryError extends Error {
  readonly code?: string;
  /** The SMTP command that the server answered, or that was running. */
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** Converts an error of the library. Returns any other error unchanged. */
export function toSmtpError(error: unknown, { host, isOut }: SmtpContext): unknown {
  if (!isLibraryError(error)) return error;
  const { code, command, responseCode: status, response } = error;
  if (status !== undefined && status >= 400) {
    if (command === "STARTTLS") {
      const message = `Cannot send through ${host}: it does not offer STARTTLS, so the mail is not sent`;
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

/** The enhanced status code, which some servers write after the reply code (RFC 2034). */
const ENHANCED_CODE_REGEXP = /^\d{3}[- ]([245]\.\d{1,3}\.\d{1,3})\b/;

/** Checks whether an error is from the library. All errors of the library have a code. */
function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/** The codes for a mailbox that is disabled or full (RFC 3463). */
const MAILBOX_CODES: ReadonlySet<string> = new Set(["5.2.1", "5.2.2"]);

/**
 * Returns the failure class of an answer. A failure with status 4yz is temporary, and a failure
 * with status 5yz is permanent (RFC 5321, section 4.2.1). Answers before RCPT TO are about our
 * password, sender or host. The answer to RCPT TO and later answers are about the recipient, the
 * size or the content. So a failure at RCPT TO or later does not delay mails to other recipients.
 * But many servers reject our host only at RCPT TO, with a policy code (5.7). In this case, the
 * mail waits until the problem is fixed.
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
