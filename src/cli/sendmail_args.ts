/**
 * The options of sendmail, as the programs that call it write them: single letters that may stand together, with values in the same word or the next
 * (`-t`, `-oi`, `-FCronDaemon`, `-f root`).
 *
 * An option that says nothing here, or that nobody knows, is passed over, and so are recipients: no mail gets lost over its command line.
 *
 * @module
 */

/** What a caller of sendmail wants. */
export interface SendmailArgs {
  /** Whether a line with a lone dot ends the mail: unless `-i` or `-oi` says otherwise. */
  readonly dotEnds: boolean;
  /** The sender's name (`-F`), else address (`-f`, `-r`), for a mail without one. */
  readonly sender?: string;
  /** What is asked for in place of taking a mail. */
  readonly refused?: Refused;
}

/** What only a mail server does. */
export interface Refused {
  /** What cannot be done, to be followed by a colon and the reason. */
  readonly problem: string;
  readonly hint: string;
}

/** Letters whose value is the rest of the word or the next word. Those of `-d` and `-q` can only be the rest. */
const VALUED = "ABCDFLMNORVXbefhopr";
const VALUED_ATTACHED = "dq";

/** `-bm` takes a mail, and is what everybody means who says nothing. */
const MODES: Readonly<Record<string, Refused>> = {
  s: { problem: "Cannot speak SMTP on standard input", hint: "let its caller use: sendmail -i -t" },
  p: { problem: "Cannot list a mail queue", hint: "see what waits: matrix-notify queue list" },
  i: { problem: "Cannot build a table of aliases", hint: "who gets what is for the configuration file to say" },
};

const OTHER_MODE: Refused = { problem: "Cannot be a mail server", hint: "let its caller use: sendmail -i -t" };
const QUEUE_RUN: Refused = { problem: "Cannot run a mail queue", hint: "try what waits now: matrix-notify flush" };

/** Reads them. */
export function parseSendmailArgs(words: readonly string[]): SendmailArgs {
  let dotEnds = true, name: string | undefined, address: string | undefined, refused: Refused | undefined;
  for (const [letter, value] of optionsOf(words)) {
    if (letter === "i" || letter === "o" && value === "i") dotEnds = false;
    else if (letter === "F") name = value;
    else if (letter === "f" || letter === "r") address = value;
    else if (letter === "b" && value !== "m") refused = MODES[value[0]] ?? OTHER_MODE;
    else if (letter === "q") refused = QUEUE_RUN;
    else if (letter === "I") refused = MODES.i;
  }
  return { dotEnds, sender: name || address || undefined, refused };
}

function optionsOf(words: readonly string[]): [letter: string, value: string][] {
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
