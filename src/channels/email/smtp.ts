/**
 * One SMTP connection for at most one mail, with the failures that delivery distinguishes. The
 * courier retries. Only this file imports the library, which has sockets and timers of its own. It
 * is loaded late.
 *
 * ```text
 * connect, TLS, log in, MAIL, RCPT, DATA    if this fails, nothing was delivered
 * the last byte of the mail                 without an answer after it, the mail is in doubt
 * the answer                                2xx: delivered; 4xx: not now; 5xx: never
 * ```
 *
 * @module
 */

import MailComposer from "npm:nodemailer@10.6.0/lib/mail-composer";
import SMTPConnection from "npm:nodemailer@10.6.0/lib/smtp-connection";
import { ConfigError, TransportError } from "../../base/errors.ts";
import { untilAborted } from "../../runtime/abort.ts";
import type { MailContent } from "./message.ts";
import type { SmtpMail, SmtpOptions, SmtpServer } from "./smtp_server.ts";
import { toSmtpError } from "./smtp_errors.ts";

/** How long a server may take to answer QUIT after it accepted the mail. */
const GOODBYE_MS = 2_000;

/**
 * Sends a mail.
 *
 * @throws {TransportError | ResponseError} if it was not accepted, as far as is known
 * @throws {ConfigError} if the file of authorities cannot be read
 */
export async function sendMail(server: SmtpServer, mail: SmtpMail, options: SmtpOptions): Promise<void> {
  const bytes = await build(mail.content);
  await converse(server, options, (session) => session.send(mail.envelope, bytes));
}

/**
 * Connects, encrypts and logs in like before a mail, and disconnects.
 *
 * @throws {TransportError | ResponseError} if that fails
 * @throws {ConfigError} if the file of authorities cannot be read
 */
export async function greet(server: SmtpServer, options: SmtpOptions): Promise<void> {
  await converse(server, options, () => Promise.resolve());
}

async function converse(server: SmtpServer, options: SmtpOptions, work: (session: Session) => Promise<void>) {
  const session = new Session(server, options.timeoutMs);
  const { timeout, timeoutMs, signal } = options;
  const limit = timeout(timeoutMs);
  try {
    await session.run(signal === undefined ? limit : AbortSignal.any([signal, limit]), async () => {
      await session.connect();
      if (server.login) await session.login(server.login);
      await work(session);
    });
  } catch (error) {
    session.close();
    if (signal?.aborted) throw signal.reason;
    if (!limit.aborted) throw toSmtpError(error, { host: server.host, isOut: session.isOut });
    const phase = session.isOut ? "timeout" : "connect";
    throw new TransportError(phase, `No answer from ${server.host} within ${timeoutMs / 1000} s`);
  }
  await session.quit(timeout(GOODBYE_MS));
}

/** The library must not read files or addresses that a mail names. */
async function build({ headers, attachments, ...content }: MailContent): Promise<Uint8Array> {
  const files = attachments.map((file) => ({ ...file, content: file.content.toBase64(), encoding: "base64" }));
  const access = { disableFileAccess: true, disableUrlAccess: true };
  const mail = { ...content, headers: { ...headers }, attachments: files, ...access };
  return await new MailComposer(mail).compile().build();
}

/** A connection as promises. If the connection fails, they reject. */
class Session {
  /** Whether the whole mail was sent, so that the server may have accepted it. */
  isOut = false;
  readonly #connection: SMTPConnection;
  readonly #failed = Promise.withResolvers<never>();
  readonly #ended = Promise.withResolvers<void>();

  constructor({ host, port, security, caFile }: SmtpServer, timeoutMs: number) {
    const ignore = () => {};
    this.#connection = new SMTPConnection({
      ...{
        host,
        port,
        secure: security === "tls",
        requireTLS: security === "starttls",
        ignoreTLS: security === "none",
      },
      ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, socketCloseTimeout: 0 },
      ...(caFile === undefined ? {} : { tls: { ca: readCertificates(caFile) } }),
      // Only the log of the library says that the last byte of a mail was sent.
      logger: {
        ...{ trace: ignore, debug: ignore, warn: ignore, error: ignore, fatal: ignore },
        info: (entry: unknown) => {
          if (typeof entry === "object" && entry !== null && "tnx" in entry && entry.tnx === "message") {
            this.isOut = true;
          }
        },
      },
    });
    this.#failed.promise.catch(ignore);
    this.#connection.on("error", (error) => this.#failed.reject(error));
    this.#connection.on("end", () => this.#ended.resolve());
  }

  /** Does the work. Rejects as soon as the connection fails or the signal aborts. */
  async run(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    await untilAborted(Promise.race([work(), this.#failed.promise]), signal);
  }

  connect(): Promise<void> {
    return this.#step((done) => this.#connection.connect(done));
  }

  login({ user, password }: { readonly user: string; readonly password: string }): Promise<void> {
    return this.#step((done) => this.#connection.login({ user, pass: password }, done));
  }

  send({ from, to }: SmtpMail["envelope"], bytes: Uint8Array): Promise<void> {
    const message = new TextDecoder().decode(bytes);
    return this.#step((done) => this.#connection.send({ from, to: [to], size: bytes.length }, message, done));
  }

  /** The mail is delivered by now, so a failure of QUIT does not matter. */
  async quit(limit: AbortSignal): Promise<void> {
    this.#connection.quit();
    await untilAborted(Promise.race([this.#ended.promise, this.#failed.promise]), limit).catch(() => {});
    this.close();
  }

  close(): void {
    this.#connection.close();
  }

  #step(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => start((error) => error ? reject(error) : resolve()));
  }
}

function readCertificates(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new ConfigError(`Cannot use caFile ${path}: it cannot be read`, { cause: error });
  }
}
