/**
 * A real SMTP server, aiosmtpd, on the loopback interface. By default it requires STARTTLS.
 *
 * Call `const smtpTest = await smtpSuite()` once in a test file, and `smtpTest("name", body)` for
 * each test.
 *
 * @module
 */

import { installEnvironment } from "../../scripts/python/environment.ts";
import { installOrStub } from "./installed_suite.ts";

const AIOSMTPD = {
  title: "aiosmtpd",
  name: "aiosmtpd",
  package: "aiosmtpd",
  version: "1.4.6",
  others: ["trustme==1.2.1", "attrs==26.1.0"],
} as const;

/** The settings of the server. */
export interface SmtpOptions {
  /** @default {"starttls"} */
  readonly security?: "starttls" | "tls" | "none";
  /** If set, clients must log in with it. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The largest mail that it accepts, in bytes. @default {33554432} */
  readonly size?: number;
  /** Refuses every client: its EHLO, or the connection with 421. */
  readonly greeting?: "helo" | "busy";
}

/** A mail that the server accepted. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** The mail with headers, as it was sent. */
  readonly data: string;
  /** Whether the connection used TLS. */
  readonly tls: boolean;
  /** The user name of the login; null without a login. */
  readonly user: string | null;
  /** The name in EHLO. */
  readonly helo: string;
}

/** Registers one test. */
export type SmtpTest = (name: string, body: () => Promise<void>) => void;

/** Installs the server if it is missing. If that fails, the tests are skipped, or fail in CI. */
export async function smtpSuite(): Promise<SmtpTest> {
  const stub = await installOrStub("a real SMTP server", () => installEnvironment(AIOSMTPD));
  return stub ?? ((name, body) => Deno.test(name, body));
}

/** A line that the server prints. */
type ServerLine = { readonly port: number } | { readonly quit: string } | ReceivedMail;

/** A running server. */
export class SmtpServer implements AsyncDisposable {
  readonly #options: SmtpOptions;
  readonly #folder: string;
  readonly #mails: ReceivedMail[] = [];
  #child: Deno.ChildProcess | undefined;
  #reading: Promise<void> = Promise.resolve();
  #wake = Promise.withResolvers<void>();
  #quits = 0;
  #port = 0;

  private constructor(options: SmtpOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** Starts a server with an empty mailbox. */
  static async start(options: SmtpOptions = {}): Promise<SmtpServer> {
    const server = new SmtpServer(options, await Deno.makeTempDir({ prefix: "matrix-notify-smtp-" }));
    await server.begin();
    return server;
  }

  /** Its TCP port. It stays the same after {@linkcode end} and {@linkcode begin}. */
  get port(): number {
    return this.#port;
  }

  /** The path of the certificate of its authority. */
  get caFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** All accepted mails, in order. */
  get mails(): readonly ReceivedMail[] {
    return this.#mails;
  }

  /** Waits until so many clients have sent QUIT. */
  async waitForQuits(count: number): Promise<void> {
    while (this.#quits < count) await this.#wake.promise;
  }

  /** Waits until the server has accepted so many mails. */
  async waitForMails(count: number): Promise<void> {
    while (this.#mails.length < count) await this.#wake.promise;
  }

  /** Starts it on its former port. */
  async begin(): Promise<void> {
    const { security = "starttls", login, size, greeting } = this.#options;
    const options = { folder: this.#folder, port: this.#port, security, size, greeting, ...login };
    const script = new URL("smtp_server.py", import.meta.url).pathname;
    this.#child = new Deno.Command(await installEnvironment(AIOSMTPD), {
      args: ["-I", "-W", "ignore", script, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const ready = Promise.withResolvers<number>();
    this.#reading = this.#read(this.#child.stdout, ready);
    this.#port = await ready.promise;
  }

  /** Kills it. */
  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await child.stdin.abort().catch(() => {});
    await Promise.all([child.status, this.#reading]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #read(stdout: ReadableStream<Uint8Array<ArrayBuffer>>, ready: PromiseWithResolvers<number>): Promise<void> {
    let rest = "";
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#receive(JSON.parse(line), ready);
    }
    ready.reject(new Error("Cannot start aiosmtpd: the process ended"));
  }

  #receive(message: ServerLine, ready: PromiseWithResolvers<number>): void {
    if ("port" in message) return ready.resolve(message.port);
    if ("quit" in message) this.#quits++;
    else this.#mails.push({ ...message, data: new TextDecoder().decode(Uint8Array.fromBase64(message.data)) });
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
