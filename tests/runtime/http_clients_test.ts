/** Tests certificates and proxies with the real network stack. */

import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { freePort } from "../../scripts/free_port.ts";
import { readConnection } from "../../src/config/connection.ts";
import { formatTime } from "../../src/base/time.ts";
import { ConfigError, NotTheServiceError, TransportError } from "../../src/base/errors.ts";
import { Fields } from "../../src/base/fields.ts";
import { exchange } from "../../src/runtime/http.ts";
import { type Connection, HttpClients } from "../../src/runtime/http_clients.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { startProxy } from "../fakes/proxy.ts";
import { setScene } from "../fakes/scene.ts";
import { serveTls, startTlsFront, tlsFile, type TlsServerOptions } from "../fakes/tls.ts";
import { runCli, StateFolder } from "../synapse/cli.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

const CA = { caFile: tlsFile("authority.pem") };

/** Sends a request with the settings of a channel and an environment. */
async function ask(url: string, settings: Record<string, string> = {}, env: Record<string, string> = {}) {
  using runtime = denoRuntime();
  using clients = new HttpClients((name) => env[name]);
  const connection = readConnection(new Fields(settings, "channels.matrix"), "channels.matrix");
  const fetch = (url: string, init: RequestInit) => clients.fetch(url, init, connection);
  return await exchange({ ...runtime, fetch }, { method: "GET", url, timeoutMs: 20_000 });
}

/** Returns the message and the hint of a failure. */
async function failure(url: string, settings: Record<string, string> = {}, env: Record<string, string> = {}) {
  const error = await assertRejects(() => ask(url, settings, env));
  const hint = error instanceof TransportError || error instanceof ConfigError ? error.hint : undefined;
  const text = error instanceof Error ? error.message.replace(/:\d{4,5}\b/g, ":PORT") : String(error);
  return { error, text, hint };
}

async function tlsFailure(options: TlsServerOptions, settings: Record<string, string>, host = "localhost") {
  await using server = await serveTls(options);
  return await failure(`https://${host}:${server.port}/`, settings);
}

Deno.test("HttpClients.fetch() trusts the authority in caFile and those of the system, and no others", async () => {
  await using server = await serveTls();
  assertEquals((await ask(`https://localhost:${server.port}/`, CA)).status, 200);
  assertEquals((await ask(`https://127.0.0.1:${server.port}/`, CA)).status, 200);
  const { error, text, hint } = await failure(`https://localhost:${server.port}/`);
  assertInstanceOf(error, TransportError);
  assertEquals(error.phase, "connect");
  assertEquals(text, "Cannot connect to localhost:PORT: its certificate is not signed by a trusted authority");
  assertEquals(hint?.includes("set caFile to"), true);
});

Deno.test("HttpClients.fetch() trusts a self-signed certificate in caFile, but no authority's", async () => {
  await using server = await serveTls({ certificate: "self_signed" });
  assertEquals((await ask(`https://localhost:${server.port}/`, { caFile: tlsFile("self_signed.pem") })).status, 200);
  const { text, hint } = await tlsFailure({ certificate: "self_signed_authority" }, {
    caFile: tlsFile("self_signed_authority.pem"),
  });
  assertEquals(
    text,
    "Cannot connect to localhost:PORT: it uses the certificate of an authority (CA:TRUE), which a server must not use",
  );
  assertEquals(hint?.includes("basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost"), true);
});

Deno.test({
  name: "HttpClients.fetch() closes the clients of a closed connection, and completes its requests in flight",
  // Fails if a client is still open.
  sanitizeResources: true,
  async fn() {
    const end = Promise.withResolvers<void>();
    const stream = () =>
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("begin, "));
          await end.promise;
          controller.enqueue(new TextEncoder().encode("end"));
          controller.close();
        },
      });
    await using server = Deno.serve({ port: 0, onListen() {} }, () => new Response(stream()));
    const clients = new HttpClients(() => undefined);
    const closed = new AbortController();
    let reads = 0;
    const connection: Connection = {
      name: "channels.matrix",
      read: () => (reads++, {}),
      closed: closed.signal,
    };
    const url = `http://localhost:${server.addr.port}/`;
    const responses = [await clients.fetch(url, {}, connection), await clients.fetch(url, {}, connection)];
    const waiting = clients.fetch(url, {}, connection);
    closed.abort();
    end.resolve();
    const texts = await Promise.all([...responses, waiting].map(async (response) => (await response).text()));
    assertEquals([texts, reads], [Array(3).fill("begin, end"), 1]);
  },
});

