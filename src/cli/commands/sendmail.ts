/** `sendmail`: reads a mail, like the program sendmail, and sends it as a notification. */

import { formatBytes } from "../../base/count.ts";
import { MAX_INCOMING_MAIL_BYTES } from "../../ingest/mail/mail.ts";
import { toMailNotification } from "../../ingest/mail/notification.ts";
import { readMail } from "../../ingest/mail/read.ts";
import { cutNote } from "../../notification/cut.ts";
import { unreadableState } from "../../runtime/file_errors.ts";
import { EndsBuffer, readEnds } from "../../runtime/streams.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { CHANNELS_OPTION, DELIVERY_OPTIONS, JSON_OPTION, WAIT_OPTION } from "../options.ts";
import { exitCodeForOutcomes, printOutcomesJson, reportTrouble, requireAccepted } from "../outcomes.ts";
import { endOnSignal } from "../stop_signals.ts";

const OPTIONS = [CHANNELS_OPTION, WAIT_OPTION, JSON_OPTION, ...DELIVERY_OPTIONS] as const;

export const sendmail: Command = defineCommand({
  operands: "[-t] [-i] [RECIPIENT...]",
  foreignWords: "own",
  options: OPTIONS,
  details: [
    "If matrix-notify is started through a symbolic link with the name sendmail, it runs this command.",
    "Put the options above first, then the options of the usual sendmail program (such as -t and -i). Recipients are " +
    "ignored: a mail is sent through every channel, or only through the channels in --channel. With -i (or -oi), a " +
    "line with only a dot does not end the mail. -F and -f set the sender if the mail has no From header. -bs, -bp, " +
    "-bd and -q are refused with exit 69. All other options of the usual sendmail program are ignored.",
    "The Subject of the mail becomes the subject of the notification. From becomes the origin. X-Priority and " +
    "Importance set the severity. Attachments are sent as files. If a mail is longer than 10 MiB, only the " +
    "beginning and the end are sent. If the charset of a mail is wrong or missing, matrix-notify guesses the charset " +
    "from the text. Without --json, sendmail prints only errors.",
  ],
  examples: [
    "printf 'Subject: Backup done\\n\\n12 GB\\n' | matrix-notify sendmail -t",
    "ln -s /usr/local/bin/matrix-notify /usr/sbin/sendmail",
  ],
  run,
});

async function run(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { args, ui } = context;
  const { dotEnds, sender, refused } = parseSendmailArgs(args.operands);
  if (refused !== undefined) {
    ui.fail(`${refused.problem}: matrix-notify sendmail can only send mails`, refused.hint);
    return EXIT.unavailable;
  }
  const { bytes, problems } = await readInput(context);
  const mail = readMail(bytes, { dotEnds });
  const channels = args.list("channel");
  const { openSender } = await import("../notifier.ts");
  await using notifier = await openSender(context);
  const outcomes = await endOnSignal(
    context.runtime,
    (stop) =>
      requireAccepted(
        notifier.notify({ ...toMailNotification(mail, { sender }), problems }, {
          ...stop,
          channels: channels.length > 0 ? channels : undefined,
          waitMs: args.durationMs("wait"),
        }),
        // After the exit code 75 (tempFail), a mail server tries again later. After the exit code
        // 77, it would return the mail to its sender.
        EXIT.tempFail,
      ),
    (outcomes) => {
      if (args.has("json")) printOutcomesJson(outcomes, ui);
      reportTrouble(outcomes, ui, notifier.problems);
    },
  );
  return exitCodeForOutcomes(outcomes, notifier.problems);
}

interface MailInput {
  readonly bytes: Uint8Array;
  /** The problems of reading the mail. The notification shows them. */
  readonly problems: readonly string[];
}

/**
 * Reads a mail from standard input. Keeps only the beginning and the end of a mail that is too
 * long.
 */
