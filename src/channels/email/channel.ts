/** Sends mail over SMTP (RFC 5321, RFC 3207, RFC 4954). */

import type { Notification } from "../../notification/notification.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { MailWithFiles } from "./attachments.ts";
import { composeMail, mailHasRoomFor, type MailOptions } from "./message.ts";
import { type EmailSettings, parseAddress, parseDomain } from "./settings.ts";
import { loadSmtp, type SmtpMail, toSmtpServer } from "./smtp_server.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { longestNotes, type RenderedMessage, renderMessage } from "../message.ts";

/** A channel that sends mails. */
export class EmailChannel implements Channel {
  readonly kind = "email";
  readonly isIdempotent = false;
  readonly attachmentMode = "inline";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: EmailSettings;
  readonly #context: ChannelContext;

  constructor({ name, destinations, settings }: ChannelSetup<EmailSettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = destinations;
    this.#settings = settings;
    this.#context = context;
  }

  hasRoomFor(notification: Notification, message: RenderedMessage): boolean {
    const { identity, titleTemplate } = this.#context;
    return mailHasRoomFor(notification, message, { identity, titleTemplate, ...longestNotes(notification) });
  }

  /**
   * Sends a mail. All attempts for one notification use the same `Message-ID`. Some mail servers
   * remove a second mail with the same id, but other servers do not. If the outcome of an attempt
   * is unknown, the mail may therefore arrive twice.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { inDoubt, txnId, timeoutMs } = options;
    const { notification } = envelope;
    const messageId = `<${txnId}@${parseDomain(this.#settings.from)}>`;
    const mail: MailWithFiles["mail"] = (notification, attachments, timeoutMs) =>
      this.#mail({ ...envelope, notification }, { ...options, messageId, attachments, timeoutMs });
    if (notification.attachments === undefined) await mail(notification, [], timeoutMs);
    else {
      const { mailWithFiles } = await import("./attachments.ts");
      const { files, warn } = this.#context;
      await mailWithFiles(notification, { timeoutMs, files, warn, mail });
    }
    return { id: messageId.slice(1, -1), possibleDuplicate: inDoubt !== undefined };
  }

  async #mail({ notification, destination }: Envelope, options: SendOptions & MailParts): Promise<void> {
    const { late, replaced, messageId, attachments, timeoutMs, signal } = options;
    const { from } = this.#settings;
    const { runtime, identity, titleTemplate, warn } = this.#context;
    const message = await renderMessage(notification, warn);
    const lateAt = late ? runtime.now() : undefined;
    const how = { identity, titleTemplate, lateAt, replaced, from, to: destination, messageId, attachments };
    const mail: SmtpMail = {
      envelope: { from: parseAddress(from), to: parseAddress(destination) },
      content: composeMail(notification, message, how),
    };
    const { sendMail } = await loadSmtp();
    await sendMail(toSmtpServer(this.#settings, runtime.hostname()), mail, {
      timeout: runtime.timeout,
      timeoutMs,
      signal,
    });
  }
}

type MailParts = Pick<MailOptions, "messageId" | "attachments">;
