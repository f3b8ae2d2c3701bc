/** Mailboxes (RFC 5322, section 3.4), as far as people write them into a configuration. */

/** One `@`, no white space, no control characters, nothing that would end the address or begin another. */
const ADDRESS = String.raw`[^\s@<>(),;:\\"\p{Cc}]{1,64}@[^\s@<>(),;:\\"\p{Cc}]{1,255}`;

/** A name that needs no encoding to stand safely before an address, or any in quotes. */
const NAME = String.raw`(?:"[^"\\\p{Cc}]*"|[^"<>@,;:\\\p{Cc}]*)`;

/** `root@example.org` or `Some Name <root@example.org>`. */
export const MAILBOX_REGEXP: RegExp = new RegExp(`^(?:${NAME}<(?<inner>${ADDRESS})>|(?<bare>${ADDRESS}))$`, "u");

/** Whether a text is a mailbox. */
export function isMailbox(text: string): boolean {
  return MAILBOX_REGEXP.test(text);
}

/** The address of a mailbox, without the name before it; empty when there is none. */
export function addressOf(mailbox: string): string {
  const { inner, bare } = MAILBOX_REGEXP.exec(mailbox)?.groups ?? {};
  return inner ?? bare ?? "";
}

/** What stands behind the `@`. */
export function domainOf(mailbox: string): string {
  const address = addressOf(mailbox);
  return address.slice(address.lastIndexOf("@") + 1);
}
