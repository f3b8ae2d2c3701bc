/** Converts the Apprise URLs `mailto://` and `mailtos://` to channels. */

import type { AppriseUrl } from "../apprise_url.ts";

interface Provider {
  readonly domain: RegExp;
  readonly server: string;
  readonly security: "starttls" | "tls";
}

/**
 * The mail servers that Apprise uses for the domains of well-known providers (Apprise
 * documentation, "Using Built-In Email Services").
 */
const PROVIDERS: readonly Provider[] = [
  { domain: /^gmail\.com$/, server: "smtp.gmail.com", security: "starttls" },
  { domain: /^(hotmail|live)\.com(\.au)?$/, server: "smtp-mail.outlook.com", security: "starttls" },
  { domain: /^outlook\.com(\.au)?$/, server: "smtp.outlook.com", security: "starttls" },
  { domain: /^yahoo\.(ca|com)$/, server: "smtp.mail.yahoo.com", security: "tls" },
  { domain: /^gmx\.(com|net|de|at|ch|fr)$/, server: "mail.gmx.com", security: "starttls" },
  { domain: /^fastmail\.(com|fm)$/, server: "smtp.fastmail.com", security: "tls" },
  { domain: /^zoho(mail)?\.com$/, server: "smtp.zoho.com", security: "starttls" },
];

const SECURITY: ReadonlyMap<string, string> = new Map([["insecure", "none"], ["starttls", "starttls"], ["ssl", "tls"]]);

/**
 * Converts the URL to the settings of a channel. The option `smtp` contains the server. Without
 * this option, the server is the server of a known provider, otherwise the host of the URL. If the
 * URL has no recipient, the mail is sent to the sender.
 */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const { user, password, host } = url;
  const smtp = url.option("smtp");
  const provider = smtp === undefined ? PROVIDERS.find(({ domain }) => domain.test(host.toLowerCase())) : undefined;
  const sender = senderOf(url);
  const to = [...url.entries, ...url.list("to")];
  const mode = url.option("mode")?.toLowerCase() ?? (url.schema === "mailtos" ? "starttls" : "insecure");
  const security = provider?.security ?? SECURITY.get(mode);
  if (security === undefined) throw url.error(`its mode "${mode}" is unknown: use insecure, starttls or ssl`);
  url.end(["inline"]);
  return {
    kind: "email",
    server: provider?.server ?? smtp ?? host,
    ...(url.port === "" ? {} : { port: Number(url.port.slice(1)) }),
    security,
    ...(user === undefined || password === undefined ? {} : { user: provider ? sender.address : user, password }),
    from: sender.name === undefined ? sender.address : `${sender.name} <${sender.address}>`,
    to: to.length > 0 ? to : [sender.address],
  };
}

/**
 * Returns the sender. The option `from` contains an address or only a name. If it contains no
 * address, the address is `user@host`.
 */
function senderOf(url: AppriseUrl): { readonly address: string; readonly name?: string } {
  const from = url.option("from"), name = url.option("name");
  const [, label, inner] = /^(.*?)\s*<([^<>]+@[^<>]+)>$/.exec(from ?? "") ?? [];
  if (inner !== undefined) return { address: inner, name: label || name };
  if (from?.includes("@")) return { address: from, name };
  const { user, host } = url;
  if (user === undefined) throw url.error("it does not contain a sender", "add ?from=address");
  return { address: user.includes("@") ? user : `${user}@${host}`, name: from ?? name };
}
