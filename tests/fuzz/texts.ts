/**
 * Fuzzes texts that grow when they are rendered: nested quotations and lists, long links,
 * characters that must be escaped, and titles and notes of the largest size. The service must
 * accept each notification, and the whole message must arrive: in the texts, or as a file.
 *
 * @module
 */

import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { type Fuzzer, FuzzHost, listQueue } from "./fuzzer.ts";
import { pick } from "./hostile.ts";
import { type Arrived, type Service, startServices } from "./text_services.ts";

/** Pieces of every format. Many need several bytes or code units, or several characters in JSON. */
const PIECES = [
  ...['"', "\\", "\n", "\n\n", "\r\n", "\t", "     ", "a", "&", "< ", ">", "`", "=", "*", "_", "](", "@all"],
  ...["ä", "😀", "👨‍👩‍👧‍👦", "e\u0301", "a\u2029", "\u202e", "\u00a0", "\ufeff", "\x1b[31m", "\x07", "http://a.b/c"],
];

const HTML_PIECES = [
  ...["<blockquote>", "</blockquote>", "<ol start=999999999><li>", "<ul><li>", "<li>", "</ul>", "<pre>", "</pre>"],
  ...["<table><tr><td>", "<td>", "<tr>", "</table>", "<br>", "<hr>", "<p>", "</p>", "<h1>", "<b>", "</b>", "<code>"],
  ...[`<a href='https://e.org/${"x".repeat(300)}'>`, "</a>", "<img src=mxc://a/b>", "<img src=https://a/b alt=c>"],
  ...["&lt;", "&#128512;", "&nbsp;", "&quot;", "<font color=red>", "<i style='color:red;font-weight:bold'>"],
  ...["<details><summary>", "</details>", "<div>", "</div>", "<!-- -->"],
];

const MARKDOWN_PIECES = [
  ...["> ", "\n> > > ", "\n- ", "\n1. ", "\n```\n", "\n| a | b |\n|---|---|\n| ", " | ", "\n# ", "**", "~~", "\n    "],
  ...["[x](https://e.org)", "![a](https://e.org/b)", "<b>", "<blockquote>", "<pre>\n", "\\", "- [ ] ", "***\n", "<td>"],
];

/** The pieces of a message, by its format. Pieces that stand twice are chosen more often. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  text: PIECES,
  code: PIECES,
  html: [...PIECES, ...HTML_PIECES, ...HTML_PIECES],
  markdown: [...PIECES, ...MARKDOWN_PIECES, ...MARKDOWN_PIECES],
};

/** The lengths of messages, in characters: around the limits of the services. */
const SHORT_LENGTHS = [10, 500, 2000, 4000, 9000];
const LENGTHS = [...SHORT_LENGTHS, 20_000, 31_000, 45_000, 60_000, 100_000, 400_000];

/** The notifications after an outage are sent in batches. */
const OUTAGE_COUNT = 12;

/** Creates the texts of a notification, and remembers the words in them that must arrive. */
class TextBuilder {
  readonly words: string[] = [];
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  word(): string {
    const word = `w${this.words.length}w${this.#dice(1e9)}w`;
    this.words.push(word);
    return word;
  }

  /** Creates a message of repeated pieces, with a word after each row of pieces. */
  message(pieces: readonly string[], length: number): string {
    const dice = this.#dice;
    let text = this.word();
    while (text.length < length) {
      const unit = Array.from({ length: 1 + dice(3) }, () => pick(dice, pieces)).join("");
      const times = 1 + dice(pick(dice, [3, 30, 3000, 50_000]));
      const rest = Math.ceil((length - text.length) / unit.length);
      text += `${unit.repeat(Math.min(times, rest))} ${this.word()} `;
    }
    return text;
  }