Deno.test("exchange() explains certificates that cannot be used", async () => {
  const cases: [certificate: string, state: string][] = [
    ["expired", `its certificate expired on ${formatTime(Date.UTC(2021, 0, 1))}`],
    ["future", `its certificate is not valid before ${formatTime(Date.UTC(2100, 0, 1))}`],
    ["elsewhere", "its certificate is for other.example, not for localhost"],
    ["nameless", "its certificate is for no name, not for localhost"],
  ];
  for (const [certificate, state] of cases) {
    assertEquals((await tlsFailure({ certificate }, CA)).text, `Cannot connect to localhost:PORT: ${state}`);
  }
  const elsewhere = await tlsFailure({ certificate: "elsewhere" }, CA, "127.0.0.1");
  assertEquals(elsewhere.hint?.endsWith("subjectAltName=IP:127.0.0.1"), true);
  const impostor = await tlsFailure({}, { caFile: tlsFile("impostor.pem") });
  assertEquals(
    impostor.text,
    "Cannot connect to localhost:PORT: its certificate contains the name of an authority that did not sign it",
  );
});

Deno.test("exchange() explains plain http on a TLS port, and TLS on a plain one", async () => {
  await using tls = await serveTls();
  const plain = await failure(`http://localhost:${tls.port}/`);
  assertEquals(plain.text, "Connection to localhost:PORT broke: the server does not use plain http");
  await using homeserver = await LoopbackHomeserver.start();
  const secure = await failure(homeserver.url.replace("http://", "https://"));
  assertEquals(secure.text, "Cannot connect to 127.0.0.1:PORT: the server does not use TLS");
});

