/**
 * A real SMTP server, aiosmtpd, on the loopback interface: it wants TLS before anything else, and who logs in must know the password.
 *
 * A file says `const smtpTest = await smtpSuite()`, and then `smtpTest("name", body)` for each of its tests.
 *
 * @module
 */

import { installEnvironment } from "../../scripts/python/environment.ts";
import { installOrStub } from "../python_suite.ts";

/** The versions that tests prove something about. */
const AIOSMTPD = {
  title: "aiosmtpd",
  name: "aiosmtpd",
  package: "aiosmtpd",
  version: "1.4.6",
  others: ["trustme==1.2.1", "attrs==26.1.0"],
} as const;

/** How the server behaves. */
export interface SmtpOptions {
  /** @default {"starttls"} */
  readonly security?: "starttls" | "tls" | "none";
  /** With it nobody sends without logging in. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The largest mail, in bytes. */
  readonly size?: number;
}

/** A mail that the server has taken. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** The mail as it came over the wire. */
  readonly data: string;
  /** Whether it came over TLS. */
  readonly tls: boolean;
  /** Who had logged in. */
  readonly user: string | null;
}

/** Registers the tests of a file. */
export type SmtpTest = (name: string, body: () => Promise<void>) => void;

/** Prepares the tests of one file: installs the server where it is not yet. */
export async function smtpSuite(): Promise<SmtpTest> {
  const stub = await installOrStub("a real SMTP server", () => installEnvironment(AIOSMTPD));
  return stub ?? ((name, body) => Deno.test(name, body));
}

/** A server that runs. */
export class SmtpPeer implements AsyncDisposable {
  readonly #options: SmtpOptions;
  readonly #folder: string;
  readonly #mails: TakenMail[] = [];
  #child: Deno.ChildProcess | undefined;
  #reading: Promise<void> = Promise.resolve();
  #wake = Promise.withResolvers<void>();
  #port = 0;

  private constructor(options: SmtpOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** Starts a server with an empty mailbox. */
  static async start(options: SmtpOptions = {}): Promise<SmtpPeer> {
    const peer = new SmtpPeer(options, await Deno.makeTempDir({ prefix: "matrix-notify-smtp-" }));
    await peer.begin();
    return peer;
  }

  /** Where it listens; the same after {@linkcode end} and {@linkcode begin}. */
  get port(): number {
    return this.#port;
  }

  /** The certificate of the authority that signed the server's. */
  get caFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** What it has taken, in order. */
  get mails(): readonly TakenMail[] {
    return this.#mails;
  }

  /** Waits until it has taken so many mails. */
  async taken(count: number): Promise<void> {
    while (this.#mails.length < count) await this.#wake.promise;
  }

  /** Starts it, on the port that it had before. */
  async begin(): Promise<void> {
    const { security = "starttls", login, size } = this.#options;
    const options = { folder: this.#folder, port: this.#port, security, size, ...login };
    const script = new URL("peer.py", import.meta.url).pathname;
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

  /** Ends it like a killed process. */
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
      for (const line of lines) this.#hear(JSON.parse(line), ready);
    }
    ready.reject(new Error("Cannot start aiosmtpd: it ended by itself"));
  }

  #hear(message: { readonly port: number } | TakenMail, ready: PromiseWithResolvers<number>): void {
    if ("port" in message) return ready.resolve(message.port);
    const data = new TextDecoder().decode(Uint8Array.fromBase64(message.data));
    this.#mails.push({ ...message, data });
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