  /** Creates a line. */
  line(maxLength: number): string {
    const unit = pick(this.#dice, PIECES).replaceAll("\n", " ");
    return `x${unit.repeat(this.#dice(Math.ceil(maxLength / unit.length)))}x`;
  }

  /** Creates the words of a command that sends a notification. */
  command(format: string): string[] {
    const dice = this.#dice;
    const sometimes = (words: () => string[]) => dice(3) === 0 ? words() : [];
    const several = (words: () => string[]) => sometimes(() => Array.from({ length: dice(12) }, words).flat());
    return [
      ...["send", "--no-background", "--format", format, "--severity", pick(dice, ["info", "error", "critical"])],
      ...sometimes(() => ["--link", `https://e.org/?${"a&".repeat(dice(1020))}`]),
      ...sometimes(() => ["--origin", this.line(1100)]),
      ...several(() => ["--mention", `@${"&".repeat(200)}:b.c`]),
      // The notification shows a note about each missing file.
      ...several(() => ["--attach", `/none/${this.line(900)}`]),
      ...["--", `${this.word()} ${this.line(pick(dice, [10, 100, 1500]))}`],
    ];
  }
}

function openHost(service: Service, dice: Dice): FuzzHost {
  const host = new FuzzHost();
  const config = {
    background: false,
    ...dice(4) === 0 ? { identity: `${"&".repeat(dice(300))}a` } : {},
    ...dice(4) === 0 ? { title: "[{identity}] {symbol}{subject} {origin} {key} ({subject})" } : {},
    channels: { it: service.settings(dice) },
  };
  host.env.MATRIX_NOTIFY_CONFIG = host.write("config.json", JSON.stringify(config));
  return host;
}

/** Sends notifications one by one, or many during an outage. Returns their words. */
async function sendAll(host: FuzzHost, dice: Dice, { isReachedWithoutFetch }: Service, isOutage: boolean) {
  const format = pick(dice, Object.keys(FORMATS));
  const count = isOutage ? OUTAGE_COUNT + dice(OUTAGE_COUNT) : 1 + dice(3);
  const waitMs = isOutage ? isReachedWithoutFetch ? "0s" : "1s" : "10m";
  // During an outage, a notification with the same key would replace the earlier one.
  const key = !isOutage && dice(3) === 0 ? ["--key", "x".repeat(1 + dice(1100))] : [];
  const sent: TextBuilder[] = [];
  for (let at = 0; at < count; at++) {
    const text = new TextBuilder(dice);
    sent.push(text);
    const resolve = key.length > 0 && at > 0 && at === count - 1 ? ["--resolve"] : [];
    const stdin = text.message(FORMATS[format], pick(dice, isOutage ? SHORT_LENGTHS : LENGTHS));
    const [command, ...words] = text.command(format);
    const { code, err } = await host.run([command, "--wait", waitMs, ...key, ...resolve, ...words], { stdin });
    if (code !== 0) throw new Error(`A notification is refused with ${code}: ${err}`);
  }
  return sent;
}

const OUTAGE = () => Promise.reject(new TypeError("no network"));

async function play(services: ReadonlyMap<string, Service>, dice: Dice): Promise<string> {
  const [name, service] = pick(dice, [...services]);
  const before = service.arrived();
  using host = openHost(service, dice);
  const isOutage = dice(5) === 0;
  host.fetch = isOutage ? OUTAGE : undefined;
  const sent = await sendAll(host, dice, service, isOutage);
  host.fetch = undefined;
  await host.run(["flush", "--wait", "1h", "--no-background"]);
  const [left] = await listQueue(host);
  if (left !== undefined) throw new Error(`${name}: a notification is not delivered: ${left.text.slice(-1000)}`);
  const { texts, files } = service.arrived();
  const arrived = { texts: texts.slice(before.texts.length), files: files.slice(before.files.length) };
  for (const text of arrived.texts) checkText(name, service, text);
  for (const { words } of sent) checkWords(name, service, words, arrived);
  return `${name}${isOutage ? " after an outage" : ""}`;
}

function checkText(name: string, { accepts = () => true }: Service, text: string): void {
  const half = /\ufffd|\p{Cs}/u.exec(text);
  if (half !== null) throw new Error(`${name}: a character is cut: ${text.slice(half.index - 200, half.index + 50)}`);
  if (!accepts(text)) throw new Error(`${name}: a text of ${text.length} characters is too long`);
}

/** Checks that all words of a notification arrive, and that a note shows where a text was cut. */
function checkWords(name: string, service: Service, words: readonly string[], { texts, files }: Arrived): void {
  const missing = words.find((word) => !texts.some((text) => text.includes(word)));
  if (missing === undefined) return;
  const own = texts.filter((text) => words.some((word) => text.includes(word)));
  // Long titles and notes can leave no space for any word.
  const shown = own.length === 0 ? texts : own;
  const fail = (problem: string) => {
    throw new Error(`${name}: ${problem}: ${JSON.stringify(shown.map(shorten).join("\n\n").slice(0, 4000))}`);
  };
  const note = service.hasNoFiles ? "✂ Cut here: " : " has the whole text";
  if (!shown.some((text) => text.includes(note))) fail(`"${missing}" is missing without a note`);
  if (service.hasNoFiles) return;
  const lost = words.slice(0, -1).find((word) => !files.some((file) => file.includes(word)));
  if (lost !== undefined) fail(`"${lost}" is not in a file`);
}

/** Shortens repeated pieces. */
function shorten(text: string): string {
  return text.replace(/(.{1,8}?)\1{6,}/gs, "$1…");
}

/** The servers remember all messages and requests. After so many cases, they are started again. */
const CASES_PER_START = 50;

export const texts: Fuzzer = {
  name: "texts",
  async open() {
    let services = await startServices();
    let cases = 0;
    return {
      async play(seed) {
        if (++cases % CASES_PER_START === 0) {
          await services[Symbol.asyncDispose]();
          services = await startServices();
        }
        return await play(services.all, seededDice(seed));
      },
      [Symbol.asyncDispose]: () => services[Symbol.asyncDispose](),
    };
  },
};