Deno.test("HttpClients.fetch() presents the client certificate", async () => {
  const folder = Deno.makeTempDirSync();
  const keyFile = `${folder}/client.key`, certFile = tlsFile("client.pem");
  Deno.copyFileSync(tlsFile("client.key"), keyFile);
  Deno.chmodSync(keyFile, 0o600);
  await using server = await serveTls({ asksForClient: true });
  const url = `https://localhost:${server.port}/`;
  assertEquals((await ask(url, { ...CA, certFile, keyFile })).status, 200);
  const none = await failure(url, CA);
  assertEquals(none.text.endsWith(": it requires a client certificate"), true, none.text);
  const foreign = await failure(url, { ...CA, certFile: tlsFile("self_signed.pem"), keyFile });
  assertEquals(foreign.text, "Cannot use channels.matrix.keyFile: it is not the key of the certificate");
  Deno.chmodSync(keyFile, 0o644);
  const open = await failure(url, { ...CA, certFile, keyFile });
  assertInstanceOf(open.error, ConfigError);
  assertEquals(open.hint, `run: chmod 600 ${keyFile}`);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("HttpClients.fetch() rejects invalid files, and reads them again once they are fixed", async () => {
  const folder = Deno.makeTempDirSync();
  const caFile = `${folder}/ca.pem`;
  await using server = await serveTls();
  const url = `https://localhost:${server.port}/`;
  const missing = await failure(url, { caFile });
  assertEquals(missing.text, `Cannot use channels.matrix.caFile ${caFile}: there is no such file`);
  Deno.writeTextFileSync(caFile, "no certificate");
  const wrong = await failure(url, { caFile });
  assertEquals(
    wrong.text,
    `Cannot use channels.matrix.caFile ${caFile}: it does not contain a certificate in PEM format`,
  );
  using runtime = denoRuntime();
  const connection = readConnection(new Fields({ caFile }, "channels.matrix"), "channels.matrix");
  Deno.writeTextFileSync(caFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  await assertRejects(() => runtime.fetch(url, {}, connection), ConfigError, "the certificates of channels.matrix");
  Deno.copyFileSync(CA.caFile, caFile);
  assertEquals(await (await runtime.fetch(url, {}, connection)).text(), "{}");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("HttpClients.fetch() keeps no idle connection, because a broken one would make it send twice", async () => {
  const ports = new Set<number>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (_request, { remoteAddr }) => {
    ports.add(remoteAddr.port);
    return new Response("{}");
  });
  using clients = new HttpClients(() => undefined);
  const connection = readConnection(new Fields(CA, "channels.matrix"), "channels.matrix");
  const url = `http://127.0.0.1:${server.addr.port}/`;
  for (let n = 0; n < 3; n++) await (await clients.fetch(url, { method: "PUT" }, connection)).text();
  assertEquals(ports.size, 3);
});

Deno.test("HttpClients.fetch() uses the channel's proxy, over http, https and socks5", async () => {
  await using server = await serveTls();
  await using homeserver = await LoopbackHomeserver.start();
  await using proxy = startProxy();
  const secure = `https://localhost:${server.port}/`, plain = `${homeserver.url}/_matrix/client/versions`;
  for (const scheme of ["http", "socks5", "socks5h"]) {
    assertEquals((await ask(secure, { ...CA, proxy: `${scheme}://${proxy.host}` })).status, 200);
  }
  assertEquals((await ask(plain, { proxy: `http://${proxy.host}` })).status, 200);
  const { port } = server;
  assertEquals(proxy.passed, [
    `CONNECT localhost:${port}`,
    `SOCKS localhost:${port}`,
    `SOCKS localhost:${port}`,
    `GET ${plain}`,
  ]);
});

Deno.test("HttpClients.fetch() uses the environment's proxy, except for hosts in NO_PROXY", async () => {
  await using server = await serveTls();
  await using proxy = startProxy();
  const url = `https://localhost:${server.port}/`;
  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
    assertEquals((await ask(url, CA, { [name]: `http://${proxy.host}` })).status, 200);
  }
  assertEquals(proxy.passed.length, 4);
  assertEquals((await ask(url, CA, { HTTP_PROXY: `http://${proxy.host}` })).status, 200);
  for (const NO_PROXY of ["localhost", "LOCALHOST", `localhost:${server.port}`, "a b localhost"]) {
    assertEquals((await ask(url, CA, { HTTPS_PROXY: `http://${proxy.host}`, NO_PROXY })).status, 200);
    assertEquals((await ask(url, { ...CA, proxy: `http://${proxy.host}` }, { NO_PROXY })).status, 200);
  }
  assertEquals(proxy.passed.length, 4);
});

Deno.test("HttpClients.fetch() ignores HTTP_PROXY in a CGI program", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using proxy = startProxy();
  const url = `${homeserver.url}/_matrix/client/versions`, address = `http://${proxy.host}`;
  assertEquals((await ask(url, {}, { HTTP_PROXY: address, REQUEST_METHOD: "POST" })).status, 200);
  assertEquals(proxy.passed, []);
  assertEquals((await ask(url, {}, { http_proxy: address, REQUEST_METHOD: "POST" })).status, 200);
  assertEquals(proxy.passed, [`GET ${url}`]);
});

Deno.test("HttpClients.fetch() rejects a proxy in the environment with an unknown scheme", async () => {
  const { text, error } = await failure("https://localhost:1/", {}, { HTTPS_PROXY: "socks4://127.0.0.1:1080" });
  assertInstanceOf(error, ConfigError);
  assertEquals(text, "Cannot use HTTPS_PROXY: it must begin with http://, https:// or socks5://, not socks4://");
});

Deno.test("HttpClients.fetch() sends the proxy the password in proxyFile, and never prints it", async () => {
  const folder = Deno.makeTempDirSync();
  const proxyFile = `${folder}/proxy`;
  await using server = await serveTls();
  await using proxy = startProxy({ credentials: btoa("user:p@ss") });
  Deno.writeTextFileSync(proxyFile, `http://user:p%40ss@${proxy.host}\n`, { mode: 0o600 });
  const url = `https://localhost:${server.port}/`;
  assertEquals((await ask(url, { ...CA, proxyFile })).status, 200);
  Deno.writeTextFileSync(proxyFile, `http://user:hush@${proxy.host}\n`);
  const { error, text } = await failure(url, { ...CA, proxyFile });
  assertEquals(
    text,
    "Cannot connect to localhost:PORT through the proxy 127.0.0.1:PORT: the proxy requires a user name and a password",
  );
  assertEquals(Deno.inspect(error).includes("hush"), false);
  Deno.chmodSync(proxyFile, 0o644);
  assertInstanceOf((await failure(url, { ...CA, proxyFile })).error, ConfigError);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("exchange() names the proxy when the proxy cannot be reached or refuses", async () => {
  const proxyAt = `127.0.0.1:${freePort()}`;
  for (const [scheme, state] of [["http", "Connection refused"], ["socks5", "the proxy cannot be reached"]]) {
    const down = await failure("https://matrix.example.org/", { proxy: `${scheme}://${proxyAt}` });
    assertEquals(down.text, `Cannot connect to matrix.example.org through the proxy 127.0.0.1:PORT: ${state}`);
    assertInstanceOf(down.error, TransportError);
    assertEquals(down.error.phase, "connect");
  }
  await using forbidding = startProxy({ refuses: "403 Forbidden" });
  const refused = await failure("https://matrix.example.org/", { proxy: forbidding.host });
  assertEquals(refused.text.endsWith(": the proxy does not allow this connection"), true, refused.text);
  await using locked = startProxy({ credentials: "none" });
  const plain = await failure("http://127.0.0.1:1234/", { proxy: locked.host });
  assertInstanceOf(plain.error, NotTheServiceError);
  assertEquals(plain.text, "The proxy for 127.0.0.1:PORT requires a user name and a password");
});

Deno.test("send bypasses the environment's proxy for a host in NO_PROXY, in capitals and with a port", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  await using proxy = startProxy();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const { port } = new URL(homeserver.url);
  const account = {
    MATRIX_HOMESERVER: `http://localhost:${port}`,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
  };
  const send = async (more: Record<string, string>) => {
    const env = { ...account, HTTP_PROXY: `http://${proxy.host}`, ...more };
    assertEquals((await runCli(["send", "Hello", "Body"], { stateDir: state.path, env })).code, 0);
  };
  await send({ NO_PROXY: `LOCALHOST:${port}` });
  assertEquals([proxy.passed.length, homeserver.events(room).length], [0, 1]);
  await send({ NO_PROXY: "example.org" });
  assertEquals(proxy.passed.filter((line) => line.startsWith("PUT ")).length, 1);
  assertEquals(homeserver.events(room).length, 2);
});

Deno.test("notify() delivers over TLS with the channel's authority, through the channel's proxy", async () => {
  await using scene = await setScene();
  await using front = startTlsFront(scene.homeserver.url);
  await using proxy = startProxy();
  const { accessToken, room } = scene;
  const matrix = { homeserver: `https://localhost:${front.port}`, accessToken, room };
  const own = { ...CA, proxy: `socks5://${proxy.host}` };
  await using trusting = await scene.open({ channels: { matrix: { ...matrix, ...own } } });
  const [delivered] = await trusting.notify({ subject: "Trusted" });
  assertEquals([delivered.state, scene.subjects()], ["delivered", ["Trusted"]]);
  assertEquals(new Set(proxy.passed), new Set([`SOCKS localhost:${front.port}`]));
  await using strange = await scene.open({ channels: { matrix } });
  const [queued] = await strange.notify({ subject: "Not trusted" }, { waitMs: 1 });
  assertEquals([queued.state, scene.subjects()], ["queued", ["Trusted"]]);
  assertEquals(
    fieldsOf(queued).reason?.includes("not signed by a trusted authority (if this is your own server"),
    true,
    fieldsOf(queued).reason,
  );
});

Deno.test("readConnection() rejects half a client certificate, two proxies, and a password", () => {
  const problem = (settings: Record<string, string>) => {
    try {
      readConnection(new Fields(settings, "channels.x"), "channels.x");
    } catch (error) {
      return error instanceof ConfigError ? error.message : error;
    }
  };
  assertEquals(problem({}), undefined);
  assertEquals(problem({ certFile: "a" }), "Cannot use channels.x.certFile: channels.x.keyFile is not set");
  assertEquals(problem({ keyFile: "a" }), "Cannot use channels.x.keyFile: channels.x.certFile is not set");
  assertEquals(problem({ proxy: "a", proxyFile: "b" }), "Cannot use channels.x.proxyFile: channels.x.proxy is set too");
  assertEquals(
    problem({ proxy: "http://u:hush@a" }),
    "Cannot use channels.x.proxy: it contains a user name or a password",
  );
  assertEquals(
    problem({ proxy: "ftp://a" }),
    "Cannot use channels.x.proxy: it must begin with http://, https:// or socks5://, not ftp://",
  );
});
