/**
 * Fuzzes mails: whole mails of random structure, which must arrive in full, and damaged ones, which
 * must arrive somehow.
 *
 * @module
 */

import { toMailNotification } from "../../src/ingest/mail/notification.ts";
import { readMail } from "../../src/ingest/mail/read.ts";
import { reduceHtml } from "../../src/markup/html.ts";
import { createNotification, type Notification } from "../../src/notification/notification.ts";
import { type Dice, garbage, seededDice } from "../faults/crash_dice.ts";
import { type Fuzzer, FuzzHost, listQueue } from "./fuzzer.ts";
import { changeBytes, concat, hostileText, pick } from "./hostile.ts";

const encoder = new TextEncoder();
const FIXTURES = new URL("../ingest/mail/fixtures/", import.meta.url);

/** A mail, and the words that its texts and attachments contain. */
interface BuiltMail {
  readonly bytes: Uint8Array;
  readonly words: readonly string[];
}

const CHARSETS = ["utf-8", "US-ASCII", "iso-8859-1", "windows-1252", "x-unknown", "utf-7", "", "'", "\x1b", "cp437"];
const ENCODINGS = ["7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "Base64 (comment)", ""];
/** No report: a mail inside a report is attached as it came, so its words may be encoded. */
const MULTIPARTS = ["mixed", "alternative", "related", "signed", "x-none"];
const HEADERS = [
  "From",
  "To",
  "Cc",
  "Date",
  "X-Priority",
  "Importance",
  "Priority",
  "Received",
  "References",
  "X-Mailer",
];

/** Builds a mail of random structure. */
class MailBuilder {
  readonly words: string[] = [];
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  build(): BuiltMail {
    const dice = this.#dice;
    const headers = Array.from({ length: dice(8) }, () => this.#header(pick(dice, HEADERS)));
    const subject = `Subject: ${this.#phrase()}\n`;
    return { bytes: concat(encoder.encode([subject, ...headers].join("")), this.#part(0)), words: this.words };
  }

  #header(name: string): string {
    const dice = this.#dice;
    const word = `=?${pick(dice, CHARSETS) || "x"}?${pick(dice, ["Q", "B", "q"])}?${
      pick(dice, ["=C3=A4", "w6Q=", "_"])
    }?=`;
    const folds = dice(pick(dice, [3, 200]));
    const value = pick(dice, ["1", "high", '"A, B" <a@b.c>', word, hostileText(dice).replace(/[\r\n]+/g, " ")]);
    return `${name}: ${value}${`\n ${pick(dice, [word, "x", "("])}`.repeat(folds)}\n`;
  }

  #phrase(): string {
    const word = `w${this.words.length}w${this.#dice(1e9)}`;
    this.words.push(word);
    return word;
  }

  #part(depth: number): Uint8Array {
    const kind = this.#dice(6);
    if (depth < 6 && kind === 0) return this.#multipart(depth);
    if (depth < 6 && kind === 1) {
      return concat(
        encoder.encode("Content-Type: message/rfc822\n\n"),
        encoder.encode("Subject: inner\n"),
        this.#part(depth + 1),
      );
    }
    return this.#text();
  }

  #multipart(depth: number): Uint8Array {
    const dice = this.#dice;
    const boundary = pick(dice, ["x", "-", "a b", "=_", "((", "x".repeat(70)]) + depth;
    const type = pick(dice, MULTIPARTS);
    const before = this.words.length;
    const parts = Array.from(
      { length: 1 + dice(4) },
      () => concat(encoder.encode(`--${boundary}\n`), this.#part(depth + 1), encoder.encode("\n")),
    );
    // Only one of several alternatives is shown.
    if (type === "alternative") this.words.length = before;
    const head = `Content-Type: multipart/${type}; boundary="${boundary}"\n\n`;
    return concat(encoder.encode(head), ...parts, encoder.encode(`--${boundary}--\n`));
  }

  #text(): Uint8Array {
    const dice = this.#dice;
    const lines = Array.from({ length: dice(20) }, () => pick(dice, ["", "  a", "a\tb", "> q ", "ä", ".", "--x"]));
    const text = [this.#phrase(), ...lines, this.#phrase()].join(pick(dice, ["\n", "\r\n", " \n"]));
    const type = pick(dice, ["text/plain", "text/plain; format=flowed", "text/html", "text/csv", "application/x-none"]);
    const name = dice(3) === 0
      ? `Content-Disposition: attachment; filename="${pick(dice, ["a.txt", "../a", ""])}"\n`
      : "";
    const encoding = pick(dice, ["", "base64", "quoted-printable"]);
    const head = `Content-Type: ${type}\n${name}${encoding && `Content-Transfer-Encoding: ${encoding}\n`}\n`;
    const body = encoder.encode(text);
    if (encoding === "base64") return encoder.encode(head + body.toBase64().replace(/.{60}/g, "$&\n"));
    return encoder.encode(head + (encoding === "" ? text : text.replaceAll("ä", "=C3=A4")));
  }
}

/** Builds a mail of hostile pieces. */
function buildHostile(dice: Dice): Uint8Array {
  const pieces = [
    () => `Content-Type: multipart/mixed; boundary=${pick(dice, ["x", '"x', "x ", hostileText(dice)])}\n`,
    () =>
      `Content-Type: text/${pick(dice, ["plain", "html"])}; charset=${
        pick(dice, CHARSETS)
      }; format=flowed; delsp=yes\n`,
    () => `Content-Type: message/rfc822\n\n`,
    () => `Content-Transfer-Encoding: ${pick(dice, ENCODINGS)}\n`,
    () => `Content-Disposition: attachment; filename${pick(dice, ["", "*0", "*1*", "*"])}=${hostileText(dice)}\n`,
    () => `Content-Type: text/plain;${` name*${dice(9)}=a;`.repeat(dice(300))}\n`,
    () => `Subject: ${`=?utf-8?${pick(dice, ["Q", "B"])}?${pick(dice, ["=C3", "w6", ""])}?= `.repeat(dice(300))}\n`,
    () => `${pick(dice, HEADERS)}: ${hostileText(dice)}\n`,
    () => "--x\n",
    () => "--x--\n",
    () => pick(dice, ["\n", "\r\n", "\r", " ", "\t", ">"]).repeat(dice(500)),
    () => pick(dice, ["<b>", "<p>x", "<table><td>", "<!--", "&amp;", "<a href=x>"]).repeat(dice(500)),
    () => pick(dice, ["\x1b[31m", "a\b", "\x1b[A", "\x1b[H", "x\r", "\x1b]0;"]).repeat(dice(200)),
    () => hostileText(dice),
    () => "\n\n",
  ];
  return concat(
    ...Array.from({ length: 1 + dice(30) }, () => encoder.encode(pick(dice, pieces)())),
    dice(4) === 0 ? garbage(dice(500), dice) : new Uint8Array(),
  );
}

/** Turns a mail into a notification, as `sendmail` does, and checks it. */
function receive(bytes: Uint8Array): Notification {
  const mail = toMailNotification(readMail(bytes, { dotEnds: false }), {});
  const notification = createNotification(mail, 0);
  const { subject, message, format, severity } = notification;
  for (const text of [subject, message, notification.origin ?? ""]) {
    const wrong = /(?![\n\t])\p{Cc}|\p{Cs}/u.exec(text);
    if (wrong !== null) throw new Error(`The notification contains U+${text.charCodeAt(wrong.index).toString(16)}`);
  }
  if (severity === "critical") throw new Error("A mail is critical");
  if (format === "html") reduceHtml(message);
  return notification;
}

/** Checks that every word of a mail arrives: in the message, or in an attachment. */
function checkWords({ bytes, words }: BuiltMail): void {
  const mail = readMail(bytes, { dotEnds: false });
  const { subject, message } = receive(bytes);
  const files = mail.attachments.map(({ content }) => new TextDecoder().decode(content));
  const arrived = [subject, message, ...files].join("\n");
  for (const word of words) {
    // The message shows the HTML of a mail only if some text has no plain form.
    if (!arrived.includes(word) && !mail.html?.includes(word)) throw new Error(`"${word}" is lost`);
  }
}

export const mails: Fuzzer = {
  name: "mails",
  async open() {
    const fixtures: Uint8Array[] = [];
    for await (const { name } of Deno.readDir(FIXTURES)) fixtures.push(await Deno.readFile(new URL(name, FIXTURES)));
    const host = new FuzzHost({
      MATRIX_HOMESERVER: "http://127.0.0.1:1",
      MATRIX_ACCESS_TOKEN: "t",
      MATRIX_ROOM: "!a:b",
    });
    return {
      async play(seed) {
        const dice = seededDice(seed);
        switch (dice(40)) {
          case 0: {
            const stdin = buildHostile(dice);
            const before = (await listQueue(host)).length;
            const argv = ["sendmail", "--wait", "0s", "--no-background", ...pick(dice, [[], ["-i"], ["-t", "-oi"]])];
            const { code, err } = await host.run(argv, { stdin });
            if (code !== 0) throw new Error(`A mail is lost: exit ${code}: ${err}`);
            if ((await listQueue(host)).length <= before) throw new Error("A mail is not in the queue");
            await host.run(["queue", "purge", "--yes"]);
            return "a mail through sendmail";
          }
          case 1:
            receive(changeBytes(pick(dice, fixtures), dice));
            return "a damaged real mail";
        }
        if (dice(3) === 0) {
          receive(buildHostile(dice));
          return "hostile pieces";
        }
        const built = new MailBuilder(dice).build();
        if (dice(2) === 0) {
          checkWords(built);
          return "a whole mail";
        }
        receive(changeBytes(built.bytes, dice));
        return "a damaged mail";
      },
      [Symbol.asyncDispose]() {
        host[Symbol.dispose]();
        return Promise.resolve();
      },
    };
  },
};
