/**
 * Two services that Postfix asks: a login server with the protocol of Dovecot, and a greylist with
 * the policy delegation protocol (`SMTPD_POLICY_README`).
 *
 * @module
 */

/** Answers the lines of each client until it is disposed of. */
export class LineServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;

  constructor(greeting: string, answer: (line: string) => string) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#done = this.#accept(greeting, answer);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(greeting: string, answer: (line: string) => string): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      serving.push(
        serve(connection, greeting, answer).catch(() => {}).finally(() => this.#connections.delete(connection)),
      );
    }
    await Promise.all(serving);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#done;
  }
}

async function serve(connection: Deno.TcpConn, greeting: string, answer: (line: string) => string): Promise<void> {
  const writer = connection.writable.getWriter();
  const write = (text: string) => writer.write(new TextEncoder().encode(text));
  if (greeting !== "") await write(greeting);
  let rest = "";
  for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const reply = answer(line);
      if (reply !== "") await write(reply);
    }
  }
}

/**
 * Starts a login server: `smtpd_sasl_type = dovecot`. It knows the mechanism PLAIN.
 *
 * @param users the users that it knows, with their passwords
 */
export function startLoginServer(users: Readonly<Record<string, string>>): LineServer {
  const greeting = "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n";
  return new LineServer(greeting, (line) => {
    const [command, id, , ...parameters] = line.split("\t");
    if (command !== "AUTH") return "";
    const response = parameters.find((each) => each.startsWith("resp="))?.slice(5) ?? "";
    const [, user = "", password = ""] = new TextDecoder().decode(Uint8Array.fromBase64(response)).split("\0");
    const isKnown = Object.hasOwn(users, user) && users[user] === password;
    return `${isKnown ? "OK" : "FAIL"}\t${id}\tuser=${user}\n`;
  });
}

/**
 * Starts a greylist. It defers the first attempt for each recipient, and permits every later one.
 */
export function startGreylist(): LineServer {
  const seen = new Set<string>();
  let recipient = "";
  return new LineServer("", (line) => {
    if (line.startsWith("recipient=")) recipient = line.slice("recipient=".length);
    if (line !== "") return "";
    const isFirst = !seen.has(recipient);
    seen.add(recipient);
    return isFirst ? "action=DEFER_IF_PERMIT Greylisted, try again later\n\n" : "action=DUNNO\n\n";
  });
}
