/**
 * What the mail channel and its SMTP library, which is loaded late, have to say to each other. This file has no dependencies, so that everybody may import
 * the types without the library behind them.
 *
 * @module
 */

import type { MailContent } from "./message.ts";

/** Where mail is handed over. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  readonly security: "starttls" | "tls" | "none";
  /** Certificates of authorities, in PEM; those that Deno trusts where there are none. */
  readonly caFile?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

/** What is handed over. */
export interface SmtpMail {
  readonly envelope: { readonly from: string; readonly to: string };
  readonly content: MailContent;
}

/** How long. */
export interface SmtpOptions {
  readonly timeout: (ms: number) => AbortSignal;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What `smtp.ts` can do. */
export interface SmtpModule {
  /** Hands over a mail. */
  sendMail(server: SmtpServer, mail: SmtpMail, options: SmtpOptions): Promise<void>;
  /** Connects, encrypts, logs in, and goes again. */
  greet(server: SmtpServer, options: SmtpOptions): Promise<void>;
}
