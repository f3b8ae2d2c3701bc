/** The settings of an email channel. */

import type { Fields } from "../../base/fields.ts";
import { secret, SECRET_FORMS } from "../fields/server.ts";
import { choice, integer, list, type SettingsOf, text } from "../fields/setting.ts";

/**
 * One `@`, no white space, no control characters, no character that ends the address or begins
 * another one.
 */
const ADDRESS = String.raw`[^\s@<>(),;:\\"\p{Cc}]{1,64}@[^\s@<>(),;:\\"\p{Cc}]{1,255}`;

/** A name that needs no encoding before an address, or any name in quotes. */
const NAME = String.raw`(?:"[^"\\\p{Cc}]*"|[^"<>@,;:\\\p{Cc}]*)`;

/** A mailbox (RFC 5322, section 3.4): `root@example.org` or `Some Name <root@example.org>`. */
const MAILBOX_REGEXP = new RegExp(`^(?:${NAME}<(?<inner>${ADDRESS})>|(?<bare>${ADDRESS}))$`, "u");

/** A host name, or an IP address. */
const HOST_REGEXP = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/;

const MAILBOX = {
  pattern: MAILBOX_REGEXP,
  problem: "it is neither an address such as root@example.org nor a name with one in angle brackets",
};

const DEFAULT_PORTS = { starttls: 587, tls: 465, none: 25 } as const;

/** Its settings. */
export const EMAIL_SETTINGS = {
  server: text({
    help: "the name of the SMTP server",
    examples: ["mail.example.org"],
    pattern: HOST_REGEXP,
    problem: "it is not a host name such as mail.example.org",
    hint: "the port has a key of its own: port",
  }),
  port: integer({
    help: "the port; by default 587, 465 for `tls`, 25 for `none`",
    examples: [587],
    min: 1,
    max: 65_535,
    optional: true,
  }),
  security: choice({
    help:
      "`starttls`: encrypted before anything is said; `tls`: from the first byte; `none`: never, and without a password",
    examples: ["tls"],
    values: ["starttls", "tls", "none"],
    default: "starttls",
  }),
  caFile: text({
    help: "a PEM file with the authorities that may sign the server's certificate; by default those that Deno trusts",
    examples: ["/etc/matrix-notify/ca.pem"],
    optional: true,
  }),
  user: text({
    help: "the user to log in as; by default the address in `from`",
    examples: ["jump"],
    optional: true,
    needs: "password",
  }),
  password: secret({
    help: "the password; without one there is no login",
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
    help: "the recipients; each gets a mail of its own",
    examples: ["root@example.org", ["root@example.org", "Admin <admin@example.org>"]],
    ...MAILBOX,
  }),
};

/** The parsed settings. */
export type EmailSettings = SettingsOf<typeof EMAIL_SETTINGS>;

/** What {@linkcode checkServer} checks, as JSON Schema. */
export const SERVER_RULES: readonly Readonly<Record<string, unknown>>[] = [{
  if: { required: ["security"], properties: { security: { const: "none" } } },
  then: { not: { anyOf: [{ required: ["password"] }, { required: ["passwordFile"] }] } },
}, {
  if: { required: ["port"], properties: { port: { const: 465 } } },
  then: { required: ["security"] },
}];

/**
 * Checks that port and security fit, and that no password is sent unencrypted.
 *
 * @throws {ConfigError} if one of them does not hold
 */
export function checkServer({ port, security, password }: EmailSettings, fields: Fields): void {
  if (port === DEFAULT_PORTS.tls && fields.text("security") === undefined) {
    throw fields.error(
      "port",
      `on ${port} a server expects TLS from the first byte, and starttls begins without`,
      `set ${fields.formatName("security")} to "tls", or to "starttls" if that is intended`,
    );
  }
  if (password !== undefined && security === "none") {
    throw fields.error("security", "the password would be sent unencrypted", 'use "starttls" or "tls"');
  }
}

/** The port to connect to. */
export function portOf({ port, security }: EmailSettings): number {
  return port ?? DEFAULT_PORTS[security];
}

/** The address of a mailbox, without the name before it. */
export function parseAddress(mailbox: string): string {
  const { inner, bare } = MAILBOX_REGEXP.exec(mailbox)?.groups ?? {};
  return inner ?? bare ?? "";
}

/** The domain of a mailbox. */
export function parseDomain(mailbox: string): string {
  const address = parseAddress(mailbox);
  return address.slice(address.lastIndexOf("@") + 1);
}
