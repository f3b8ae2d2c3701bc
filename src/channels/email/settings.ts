/** The settings of an email channel. */

import { isAscii } from "../../base/printable.ts";
import type { Fields } from "../../base/fields.ts";
import type { ChannelAccess } from "../kind.ts";
import { secret, SECRET_FORMS } from "../fields/server.ts";
import { choice, integer, list, type SettingsOf, text } from "../fields/setting.ts";

/**
 * The pattern of an address. An address contains exactly one `@`. It contains no white space, no
 * control characters and no separators such as `,` and `<`.
 */
const ADDRESS = String.raw`[^\s@<>(),;:\\"\p{Cc}]{1,64}@(?:[^\s@<>(),;:\\"\p{Cc}]{1,255}|\[IPv6:[0-9A-Fa-f:.]{2,45}\])`;

/** The pattern of a name before an address. A name with special characters must be in quotes. */
const NAME = String.raw`(?:"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*" *|[^"<>@,;:\\\p{Cc}]*)`;

/**
 * The pattern of a mailbox (RFC 5322, section 3.4): `root@example.org` or `Some Name
 * <root@example.org>`.
 */
const MAILBOX_REGEXP = new RegExp(`^(?:${NAME}<(?<inner>${ADDRESS})>|(?<bare>${ADDRESS}))$`, "u");

/** The pattern of a host name or an IP address. */
const HOST_REGEXP = /^([\p{L}\p{N}]([-\p{L}\p{M}\p{N}.]*[\p{L}\p{M}\p{N}])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/u;

/**
 * The pattern of a name in the command EHLO: a host name, or an IP address in brackets (RFC 5321,
 * 4.1.3).
 */
const EHLO_REGEXP = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Za-z:.]+\])$/;

const MAILBOX = {
  pattern: MAILBOX_REGEXP,
  problem: "it must be an address such as root@example.org, or a name and <root@example.org>",
  hint: 'put a name with special characters in quotes: "Doe, John" <john@example.org>',
};

const DEFAULT_PORTS = { starttls: 587, tls: 465, none: 25 } as const;

/** The table of settings. */
export const EMAIL_SETTINGS = {
  server: text({
    help: "the name of the SMTP server",
    examples: ["mail.example.org"],
    pattern: HOST_REGEXP,
    problem: "it is not a host name such as mail.example.org",
    hint: "set `port` instead",
  }),
  port: integer({
    help: "the port; the default is 587 for `starttls`, 465 for `tls` and 25 for `none`",
    examples: [587],
    min: 1,
    max: 65_535,
    optional: true,
  }),
  security: choice({
    help:
      "the encryption; `starttls`: encryption starts before the login; `tls`: encryption starts with the connection; `none`: no encryption, and a password is not allowed",
    examples: ["tls"],
    values: ["starttls", "tls", "none"],
    default: "starttls",
  }),
  caFile: text({
    help: "a PEM file of certificate authorities to trust, in addition to the usual authorities",
    examples: ["/etc/matrix-notify/ca.pem"],
    optional: true,
  }),
  ehloName: text({
    help:
      "the name of this host in the command EHLO; the default is the full name of this host, or its IP address if it has no full name",
    examples: ["jump.example.org"],
    pattern: EHLO_REGEXP,
    problem: "it must be a full host name such as jump.example.org, or an address such as [192.0.2.1]",
    optional: true,
  }),
  user: text({
    help: "the user name for the login; the default is the address in `from`",
    examples: ["jump"],
    optional: true,
    needs: "password",
  }),
  password: secret({
    help: "the password; without a password, matrix-notify does not log in",
    examples: ["correct horse"],
    form: SECRET_FORMS.line,
    optional: true,
  }),
  from: text({
    help: "the sender",
    examples: ["jump@example.org", "Jump host <jump@example.org>"],
    ...MAILBOX,
  }),
  to: list({
    help: "the recipients; each recipient gets a separate mail",
    examples: ["root@example.org", ["root@example.org", "Admin <admin@example.org>"]],
    ...MAILBOX,
  }),
};

/** The parsed settings. */
export type EmailSettings = SettingsOf<typeof EMAIL_SETTINGS>;

/** The rules of {@linkcode checkServer}, as JSON Schema. */
export const SERVER_RULES: readonly Readonly<Record<string, unknown>>[] = [{
  if: { required: ["security"], properties: { security: { const: "none" } } },
  then: { not: { anyOf: [{ required: ["password"] }, { required: ["passwordFile"] }] } },
}, {
  if: { required: ["port"], properties: { port: { const: 465 } } },
  then: { required: ["security"] },
}];

/**
 * Checks that the port matches the encryption, and that the password is not sent unencrypted.
 *
 * @throws {ConfigError} if a check fails
 */
export function checkServer({ port, security, password }: EmailSettings, fields: Fields): void {
  if (port === DEFAULT_PORTS.tls && fields.text("security") === undefined) {
    throw fields.error(
      "port",
      `on port ${port}, servers expect TLS immediately, but starttls begins without encryption`,
      `set ${fields.formatName("security")} to "tls", or to "starttls" if that is intended`,
    );
  }
  if (password !== undefined && security === "none") {
    throw fields.error("security", "the password would be sent unencrypted", 'use "starttls" or "tls"');
  }
}

/** Returns the port to connect to. */
export function portOf({ port, security }: EmailSettings): number {
  return port ?? DEFAULT_PORTS[security];
}

/**
 * Returns the hosts to which a channel connects. The library connects to the IP address of the
 * server. If the settings contain a host name, this address is not known in advance. Therefore all
 * hosts must be permitted.
 */
export function smtpAccess(settings: EmailSettings): Pick<ChannelAccess, "hosts" | "usesAnyHost"> {
  const host = toAsciiDomain(settings.server);
  const isAddress = host.includes(":") || /^[\d.]+$/.test(host);
  if (!isAddress) return { hosts: [host], usesAnyHost: true };
  return { hosts: [`${host.includes(":") ? `[${host}]` : host}:${portOf(settings)}`] };
}

/**
 * Returns the address of a mailbox for SMTP commands, without the name before the address. An
 * internationalized domain is converted to ASCII (RFC 5890), because many servers do not support
 * SMTPUTF8.
 */
export function parseAddress(mailbox: string): string {
  const { inner, bare } = MAILBOX_REGEXP.exec(mailbox)?.groups ?? {};
  const address = inner ?? bare ?? "";
  const at = address.lastIndexOf("@") + 1;
  return address.slice(0, at) + toAsciiDomain(address.slice(at));
}

/** Returns the domain of a mailbox, in ASCII. */
export function parseDomain(mailbox: string): string {
  const address = parseAddress(mailbox);
  return address.slice(address.lastIndexOf("@") + 1);
}

/** Converts an internationalized domain to ASCII: `xn--exmple-cua.org`. */
export function toAsciiDomain(domain: string): string {
  if (isAscii(domain)) return domain;
  return URL.parse(`http://${domain}/`)?.hostname ?? domain;
}
