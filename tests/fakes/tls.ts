/**
 * Loopback servers with TLS. `scripts/certificates.ts` creates their certificates in
 * `tests/fakes/tls/`.
 */

import { createServer } from "node:https";

/** The path of a certificate or a key. */
export function tlsFile(name: string): string {
  return new URL(`tls/${name}`, import.meta.url).pathname;
}

export interface TlsServerOptions {
  /** The name of its certificate. @default {"server"} */
  readonly certificate?: string;
  /** Whether it requires a client certificate from our authority. */
  readonly asksForClient?: boolean;
}

/** A server that was started. */
export interface TlsServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server that answers every request with 200 and `{}`. */
export async function serveTls(
  { certificate = "server", asksForClient = false }: TlsServerOptions = {},
): Promise<TlsServer> {
  const read = (name: string) => Deno.readTextFileSync(tlsFile(name));
  const server = createServer({
    cert: read(`${certificate}.pem`),
    key: read(`${certificate}.key`),
    ...(asksForClient ? { ca: read("authority.pem"), requestCert: true, rejectUnauthorized: true } : {}),
  }, (_request, response) => {
    response.writeHead(200, { Connection: "close" });
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Cannot serve: no port was given");
  return {
    port: address.port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Starts a reverse proxy with TLS for a server without TLS. */
export function startTlsFront(target: string): TlsServer {
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(tlsFile("server.pem")),
    key: Deno.readTextFileSync(tlsFile("server.key")),
  });
  const work: Promise<unknown>[] = [];
  const accepting = (async () => {
    for await (const client of listener) work.push(join(client, target));
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(work);
    },
  };
}

async function join(client: Deno.TlsConn, target: string): Promise<void> {
  const { hostname, port } = new URL(target);
  const server = await Deno.connect({ hostname, port: Number(port) });
  const pipe = (from: Deno.Conn, to: Deno.Conn) => from.readable.pipeTo(to.writable).catch(() => {});
  await Promise.all([pipe(client, server), pipe(server, client)]);
}
