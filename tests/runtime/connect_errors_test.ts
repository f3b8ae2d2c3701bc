import { assertEquals } from "@std/assert";
import { explainConnectError } from "../../src/runtime/connect_errors.ts";

// The texts come from connections to servers with OpenSSL 3. `http_clients_test.ts` tests the
// failures that the loopback servers can cause.
Deno.test("explainConnectError() explains alerts of servers and answers of proxies", () => {
  const cases: [text: string, state: string][] = [
    ["received fatal alert: CertificateRequired", "it requires a client certificate"],
    [
      "received fatal alert: HandshakeFailure",
      "it accepts none of the offered ciphers, or it requires a client certificate",
    ],
    ["received fatal alert: UnknownCA", "it rejects the client certificate (UnknownCA)"],
    ["received fatal alert: CertificateExpired", "it rejects the client certificate (CertificateExpired)"],
    ["received fatal alert: ProtocolVersion", "it supports only TLS versions before 1.2"],
    ["invalid peer certificate: Revoked", "its certificate cannot be used: Revoked"],
    ["unsuccessful tunnel", "the proxy does not allow this connection"],
    ["unexpected eof while tunneling", "the proxy does not use the protocol of its address"],
    ["Invalid response version", "the proxy does not use the protocol of its address"],
    ["No acceptable auth methods", "the proxy requires a user name and a password"],
    ["Password auth failure, code: 1", "the proxy rejects the password"],
    ["Connection not allowed by ruleset", "the proxy does not allow this connection"],
    [
      "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/",
      "the server closed the connection",
    ],
    ["No route to host", "No route to host"],
  ];
  for (const [text, state] of cases) assertEquals(explainConnectError(text, "matrix.example.org").state, state, text);
});

Deno.test("explainConnectError() lists every name of the certificate", () => {
  const text = 'invalid peer certificate: certificate not valid for name "a.org"; certificate is only valid for ' +
    'DnsName("b.org"), DnsName("*.b.org") or IpAddress(10.0.0.1)';
  assertEquals(explainConnectError(text, "a.org"), {
    state: "its certificate is for b.org, *.b.org, 10.0.0.1, not for a.org",
    hint: "connect to a name that is in the certificate, or create the certificate again with subjectAltName=DNS:a.org",
  });
});

Deno.test("explainConnectError() explains the texts of node:net, which SMTP uses", () => {
  const stateOf = (text: string) => explainConnectError(text, "mail.example.org").state;
  assertEquals(stateOf("connect ECONNREFUSED ::1:25; connect ECONNREFUSED 127.0.0.1:25"), "Connection refused");
  assertEquals(stateOf("connect EHOSTUNREACH 192.0.2.1:25"), "No route to host");
  assertEquals(stateOf("connect ENETUNREACH 192.0.2.1:25"), "Network is unreachable");
  const notFound = "the name mail.example.org was not found (DNS)";
  assertEquals(stateOf("getaddrinfo ENOTFOUND mail.example.org"), notFound);
  assertEquals(stateOf("getaddrinfo EAI_AGAIN mail.example.org"), notFound);
});

Deno.test("explainConnectError() explains the texts of node:tls, which SMTP uses", () => {
  const altnames = "Hostname/IP does not match certificate's altnames: ";
  const stateOf = (text: string) => explainConnectError(text, "mail.example.org").state;
  assertEquals(stateOf("self-signed certificate"), "its certificate is not signed by a trusted authority");
  assertEquals(
    stateOf("unable to verify the first certificate"),
    "its certificate is not signed by a trusted authority, or it has expired",
  );
  assertEquals(
    stateOf(`${altnames}Host: mail.example.org. is not in the cert's altnames: DNS:a.example, IP Address:192.0.2.1`),
    "its certificate is for a.example, 192.0.2.1, not for mail.example.org",
  );
  assertEquals(
    stateOf(`${altnames}IP: 127.0.0.1 is not in the cert's list: `),
    "its certificate is for no name, not for mail.example.org",
  );
});
