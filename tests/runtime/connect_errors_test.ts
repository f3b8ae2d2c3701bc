import { assertEquals } from "@std/assert";
import { explainConnectError } from "../../src/runtime/connect_errors.ts";

/** Texts of the network stack against servers of OpenSSL 3; what our own servers can provoke is tested in http_clients_test.ts. */
Deno.test("explain() knows what servers and proxies say that are not at hand", () => {
  const cases: [text: string, state: string][] = [
    ["received fatal alert: CertificateRequired", "it wants a client certificate"],
    ["received fatal alert: HandshakeFailure", "it wants other ciphers, or a client certificate"],
    ["received fatal alert: UnknownCA", "it does not take our client certificate (UnknownCA)"],
    ["received fatal alert: CertificateExpired", "it does not take our client certificate (CertificateExpired)"],
    ["received fatal alert: ProtocolVersion", "it speaks only TLS older than 1.2"],
    ["invalid peer certificate: Revoked", "its certificate cannot be used: Revoked"],
    ["unsuccessful tunnel", "the proxy does not let us connect there"],
    ["unexpected eof while tunneling", "what answers there is no such proxy"],
    ["Invalid response version", "what answers there is no such proxy"],
    ["No acceptable auth methods", "the proxy wants a user name and a password"],
    ["Password auth failure, code: 1", "the proxy does not take the password"],
    ["Connection not allowed by ruleset", "the proxy does not let us connect there"],
    ["peer closed connection without sending TLS close_notify: https://docs.rs/rustls/", "the other side hung up"],
    ["No route to host", "No route to host"],
  ];
  for (const [text, state] of cases) assertEquals(explainConnectError(text, "matrix.example.org").state, state, text);
});

Deno.test("explain() names every name that a certificate is for", () => {
  const text = 'invalid peer certificate: certificate not valid for name "a.org"; certificate is only valid for ' +
    'DnsName("b.org"), DnsName("*.b.org") or IpAddress(10.0.0.1)';
  assertEquals(explainConnectError(text, "a.org"), {
    state: "its certificate is not for a.org, but for b.org, *.b.org, 10.0.0.1",
    hint: "use a name that it is for, or make it anew with subjectAltName=DNS:a.org",
  });
});
