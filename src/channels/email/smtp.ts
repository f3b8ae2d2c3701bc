/**
 * Sends one mail over an SMTP connection, and converts failures to our error classes. Only this
 * file imports the SMTP library, so this file is loaded only when a connection is needed.
 *
 * ```text
 * connect, TLS, log in, MAIL, RCPT, DATA    if a step fails, the mail was not delivered
 * the last byte of the mail                 if there is no answer, the outcome is unknown
 * the answer                                2xx: delivered; 4xx: try later; 5xx: rejected
 * ```
 *
 * @module
 */

import { createSecureContext, type SecureContext } from "node:tls";
import MailComposer from "npm:nodemailer@10.6.0/lib/mail-composer";
import SMTPConnection from "npm:nodemailer@10.6.0/lib/smtp-connection";
import { ConfigError, TransportError } from "../../base/errors.ts";
import { eitherSignal, untilAborted } from "../../runtime/abort.ts";
import { requireTrustedFile } from "../../runtime/secret_file.ts";
import type { MailContent } from "./message.ts";
import type { SmtpMail, SmtpOptions, SmtpServer } from "./smtp_server.ts";
import { silenceHint, type SmtpContext, toSmtpError } from "./smtp_errors.ts";

/** The longest time to wait for the answer to QUIT, in milliseconds. */
const GOODBYE_MS = 2_000;

/**
 * Sends a mail.
 *
 * @throws {TransportError | ResponseError} if the mail was not accepted, or if the outcome is
 * unknown
 * @throws {ConfigError} if the file of certificate authorities cannot be read
 */
export async function sendMail(server: SmtpServer, mail: SmtpMail, options: SmtpOptions): Promise<void> {
  const bytes = await build(mail.content);
  const { to } = mail.envelope;
  await converse(server, { ...options, to, size: bytes.length }, (session) => session.send(mail.envelope, bytes));
}

/**
 * Connects, encrypts, logs in and disconnects, without sending a mail.
 *
 * @throws {TransportError | ResponseError} if a step fails
 * @throws {ConfigError} if the file of certificate authorities cannot be read
 */
export async function greet(server: SmtpServer, options: SmtpOptions): Promise<void> {
  await converse(server, options, () => Promise.resolve());
}

/** The options of a connection, and the recipient and the size of the mail for error messages. */
type Conversation = SmtpOptions & Pick<SmtpContext, "to" | "size">;

async function converse(server: SmtpServer, options: Conversation, work: (session: Session) => Promise<void>) {
  const session = new Session(server, options.timeoutMs);
  const { timeout, timeoutMs, signal, to, size } = options;
  const { host, port, security } = server;
  const limit = timeout(timeoutMs);
  try {
    await session.run(eitherSignal(signal, limit), async () => {
      await session.connect();
      if (server.login) await session.login(server.login);
      await work(session);
    });
  } catch (error) {
    if (signal?.aborted || limit.aborted) session.close();
    else await session.quit(timeout(GOODBYE_MS));
    if (signal?.aborted) throw signal.reason;
    if (!limit.aborted) throw toSmtpError(error, { host, port, security, to, size, isOut: session.isOut });
    const phase = session.isOut ? "timeout" : "connect";
    const hint = session.isConnected ? undefined : silenceHint(security);
    throw new TransportError(phase, `No answer from ${host} within ${timeoutMs / 1000} s`, { hint });
  }
  await session.quit(timeout(GOODBYE_MS));
}

/**
 * Builds the bytes of a mail. If the mail contains file paths or web addresses, the library must
 * not open them.
 */
