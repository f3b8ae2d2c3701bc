/** What failed while mail was handed over, from the error of the SMTP library (its documentation, "Error codes"). */

import { explain } from "../connect_problems.ts";
import { ResponseError, TransportError, type Verdict } from "../errors.ts";

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
export function understand(error: unknown, { host, isOut }: SmtpContext): unknown {
  if (!isLibraryError(error)) return error;
  const { code, command, responseCode: status, response } = error;
  if (status !== undefined && status >= 400) {
    // It would have gone on encrypted, or not at all.
    if (command === "STARTTLS") {
      const message = `Cannot send through ${host}: it does not offer STARTTLS, and nothing goes there in the clear`;
      return new ResponseError(message, { status, verdict: "account" });
    }
    const text = (response ?? "").replace(/\s+/g, " ").trim();
    return new ResponseError(`${host} answered ${command ?? ""}: ${text}`, {
      status,
      verdict: verdictOf(status, command),
    });
  }
  if (code === "EMESSAGE") {
    return new ResponseError(`${host} does not take mails of this size`, { status: 552, verdict: "poison" });
  }
  if (code === "EAUTH" || code === "ENOAUTH") {
    return new ResponseError(`Cannot log in to ${host}: ${error.message}`, { status: 535, verdict: "account" });
  }
  if (isOut) {
    const phase = code === "ETIMEDOUT" ? "timeout" : "exchange";
    return new TransportError(phase, `Connection to ${host} broke after the mail went out: ${error.message}`);
  }
  const { state, hint } = explain(error.message, host);
  return new TransportError("connect", `Cannot hand over mail to ${host}: ${state}`, { hint });
}

/** Whether the error came out of the library: all of its own have a code. */
function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/**
 * 4yz means not now, 5yz never (RFC 5321, section 4.2.1). Never for this mail is it only about its recipient, its size or its content; before that the
 * server does not want us: the password, the sender, the host.
 */
function verdictOf(status: number, command = ""): Verdict {
  if (status < 500) return "not-sent";
  if (command === "RCPT TO" || command === "DATA" || status === 552) return "poison";
  return "account";
}
