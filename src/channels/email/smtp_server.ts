/**
 * The SMTP server of a channel, and the types that `smtp.ts` uses. Only `smtp.ts` imports the SMTP
 * library. Therefore `smtp.ts` is loaded only when a connection is needed.
 *
 * @module
 */

import { HintedError, TransportError } from "../../base/errors.ts";
import { loadLate } from "../../base/late_modules.ts";
import type { MailContent } from "./message.ts";
import { type EmailSettings, parseAddress, portOf, toAsciiDomain } from "./settings.ts";

/** A server that accepts mail. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  readonly security: "starttls" | "tls" | "none";
  /** The path of a PEM file with certificate authorities to trust, in addition to those of Deno. */
  readonly caFile?: string;
  /**
   * The name of this host in the command EHLO. @default the full name of this host, or its IP
   * address
   */
  readonly ehloName?: string;
  /** The host name, with or without its domain. */
  readonly hostname: string;
  readonly login?: { readonly user: string; readonly password: string };
}

/** A mail, and the sender and the recipient in the SMTP commands. */
export interface SmtpMail {
  readonly envelope: { readonly from: string; readonly to: string };
  readonly content: MailContent;
}

/** The limits of a connection. */
export interface SmtpOptions {
  readonly timeout: (ms: number) => AbortSignal;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The exports of `smtp.ts`. */
export interface SmtpModule {
  /** Sends a mail. */
  sendMail(server: SmtpServer, mail: SmtpMail, options: SmtpOptions): Promise<void>;
  /** Connects, encrypts, logs in, and disconnects. */
  greet(server: SmtpServer, options: SmtpOptions): Promise<void>;
}

/**
 * Returns the server of a channel, and reads the password.
 *
 * @param hostname the name of this host
 * @throws {ConfigError} if the password cannot be read
 */
export function toSmtpServer(settings: EmailSettings, hostname: string): SmtpServer {
  const { server, security, caFile, ehloName, user, password, from } = settings;
  const login = password && { user: user ?? parseAddress(from), password: password.reveal() };
  return { host: toAsciiDomain(server), port: portOf(settings), security, caFile, ehloName, hostname, login };
}

/**
 * Loads the SMTP library.
 *
 * @throws {TransportError} if the library cannot be loaded; the hint says how to install it
 */
export async function loadSmtp(): Promise<SmtpModule> {
  try {
    return await loadLate<SmtpModule>("channels/email/smtp.ts");
  } catch (error) {
    const hint = error instanceof HintedError ? error.hint : undefined;
    throw new TransportError("connect", "Cannot send mail: the SMTP library could not be loaded", {
      hint,
      cause: error,
    });
  }
}
