/** Mail over SMTP (RFC 5321, RFC 3207, RFC 4954). */

import { type Batch, hasLineForEach } from "../../notification/batch.ts";
import type { Fields } from "../../base/fields.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import { addressOf, domainOf, isMailbox, MAILBOX_REGEXP } from "./address.ts";
import type { MailWithFiles } from "./attachments.ts";
import { composeMail, fitsMail, type MailOptions } from "./message.ts";
import { HOST_REGEXP, loadSmtp, type MailServer, mailServerField, SECURITIES, withPassword } from "./server.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "../kind.ts";
import { renderMessage } from "../message.ts";
import type { SmtpMail } from "./smtp_types.ts";

/** How a mail channel is configured. */
export interface EmailConfig {
  /** May be left out where the channel is called `email`. */
  readonly kind?: "email";
  /** The name of the SMTP server: `mail.example.org`. */
  readonly server: string;
  /** Its port. @default 587; 465 for `tls`, 25 for `none` */
  readonly port?: number;
  /** `starttls`: the connection is encrypted before anything is said. `tls`: from its first byte. `none`: never, and then there is no password. @default {"starttls"} */
  readonly security?: "starttls" | "tls" | "none";
  /** A file with the certificates of the authorities that may sign the server's, in PEM. @default those that Deno trusts */
  readonly caFile?: string;
  /** The name to log in with. @default the address in `from` */
  readonly user?: string;
  /** The password; this or `passwordFile`. Without one nobody logs in. */
  readonly password?: string;
  /** A file that holds the password and nothing else, and that other users cannot read. */
  readonly passwordFile?: string;
  /** The sender: `jump@example.org` or `Jump host <jump@example.org>`. */
  readonly from: string;
  /** The recipients. Each gets a mail of its own, so that one that is refused is in nobody's way. */
  readonly to: string | readonly string[];
}

/** The kind `email`: `server`, `port`, `security`, `caFile`, `user`, `password` or `passwordFile`, `from`, `to`. */
export const emailKind: ChannelKind = {
  kind: "email",
  speaksHttp: false,
  fields: {
    server: {
      isRequired: true,
      schema: {
        type: "string",
        description: "the name of the SMTP server",
        examples: ["mail.example.org"],
        pattern: HOST_REGEXP.source,
      },
    },
    port: {
      schema: { type: "integer", description: "its port", examples: [587], minimum: 1, maximum: 65_535 },
    },
    security: {
      schema: {
        type: "string",
        description: "encrypted before anything is said, from the first byte, or never: then there is no password",
        examples: ["tls"],
        default: "starttls",
        enum: SECURITIES,
      },
    },
    caFile: {
      schema: {
        type: "string",
        description: "a PEM file of the authorities that may sign the server's certificate",
        examples: ["/etc/matrix-notify/ca.pem"],
      },
    },
    user: {
      needs: "password",
      schema: {
        type: "string",
        description: "the name to log in with; by default the address in from",
        examples: ["jump"],
      },
    },
    password: {
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "the password; without one nobody logs in",
        examples: ["correct horse"],
        pattern: "^\\P{Cc}*[^\\s\\p{Cc}]\\P{Cc}*$",
      },
    },
    from: {
      isRequired: true,
      schema: {
        type: "string",
        description: "the sender",
        examples: ["jump@example.org", "Jump host <jump@example.org>"],
        pattern: MAILBOX_REGEXP.source,
      },
    },
    to: {
      isRequired: true,
      schema: {
        type: ["string", "array"],
        description: "the recipients, each of whom gets a mail of its own",
        examples: ["root@example.org", ["root@example.org", "Admin <admin@example.org>"]],
        pattern: MAILBOX_REGEXP.source,
        items: { type: "string", pattern: MAILBOX_REGEXP.source },
        minItems: 1,
        uniqueItems: true,
      },
    },
  },
  rules: [{
    if: { required: ["security"], properties: { security: { const: "none" } } },
    then: { not: { anyOf: [{ required: ["password"] }, { required: ["passwordFile"] }] } },
  }, {
    if: { required: ["port"], properties: { port: { const: 465 } } },
    then: { required: ["security"] },
  }],
  destination: { keys: ["to"], read: recipientsField },
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const from = fields.requiredText("from");
    if (!isMailbox(from)) throw fields.error("from", MAILBOX_PROBLEM);
    const server = mailServerField(fields, context, from);
    const to = recipientsField(fields);
    fields.end();
    return (channelContext) => new EmailChannel(name, { server, from, to }, channelContext);
  },
};

function recipientsField(fields: Fields): readonly string[] {
  const to = fields.texts("to");
  if (to.length === 0) fields.requiredText("to");
  if (to.every(isMailbox)) return to;
  throw fields.error("to", MAILBOX_PROBLEM);
}

const MAILBOX_PROBLEM = "it is neither an address such as root@example.org nor a name with one in angle brackets";

interface Mailing {
  readonly server: MailServer;
  readonly from: string;
  readonly to: readonly string[];
}

class EmailChannel implements Channel {
  readonly kind = "email";
  readonly isIdempotent = false;
  readonly attachmentMode = "inline";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #mailing: Mailing;
  readonly #context: ChannelContext;

  constructor(name: string, mailing: Mailing, context: ChannelContext) {
    this.name = name;
    this.destinations = mailing.to;
    this.#mailing = mailing;
    this.#context = context;
  }

  hasRoomFor(digest: Batch): boolean {
    return hasLineForEach(digest, fitsMail);
  }

  /**
   * Each try has the same `Message-ID`. Some mail stores keep only the first of those that have the same one, and nobody can tell which: what may
   * have arrived may come twice.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { inDoubt, txnId, timeoutMs } = options;
    const { notification } = envelope;
    const messageId = `<${txnId}@${domainOf(this.#mailing.from)}>`;
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
    const { server, from } = this.#mailing;
    const { runtime, identity, warn } = this.#context;
    const message = await renderMessage(notification, warn, fitsMail);
    const lateAt = late ? runtime.now() : undefined;
    const how = { identity, lateAt, replaced, from, to: destination, messageId, attachments };
    const mail: SmtpMail = {
      envelope: { from: addressOf(from), to: addressOf(destination) },
      content: composeMail(notification, message, how),
    };
    const { sendMail } = await loadSmtp();
    await sendMail(withPassword(server), mail, { timeout: runtime.timeout, timeoutMs, signal });
  }
}

/** What a mail has besides its notification. */
type MailParts = Pick<MailOptions, "messageId" | "attachments">;
