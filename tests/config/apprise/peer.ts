/** Runs the real Apprise in a process, and sends messages with it. */

import { installEnvironment } from "../../../scripts/python/environment.ts";
import { tlsFile } from "../../fakes/tls.ts";

/** The version for which docs/apprise.md was tested. */
export const APPRISE = { title: "Apprise", name: "apprise", package: "apprise", version: "2.2.0" } as const;

/**
 * The script replaces the address of Telegram, which is fixed in Apprise's source, and turns off
 * Apprise's rate limit.
 */
const SCRIPT = `
import json, sys, apprise
from apprise.plugins.matrix.base import NotifyMatrix
from apprise.plugins.telegram import NotifyTelegram
apprise.NotifyBase.request_rate_per_sec = NotifyMatrix.request_rate_per_sec = 0
for line in sys.stdin:
    url, title, body, telegram = json.loads(line)
    NotifyTelegram.notify_url = telegram + "/bot"
    service = apprise.Apprise()
    print("sent" if service.add(url) and service.notify(title=title, body=body) else "failed", flush=True)
`;

/** A running process. */
export class Apprise implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;

  private constructor(python: string, caFile: string) {
    const options = { stdin: "piped", stdout: "piped", stderr: "null" } as const;
    const env = { REQUESTS_CA_BUNDLE: caFile, SSL_CERT_FILE: caFile };
    this.#child = new Deno.Command(python, { args: ["-I", "-c", SCRIPT], env, ...options }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /**
   * Starts the process. The first call installs Apprise.
   *
   * @param caFile a PEM file of the authorities that Apprise trusts
   */
  static async start(caFile: string = tlsFile("authority.pem")): Promise<Apprise> {
    return new Apprise(await installEnvironment(APPRISE), caFile);
  }

  /**
   * Sends a message with a URL.
   *
   * @param telegram the address of the server that replaces Telegram
   * @throws {Error} if Apprise reports a failure
   */
  async send(
    url: string,
    { title, text }: { readonly title: string; readonly text: string },
    telegram: string,
  ): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify([url, title, text, telegram])}\n`));
    const { value } = await this.#reader.read();
    if (value?.trim() !== "sent") throw new Error(`Cannot send by ${url}: Apprise said ${value?.trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