async function readInput({ runtime }: ContextFor<typeof OPTIONS>): Promise<MailInput> {
  try {
    const { beginning, end, missing } = await readEnds(
      runtime.stdio.stdin(),
      new EndsBuffer(MAX_INCOMING_MAIL_BYTES / 2),
    );
    if (beginning.length === 0) return { bytes: beginning, problems: ["The mail is empty"] };
    if (missing === 0) return { bytes: beginning, problems: [] };
    const total = beginning.length + missing + end.length;
    const note = new TextEncoder().encode(`\n${cutNote(missing, total)}\n`);
    return {
      bytes: new Uint8Array(await new Blob([beginning, note, end] as BlobPart[]).arrayBuffer()),
      problems: [`Cannot send the whole mail: it is larger than ${formatBytes(MAX_INCOMING_MAIL_BYTES)}`],
    };
  } catch (error) {
    return {
      bytes: new Uint8Array(),
      problems: [`Cannot read the mail from standard input: ${unreadableState(error)}`],
    };
  }
}

/** The options of sendmail that matrix-notify uses. */
export interface SendmailArgs {
  /** True if a line with only a dot ends the mail. False with `-i` or `-oi`. */
  readonly dotEnds: boolean;
  /** The sender if the mail has no From: the name in `-F`, or the address in `-f` or `-r`. */
  readonly sender?: string;
  /** Set if the options ask for a mode that matrix-notify does not support. */
  readonly refused?: Refused;
}

/** An unsupported mode of sendmail. */
interface Refused {
  /** The beginning of the error message, without the reason: `Cannot list a mail queue`. */
  readonly problem: string;
  readonly hint: string;
}

/**
 * The option letters that have a value. The value is in the same word (`-froot`) or in the next
 * word (`-f root`).
 */
const VALUED = "ABCDFLMNORVXbefhopr";

/** The option letters whose value can only be in the same word: `-q30m`. */
const VALUED_ATTACHED = "dq";

const PROGRAM_HINT = "configure the calling program to use: sendmail -i -t";

/** The unsupported modes, by the value of `-b`. `-bm` (send a mail) is the default. */
const MODES: Readonly<Record<string, Refused>> = {
  s: { problem: "Cannot read SMTP from standard input", hint: PROGRAM_HINT },
  p: { problem: "Cannot list a mail queue", hint: "list the queue with: matrix-notify queue list" },
  i: { problem: "Cannot build a table of aliases", hint: "set the destinations in the configuration file" },
  v: { problem: "Cannot verify recipients", hint: "test the channels with: matrix-notify doctor" },
};

const OTHER_MODE: Refused = {
  problem: "Cannot run a mail server",
  hint: PROGRAM_HINT,
};
const QUEUE_RUN: Refused = {
  problem: "Cannot deliver a mail queue",
  hint: "deliver the queue with: matrix-notify flush",
};

/**
 * Parses the options of sendmail. Each option is a single letter, and its value is in the same word
 * or in the next word (`-t`, `-oi`, `-FCronDaemon`, `-f root`). Unknown options and recipients are
 * ignored, because an error would lose the mail.
 */
export function parseSendmailArgs(words: readonly string[]): SendmailArgs {
  let dotEnds = true, name: string | undefined, address: string | undefined, refused: Refused | undefined;
  for (const [letter, value] of splitLetters(words)) {
    if (letter === "i" || letter === "o" && value === "i") dotEnds = false;
    else if (letter === "F") name = value;
    else if (letter === "f" || letter === "r") address = value;
    else if (letter === "b" && value !== "m") refused = MODES[value[0]] ?? OTHER_MODE;
    else if (letter === "q") refused = QUEUE_RUN;
    else if (letter === "I") refused = MODES.i;
  }
  return { dotEnds, sender: name || address || undefined, refused };
}

function splitLetters(words: readonly string[]): [letter: string, value: string][] {
  const options: [string, string][] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === "--") break;
    if (!/^-[A-Za-z]/.test(word)) continue;
    for (let i = 1; i < word.length; i++) {
      const letter = word[i], rest = word.slice(i + 1);
      if (!(VALUED + VALUED_ATTACHED).includes(letter)) {
        options.push([letter, ""]);
        continue;
      }
      const isNext = rest === "" && VALUED.includes(letter);
      options.push([letter, isNext ? words[++at] ?? "" : rest]);
      break;
    }
  }
  return options;
}
