/**
 * What is wrong with a connection, in sentences. The network stack tells it in the words of its libraries; what a failure means for delivery depends on none
 * of them.
 *
 * @module
 */

/** What was found, and what mends it. */
export interface ConnectProblem {
  readonly state: string;
  readonly hint?: string;
}

type Explain = (found: RegExpExecArray, host: string) => ConnectProblem;

const CLIENT_CERTIFICATE = "name one that it takes in certFile, and its key in keyFile";
const PROXY_PASSWORD =
  "write http://USER:PASSWORD@HOST:PORT into a file that only you can read, and name it in proxyFile";

const PROBLEMS: readonly (readonly [RegExp, Explain])[] = [
  [/UnknownIssuer|unable to verify the first certificate/, () => ({
    state: "its certificate is from no authority that is trusted here",
    hint:
      "if it is your own, name the authority's certificate, or the server's where it signed itself, in caFile (setup has --ca-file)",
  })],
  [/certificate expired(?:.*not valid after (\d+))?/, ([, seconds]) => ({
    state: seconds ? `its certificate expired on ${dateOf(seconds)}` : "its certificate has expired",
    hint: "renew it on the server; if it is in date there, set the clock of this host",
  })],
  [/certificate not valid yet(?:.*not valid before (\d+))?/, ([, seconds]) => ({
    state: seconds
      ? `its certificate begins on ${dateOf(seconds)}, later than now`
      : "its certificate begins later than now",
    hint: "is the clock of this host right?",
  })],
  [/not valid for name|NotValidForName/, ({ input }, host) => {
    const names = Array.from(input.matchAll(/(?:DnsName\("|IpAddress\()([^")]+)/g), ([, name]) => name);
    return {
      state: `its certificate is not for ${host}, but for ${names.length > 0 ? names.join(", ") : "no name at all"}`,
      hint: `use a name that it is for, or make it anew with subjectAltName=${altName(host)}`,
    };
  }],
  [/CaUsedAsEndEntity/, (_found, host) => ({
    state: "its certificate is an authority's own (CA:TRUE), which no server may show",
    hint: "make it anew, with: openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -keyout key.pem -out cert.pem " +
      `-subj /CN=${host} -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=${
        altName(host)
      }, and name cert.pem in caFile`,
  })],
  [/BadSignature/, () => ({
    state: "its certificate was not signed by the authority that it names",
    hint: "an authority that was made anew under the same name? then name its new certificate in caFile",
  })],
  [/invalid peer certificate: (.*)/, ([, what]) => ({ state: `its certificate cannot be used: ${what}` })],
  [/InvalidContentType/, () => ({
    state: "what answers there speaks no TLS",
    hint: "is the port right? plain http needs http:// in the address",
  })],
  [/invalid HTTP version parsed/, () => ({
    state: "what answers there speaks no plain http",
    hint: "is the port right? TLS needs https:// in the address",
  })],
  [/fatal alert: (CertificateRequired|HandshakeFailure)/, ([, alert]) => ({
    state: alert === "CertificateRequired"
      ? "it wants a client certificate"
      : "it wants other ciphers, or a client certificate",
    hint: CLIENT_CERTIFICATE,
  })],
  [/fatal alert: (UnknownCA|BadCertificate|Certificate\w+|AccessDenied|DecryptError)/, ([, alert]) => ({
    state: `it does not take our client certificate (${alert})`,
    hint: CLIENT_CERTIFICATE,
  })],
  [
    /fatal alert: ProtocolVersion|Tls12NotOffered/,
    () => ({ state: "it speaks only TLS older than 1.2", hint: "update it" }),
  ],
  [
    /proxy authentication required|No acceptable auth methods|Authorization required|Password auth failure/,
    ({ input }) => ({
      state: input.includes("failure")
        ? "the proxy does not take the password"
        : "the proxy wants a user name and a password",
      hint: PROXY_PASSWORD,
    }),
  ],
  [/unsuccessful tunnel|Connection not allowed by ruleset/, () => ({
    state: "the proxy does not let us connect there",
    hint: "does it permit this host and port? what needs no proxy can be named in NO_PROXY",
  })],
  [/eof while tunneling|Invalid response version/, () => ({
    state: "what answers there is no such proxy",
    hint: "is the proxy's port right, and its scheme (http://, https://, socks5://)?",
  })],
  [/without sending TLS close_notify/, () => ({ state: "the other side hung up" })],
  [/^dns error|^getaddrinfo ENOTFOUND/, (_found, host) => ({
    state: `the name ${host} is not found (DNS)`,
    hint: "is it written right, and does this host have a name server that answers? see /etc/resolv.conf",
  })],
  [/^Proxy server unreachable/, () => ({ state: "the proxy cannot be reached" })],
];

/** Explains the text of a failure; what is not known stays as it is. */
export function explainConnectError(text: string, host: string): ConnectProblem {
  for (const [pattern, explanation] of PROBLEMS) {
    const found = pattern.exec(text);
    if (found) return explanation(found, host);
  }
  return { state: text };
}

/** A host as a certificate names it. */
function altName(host: string): string {
  return /^[\d.]+$|^\[/.test(host) ? `IP:${host.replace(/^\[|\]$/g, "")}` : `DNS:${host}`;
}

function dateOf(seconds: string): string {
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
}