async function build({ headers, attachments, ...content }: MailContent): Promise<Uint8Array> {
  const files = attachments.map(({ content, contentType, ...file }) => ({
    ...file,
    contentType: contentType.startsWith("text/") && isUtf8(content) ? `${contentType}; charset=utf-8` : contentType,
    content: content.toBase64(),
    encoding: "base64",
  }));
  const access = { disableFileAccess: true, disableUrlAccess: true };
  const mail = { ...content, headers: { ...headers }, attachments: files, ...access };
  return await new MailComposer(mail).compile().build();
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** A connection. Its methods return promises, which reject if the connection fails. */
class Session {
  /** True if the server has answered the command EHLO. */
  isConnected = false;
  /** True if the whole mail was sent. In this case, the server may have accepted the mail. */
  isOut = false;
  readonly #connection: SMTPConnection;
  readonly #failed = Promise.withResolvers<never>();
  readonly #ended = Promise.withResolvers<void>();

  constructor({ host, port, security, caFile, ehloName, hostname }: SmtpServer, timeoutMs: number) {
    const ignore = () => {};
    const name = ehloName ?? findFullName(hostname, readHosts);
    this.#connection = new SMTPConnection({
      ...{
        host,
        port,
        secure: security === "tls",
        requireTLS: security === "starttls",
        ignoreTLS: security === "none",
        name,
      },
      ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, socketCloseTimeout: 0 },
      ...(caFile === undefined ? {} : { tls: { secureContext: trustAlso(caFile) } }),
      // Two necessary events appear only in the log of the library. `message`: the last byte of a
      // mail is sent. `localAddress`: the connection is established, and EHLO is not sent yet.
      logger: {
        ...{ trace: ignore, debug: ignore, warn: ignore, error: ignore, fatal: ignore },
        info: (entry: unknown) => {
          if (typeof entry !== "object" || entry === null || !("tnx" in entry)) return;
          if (entry.tnx === "message") this.isOut = true;
          if (name === undefined && "localAddress" in entry) {
            this.#connection.name = toLiteral(String(entry.localAddress));
          }
        },
      },
    });
    this.#failed.promise.catch(ignore);
    this.#connection.on("error", (error) => this.#failed.reject(error));
    this.#connection.on("end", () => this.#ended.resolve());
  }

  /** Runs a function. Rejects as soon as the connection fails or the signal aborts. */
  async run(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    await untilAborted(Promise.race([work(), this.#failed.promise]), signal);
  }

  async connect(): Promise<void> {
    await this.#step((done) => this.#connection.connect(done));
    this.isConnected = true;
  }

  login({ user, password }: { readonly user: string; readonly password: string }): Promise<void> {
    return this.#step((done) => this.#connection.login({ user, pass: password }, done));
  }

  send({ from, to }: SmtpMail["envelope"], bytes: Uint8Array): Promise<void> {
    const message = new TextDecoder().decode(bytes);
    return this.#step((done) => this.#connection.send({ from, to: [to], size: bytes.length }, message, done));
  }

  /** Ends the connection. Errors are ignored, because the connection is not needed any more. */
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

/**
 * Returns a TLS context that trusts the certificate authorities in a file, in addition to those of
 * Deno. The option `ca` cannot be used, because it replaces Deno's authorities. Reading Deno's
 * authorities needs the permission `--allow-sys=ca`.
 */
function trustAlso(caFile: string): SecureContext {
  const secureContext = createSecureContext(), certificates = requireTrustedFile(caFile, "caFile");
  try {
    secureContext.context.addCACert(certificates);
  } catch (error) {
    throw new ConfigError(`Cannot use caFile ${caFile}: it cannot be read`, { cause: error });
  }
  return secureContext;
}

function readHosts(): string {
  try {
    return Deno.readTextFileSync("/etc/hosts");
  } catch {
    return "";
  }
}

/**
 * Finds the full name of a host, such as `jump.example.org`; returns undefined if no full name is
 * known. Many servers refuse a name without a dot.
 *
 * @param hostname the name of the host, with or without its domain
 * @param readHosts returns the content of `/etc/hosts`; called only if `hostname` has no domain
 */
export function findFullName(hostname: string, readHosts: () => string): string | undefined {
  if (hostname.includes(".")) return hostname;
  const lines = readHosts().split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/).slice(1));
  return lines.find((names) => names.includes(hostname))?.find((name) => name.startsWith(`${hostname}.`));
}

/** Formats an IP address for the command EHLO (RFC 5321, section 4.1.3). */
function toLiteral(address: string): string {
  return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`;
}
