/** The server of a mail channel. */

import { loadLate } from "../../base/late_modules.ts";
import { TransportError } from "../../base/errors.ts";
import type { Fields } from "../../base/fields.ts";
import type { Secret } from "../../base/secret.ts";
import { addressOf } from "./address.ts";
import type { ParseContext } from "../kind.ts";
import type { SmtpModule, SmtpServer } from "./smtp_types.ts";

/** What is encrypted: from `STARTTLS` on, everything, nothing. */
export const SECURITIES = ["starttls", "tls", "none"] as const;
const PORTS = { starttls: 587, tls: 465, none: 25 } as const;

/** A host's name, or an address of either version. */
export const HOST_REGEXP = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/;

/** A server, and the password that is read at the moment of use. */
export interface MailServer extends Omit<SmtpServer, "login"> {
  readonly login?: { readonly user: string; readonly password: Secret };
}

/**
 * Reads `server`, `port`, `security`, `caFile`, `user`, and `password` or `passwordFile`.
 *
 * @param from whose address logs in where no `user` is configured
 * @throws {ConfigError} when one of them cannot be used, or the password would go over the network in the clear
 */
export function mailServerField(fields: Fields, context: ParseContext, from: string): MailServer {
  const host = fields.requiredText("server");
  if (!HOST_REGEXP.test(host)) {
    throw fields.error("server", "it is no host name such as mail.example.org", "the port has a key of its own: port");
  }
  const word = fields.text("security") ?? "starttls";
  const security = SECURITIES.find((known) => known === word);
  if (security === undefined) throw fields.error("security", `it must be one of ${SECURITIES.join(", ")}`);
  const port = fields.integer("port", 1, 65_535) ?? PORTS[security];
  if (port === PORTS.tls && fields.text("security") === undefined) {
    const problem = `on ${PORTS.tls} a server wants TLS from the first byte, and starttls begins without`;
    throw fields.error("port", problem, `set ${fields.nameOf("security")} to "tls", or to "starttls" if that is meant`);
  }
  const caFile = fields.text("caFile");
  const user = fields.text("user");
  const password = context.secret(fields, "password", "line");
  if (user !== undefined && password === undefined) {
    throw fields.error("user", `${fields.nameOf("password")} is not set`, "without a password nobody logs in");
  }
  if (password !== undefined && security === "none") {
    throw fields.error("security", "the password would go over the network in the clear", 'use "starttls" or "tls"');
  }
  const login = password && { user: user ?? addressOf(from), password };
  return { host, port, security, caFile, login };
}

/**
 * The server as it is at this moment.
 *
 * @throws {ConfigError} when the password cannot be read
 */
export function withPassword({ login, ...server }: MailServer): SmtpServer {
  return { ...server, login: login && { user: login.user, password: login.password.reveal() } };
}

/**
 * Loads the SMTP library. Only who sends mail pays for it: the specifier is computed, so that it stands in nobody's module graph.
 *
 * @throws {TransportError} when it is not in the cache, and its registry cannot be reached
 */
export async function loadSmtp(): Promise<SmtpModule> {
  try {
    return await loadLate<SmtpModule>("channels/email/smtp.ts");
  } catch (error) {
    throw new TransportError("connect", "Cannot send mail: the library for it is not to be had", { cause: error });
  }
}
