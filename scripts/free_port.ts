/** The ports below the range from which the kernel takes the ports of outgoing connections. */
const FIRST_PORT = 20_000, PORTS = 12_000;

/**
 * Returns a free port of the loopback interface, for a server of another program, or as a port
 * where no server listens. No outgoing connection can take this port.
 */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
