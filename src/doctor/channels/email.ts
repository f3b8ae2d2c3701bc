/** What is looked at of a mail channel: all that comes before a mail. */

import { loadSmtp, type MailServer, mailServerField, withPassword } from "../../channels/email/server.ts";
import type { SmtpServer } from "../../channels/email/smtp_types.ts";
import type { ChannelSource } from "../../config/load.ts";
import { ResponseError } from "../../base/errors.ts";
import type { Check } from "../check.ts";
import { type DoctorContext, limitsOf } from "../context.ts";
import { failure, ok } from "../finding.ts";

/** A mail channel that is looked at. */
export class EmailPatient {
  readonly server: MailServer;
  readonly #context: DoctorContext;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor({ fields, context }: ChannelSource, doctorContext: DoctorContext) {
    this.server = mailServerField(fields, context, fields.requiredText("from"));
    this.#context = doctorContext;
  }

  /** Connects, encrypts, logs in where there is a login, and goes. @throws what that throws */
  async greet(server: SmtpServer): Promise<void> {
    const { greet } = await loadSmtp();
    await greet(server, { timeout: this.#context.runtime.timeout, ...limitsOf(this.#context) });
  }
}

const WAYS = {
  starttls: "is encrypted by STARTTLS",
  tls: "is encrypted from the first byte",
  none: "is not encrypted",
} as const;

/** The checks. */
export const EMAIL_CHECKS: readonly Check<EmailPatient>[] = [
  {
    name: "connection",
    async *look(patient) {
      const { host, port, security } = patient.server;
      try {
        await patient.greet({ ...patient.server, login: undefined });
        yield ok(`${host}:${port} answers, and the connection ${WAYS[security]}`);
      } catch (error) {
        if (!(error instanceof ResponseError)) throw error;
        yield failure(error.message, "is it the port for those who send mail (587; 465 with security: tls)?");
      }
    },
  },
  {
    name: "login",
    needs: ["connection"],
    async *look(patient) {
      const { login } = patient.server;
      if (login === undefined) {
        yield ok("nobody logs in: no password is configured");
        return;
      }
      try {
        await patient.greet(withPassword(patient.server));
        yield ok(`${login.user} is logged in`);
      } catch (error) {
        if (!(error instanceof ResponseError) || error.failureClass !== "credentials") throw error;
        yield failure(error.message, "mend user and password; many providers want a password made for programs");
      }
    },
  },
];
