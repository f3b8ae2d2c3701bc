/** A loopback proxy for HTTP (CONNECT and plain requests) and SOCKS5. It logs its connections. */

/** The settings of the proxy. */
export interface ProxyOptions {
  /** The required value of `Proxy-Authorization` after `Basic `; without it the answer is 407. */
  readonly credentials?: string;
  /** The status of every answer, if all connections are refused: `403 Forbidden`. */
  readonly refuses?: string;
}

/** A running proxy. */
export interface LoopbackProxy extends AsyncDisposable {
  readonly host: string;
  /** The connections so far: `CONNECT localhost:443`, `PUT http://…`, `SOCKS localhost:443`. */
  readonly passed: string[];
}

const ENCODER = new TextEncoder();

/** Starts a proxy on a free port. */
export function startProxy(options: ProxyOptions = {}): LoopbackProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const passed: string[] = [], open = new Set<Deno.Conn>(), work: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      work.push(serve(connection, options, passed, open).catch(() => {}).finally(() => end(connection, open)));
    }
  })();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    passed,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) end(connection, open);
      await accepting;
      await Promise.all(work);
    },
  };
}

async function serve(
  client: Deno.Conn,
  { credentials, refuses }: ProxyOptions,
  passed: string[],
  open: Set<Deno.Conn>,
): Promise<void> {
  const first = await read(client);
  if (first[0] === 5) {
    await client.write(Uint8Array.of(5, 0));
    const request = await read(client);
    const { hostname, port } = socksTarget(request);
    passed.push(`SOCKS ${hostname}:${port}`);
    const server = await Deno.connect({ hostname, port });
    await client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    return await join(client, server, open);
  }
  const head = new TextDecoder().decode(first);
  const [method, target] = head.split(" ");
  passed.push(`${method} ${target}`);
  const given = /^proxy-authorization: Basic (.*)\r$/im.exec(head)?.[1];
  const refusal = credentials !== undefined && given !== credentials ? "407 Proxy Authentication Required" : refuses;
  if (refusal !== undefined) {
    await client.write(ENCODER.encode(`HTTP/1.1 ${refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`));
    return;
  }
  const url = new URL(method === "CONNECT" ? `http://${target}` : target);
  const server = await Deno.connect({ hostname: url.hostname, port: Number(url.port || 80) });
  if (method === "CONNECT") await client.write(ENCODER.encode("HTTP/1.1 200 Connection established\r\n\r\n"));
  else await server.write(first);
  await join(client, server, open);
}

async function join(client: Deno.Conn, server: Deno.Conn, open: Set<Deno.Conn>): Promise<void> {
  open.add(server);
  const pipe = (from: Deno.Conn, to: Deno.Conn) => from.readable.pipeTo(to.writable).catch(() => {});
  await Promise.all([pipe(client, server), pipe(server, client)]);
  end(server, open);
}

async function read(connection: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(16_384);
  return buffer.subarray(0, await connection.read(buffer) ?? 0);
}

/** RFC 1928, section 4: version, command, reserved, type of address, address, port. */
function socksTarget(request: Uint8Array): { hostname: string; port: number } {
  const isName = request[3] === 3;
  const from = isName ? 5 : 4, to = isName ? 5 + request[4] : 8;
  const hostname = isName ? new TextDecoder().decode(request.subarray(from, to)) : request.subarray(4, 8).join(".");
  return { hostname, port: request[to] * 256 + request[to + 1] };
}

function end(connection: Deno.Conn, open: Set<Deno.Conn>): void {
  open.delete(connection);
  try {
    connection.close();
  } catch {
    return;
  }
}
