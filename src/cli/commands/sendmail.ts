/** `sendmail`: takes a mail as sendmail does, and makes a notification of it. */

import { InvalidNotificationError, StorageError } from "../../base/errors.ts";
import { MAX_MAIL_BYTES } from "../../ingest/mail/mail.ts";
import { mailNotification } from "../../ingest/mail/notification.ts";
import { readMail } from "../../ingest/mail/read.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openNotifier } from "../notifier.ts";
import { exitCodeFor, reportTrouble } from "../outcomes.ts";
import { parseSendmailArgs } from "../sendmail_args.ts";

/** Sends a mail. What goes well is not spoken of: whoever calls sendmail takes every word for trouble. */
export async function sendmail(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const { dotEnds, sender, refused } = parseSendmailArgs(args.operands);
  if (refused !== undefined) {
    ui.fail(`${refused.problem}: this sendmail takes a mail, and does nothing else`, refused.hint);
    return EXIT.unavailable;
  }
  const bytes = await runtime.stdio.stdin(MAX_MAIL_BYTES);
  if (bytes.length > MAX_MAIL_BYTES) {
    throw new InvalidNotificationError(`Cannot take the mail: it is longer than ${MAX_MAIL_BYTES} bytes`);
  }
  if (bytes.length === 0) throw new InvalidNotificationError("Cannot take the mail: standard input is empty");
  const mail = await readMail(bytes, { dotEnds, warn: (text) => ui.warn(text) });
  const channels = args.list("channel");
  await using notifier = await openNotifier(context);
  const send = async (sendsFiles: boolean) =>
    await notifier.notify(await mailNotification(mail, { sender, sendsFiles }), {
      channels: channels.length > 0 ? channels : undefined,
      waitMs: args.durationMs("wait"),
    });
  const outcomes = await send(true).catch((error) => {
    // The text matters more than its files, for which there is no room: a mail that is refused is lost where nobody sends it again.
    if (!(error instanceof StorageError) || error.code !== "files") throw error;
    ui.warn(`${error.message}; the mail is sent without its attachments`);
    return send(false);
  });
  reportTrouble(outcomes, ui);
  return exitCodeFor(outcomes);
}
