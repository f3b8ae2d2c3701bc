/**
 * An SMTP server that accepts every mail of the size that every server must accept. It runs in the
 * process of the test, without TLS.
 */

/**
 * The largest mail without attachments, in bytes: the size that every server must accept (RFC 5321,
 * section 4.5.3.1.7).
 */
const MAX_BYTES = 64 * 1024;

export class MailSink implements AsyncDisposable {
  /** All accepted mails, in order. */
  readonly mails: Uint8Array[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving: Promise<void> = this.#serve();

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(): Promise<void> {
    const dialogues: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      // The client may close the connection at any time.
      dialogues.push(this.#converse(connection).catch(() => {}).finally(() => this.#close(connection)));
    }
    await Promise.all(dialogues);
  }

  async #converse(connection: Deno.Conn): Promise<void> {
    const answer = (line: string) => connection.write(new TextEncoder().encode(`${line}\r\n`));
    await answer("220 mail.test");
    let isData = false, rest = "";
    const buffer = new Uint8Array(65_536);
    for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
      // Each byte becomes one character, so that no byte changes.
      rest += String.fromCharCode(...buffer.subarray(0, read));
      for (let end = endOf(rest, isData); end >= 0; end = endOf(rest, isData)) {
        const part = rest.slice(0, end);
        rest = rest.slice(end);
        if (/^QUIT/i.test(part) && !isData) return void await answer("221 bye");
        const isStart: boolean = !isData && /^DATA/i.test(part);
        await answer(isData ? this.#accept(part) : isStart ? "354 go on" : "250 ok");
        isData = isStart;
      }
    }
  }

  #accept(data: string): string {
    if (data.length > MAX_BYTES && !/^Content-Type: multipart\/mixed/im.test(data)) return "552 5.3.4 too large";
    const mail = data.replace(/\.\r\n$/, "").replace(/^\.\./gm, ".");
    this.mails.push(Uint8Array.from(mail, (character) => character.charCodeAt(0)));
    return "250 ok";
  }

  #close(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) this.#close(connection);
    await this.#serving;
  }
}

/** Returns the end of the first command or mail; -1 if it has not arrived. */
function endOf(text: string, isData: boolean): number {
  const ending = isData ? "\r\n.\r\n" : "\r\n";
  const at = text.indexOf(ending);
  return at < 0 ? -1 : at + ending.length;
}
