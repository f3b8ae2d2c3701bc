/**
 * Explains failed connections. The network stack only reports the error texts of its libraries. The
 * explanations are for people; delivery does not depend on them.
 *
 * @module
 */

import { formatTime } from "../base/time.ts";

/** The reason why a connection failed, and how to fix the problem. */
export interface ConnectProblem {
  readonly state: string;
  readonly hint?: string;
}

const OWN_AUTHORITY =
  "if this is your own server, set caFile to the certificate of its authority, or to a self-signed certificate of the " +
  "server (option of setup: --ca-file)";

type Explain = (found: RegExpExecArray, host: string) => ConnectProblem;

const CLIENT_CERTIFICATE = "set certFile to a certificate that the server accepts, and keyFile to its key";
const PROXY_PASSWORD =
  "write http://USER:PASSWORD@HOST:PORT to a file that only you can read, and set proxyFile to the path of the file";

/** The words of the operating system for the error codes of node:net. */
const NODE_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
};

const PROBLEMS: readonly (readonly [RegExp, Explain])[] = [
  [/UnknownIssuer|self-signed certificate|unable to get (?:local )?issuer certificate/, () => ({
    state: "its certificate is not signed by a trusted authority",
    hint: OWN_AUTHORITY,
  })],
  // Deno's node:tls gives this text for an unknown authority, and for a certificate that has
  // expired or is not valid yet.
  [/unable to verify the first certificate/, () => ({
    state: "its certificate is not signed by a trusted authority, or it has expired",
    hint: `${OWN_AUTHORITY}; if the certificate has expired, renew it on the server`,
  })],
  [/certificate expired(?:.*not valid after (\d+))?/, ([, seconds]) => ({
    state: seconds ? `its certificate expired on ${formatTime(1000 * Number(seconds))}` : "its certificate has expired",
    hint: "renew the certificate on the server, or correct the clock of this host",
  })],
  [/certificate not valid yet(?:.*not valid before (\d+))?/, ([, seconds]) => ({
    state: seconds
      ? `its certificate is not valid before ${formatTime(1000 * Number(seconds))}`
      : "its certificate is not valid yet",
    hint: "check the clock of this host",
  })],
  [/not valid for name|NotValidForName|does not match certificate's altnames/, ({ input }, host) => {
    const names = Array.from(
      input.matchAll(/(?:DnsName\("|IpAddress\(|DNS:|IP Address:|cert's CN: )([^"),\s]+)/g),
      ([, name]) => name,
    );
    return {
      state: `its certificate is for ${names.join(", ") || "no name"}, not for ${host}`,
      hint: `connect to a name that is in the certificate, or create the certificate again with subjectAltName=${
        toAltName(host)
      }`,
    };
  }],
  [/CaUsedAsEndEntity/, (_found, host) => ({
    state: "it uses the certificate of an authority (CA:TRUE), which a server must not use",
    hint: "create the certificate again with: " +
      "openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -keyout key.pem -out cert.pem " +
      `-subj /CN=${host} -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=${
        toAltName(host)
      }; then set caFile to cert.pem`,
  })],
  [/BadSignature/, () => ({
    state: "its certificate contains the name of an authority that did not sign it",
    hint: "if you created the authority again, set caFile to the new certificate of the authority",
  })],
  [/invalid peer certificate: (.*)/, ([, what]) => ({ state: `its certificate cannot be used: ${what}` })],
  [/InvalidContentType/, () => ({
    state: "the server does not use TLS",
    hint: "check the port; plain http needs http:// in the address",
  })],
  [/invalid HTTP version parsed/, () => ({
    state: "the server does not use plain http",
    hint: "check the port; TLS needs https:// in the address",
  })],
  [/fatal alert: (CertificateRequired|HandshakeFailure)/, ([, alert]) => ({
    state: alert === "CertificateRequired"
      ? "it requires a client certificate"
      : "it accepts none of the offered ciphers, or it requires a client certificate",
    hint: CLIENT_CERTIFICATE,
  })],
  [/fatal alert: (UnknownCA|BadCertificate|Certificate\w+|AccessDenied|DecryptError)/, ([, alert]) => ({
    state: `it rejects the client certificate (${alert})`,
    hint: CLIENT_CERTIFICATE,
  })],
  [
    /fatal alert: ProtocolVersion|Tls12NotOffered/,
    () => ({ state: "it supports only TLS versions before 1.2", hint: "update the server" }),
  ],
  [
    /proxy authentication required|No acceptable auth methods|Authorization required|Password auth failure/,
    ({ input }) => ({
      state: input.includes("failure")
        ? "the proxy rejects the password"
        : "the proxy requires a user name and a password",
      hint: PROXY_PASSWORD,
    }),
  ],
  [/unsuccessful tunnel|Connection not allowed by ruleset/, () => ({
    state: "the proxy does not allow this connection",
    hint: "check which hosts and ports the proxy allows; list hosts that do not need a proxy in NO_PROXY",
  })],
  [/eof while tunneling|Invalid response version/, () => ({
    state: "the proxy does not use the protocol of its address",
    hint: "check the proxy's port and scheme (http://, https://, socks5://)",
  })],
  [/without sending TLS close_notify/, () => ({ state: "the server closed the connection" })],
  // node:net gives these texts, `fetch` gives the words of the operating system.
  [/^connect (ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)\b/, ([, code]) => ({ state: NODE_CODES[code] })],
  [/^dns error|^getaddrinfo (ENOTFOUND|EAI_AGAIN)/, (_found, host) => ({
    state: `the name ${host} was not found (DNS)`,
    hint: "check the spelling of the name, and the name server in /etc/resolv.conf",
  })],
  [/^Proxy server unreachable/, () => ({ state: "the proxy cannot be reached" })],
];

/**
 * Explains a failure.
 *
 * @param text the error text from the network stack
 * @param host the server's host name
 * @returns the explanation, or the text itself if the text is unknown
 */
export function explainConnectError(text: string, host: string): ConnectProblem {
  for (const [pattern, explanation] of PROBLEMS) {
    const found = pattern.exec(text);
    if (found) return explanation(found, host);
  }
  return { state: text };
}

/** Formats a host for a certificate's `subjectAltName`, such as `IP:10.0.0.1`. */
function toAltName(host: string): string {
  return /^[\d.]+$|^\[/.test(host) ? `IP:${host.replace(/^\[|\]$/g, "")}` : `DNS:${host}`;
}
