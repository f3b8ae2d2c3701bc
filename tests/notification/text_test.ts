import { assert, assertEquals } from "@std/assert";
import { decodeText, readableLine, readableText } from "../../src/notification/text.ts";

/** A name, a source and the expected text. */
type Row = readonly [name: string, source: string, text: string];

function checkTexts(rows: readonly Row[]): void {
  for (const [name, source, text] of rows) assertEquals(readableText(source), text, name);
}

function bytesOf(...parts: (string | number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );
}

Deno.test("decodeText() reads UTF-8, with and without a byte order mark", () => {
  assertEquals(decodeText(bytesOf("für 10 € 😀")), "für 10 € 😀");
  assertEquals(decodeText(bytesOf([0xef, 0xbb, 0xbf], "für")), "für");
  assertEquals(decodeText(bytesOf()), "");
});

Deno.test("decodeText() reads UTF-16 with a byte order mark", () => {
  assertEquals(decodeText(Uint8Array.of(0xff, 0xfe, 0xfc, 0, 0x3d, 0xd8, 0, 0xde)), "ü😀");
  assertEquals(decodeText(Uint8Array.of(0xfe, 0xff, 0, 0xfc, 0xd8, 0x3d, 0xde, 0)), "ü😀");
  assertEquals(decodeText(Uint8Array.of(0xff, 0xfe, 0xfc, 0, 0x3d)), "ü\ufffd");
});

Deno.test("decodeText() reads Latin-1 and Windows-1252, also between lines of UTF-8", () => {
  assertEquals(decodeText(bytesOf("f", [0xfc], "r")), "für");
  assertEquals(decodeText(bytesOf("caf", [0xe9])), "café");
  assertEquals(decodeText(bytesOf("für\nf", [0xfc], "r €")), "für\nfür €");
  assertEquals(readableText(decodeText(bytesOf("10 ", [0x80], " ", [0x93], "a", [0x94, 0x85]))), "10 € “a”…");
});

Deno.test("decodeText() marks a character that was cut off at the edge of UTF-8", () => {
  const euro = [0xe2, 0x82, 0xac];
  assertEquals(decodeText(bytesOf(euro.slice(1), "a€b", euro.slice(0, 2))), "\ufffda€b\ufffd");
  assertEquals(decodeText(bytesOf("a€b", [0xf0, 0x9f, 0x98])), "a€b\ufffd");
});

Deno.test("decodeText() does not accept overlong forms, surrogates and values beyond Unicode as UTF-8", () => {
  for (const bytes of [[0xc0, 0xaf], [0xe0, 0x80, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff]]) {
    const text = decodeText(Uint8Array.from(bytes));
    assertEquals(text.length, bytes.length, text);
    assert(text.isWellFormed());
  }
});

Deno.test("readableText() keeps plain text as it is", () => {
  for (const text of ["", " a  b\tc \n\n d", "für 😀 👨‍👩‍👧 e\u0301", "a\u00a0b"]) assertEquals(readableText(text), text);
});

Deno.test("readableText() removes colours, charsets, modes, and strings with their payload", () => {
  checkTexts([
    ["colours", "\x1b[31mred\x1b[0m \x1b[1;38;5;208mbold\x1b[m", "red bold"],
    ["tput sgr0", "\x1b[1mbold\x1b(B\x1b[m plain", "bold plain"],
    ["a charset with two characters", "\x1b%Ga\x1b#8b\x1b$(Bc", "abc"],
    ["keypad and cursor modes", "\x1b=\x1b>\x1b[?25l\x1b[?2004ha\x1b[?25h", "a"],
    ["a title that BEL ends", "\x1b]0;title\x07text", "text"],
    ["a title that ST ends", "\x1b]2;title\x1b\\text", "text"],
    ["a link", "\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x1b\\", "text"],
    ["an image", "\x1b]1337;File=inline=1:aaaa\nbbbb\x07text", "text"],
    ["the palette of the Linux console", "\x1b]P0aabbcctext", "text"],
    ["DCS", "\x1bP+q544e\x1b\\text", "text"],
    ["APC, PM and SOS", "\x1b_a\x1b\\1\x1b^b\x1b\\2\x1bXc\x1b\\3", "123"],
    ["a sequence inside tmux", "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\text", "text"],
    ["a title of screen", "\x1bktitle\x1b\\text", "text"],
    ["bells, nulls and shifts", "a\x07\x00\x0e\x0f\x7fb", "ab"],
    ["eight-bit forms", "\x9b31mred\x9b0m\x9d0;title\x9ctext\x90q\x9c", "redtext"],
  ]);
});

Deno.test("readableText() loses no text if a sequence has no end", () => {
  checkTexts([
    ["CSI at the end of a line", "a\x1b[31\nb", "a\nb"],
    ["CSI at the end", "a\x1b[", "a"],
    ["ESC at the end", "a\x1b", "a"],
    ["OSC", "\x1b]0;title\ntext", "title\ntext"],
    ["DCS", "\x1bPtext\nmore", "text\nmore"],
    ["eight-bit DCS", "\x90text", "text"],
    ["an eight-bit CSI that is a quotation mark", "\x9bText\x8b", "›Text‹"],
  ]);
});

Deno.test("readableText() reads controls of Latin-1 as Windows-1252, and separators as line breaks", () => {
  checkTexts([
    ["quotation marks", "don\x92t \x93a\x94", "don’t “a”"],
    ["undefined characters", "a\x81\x8d\x8f\x9db", "ab"],
    ["separators", "a\x85b\x0bc\x0cd\u2028e\u2029f", "a\nb\nc\nd\ne\nf"],
    ["a byte order mark", "\ufeffa", "a"],
    ["lone surrogates", "a\ud800 \udc00b", "a\ufffd \ufffdb"],
  ]);
});

Deno.test("readableText() reads carriage returns and backspaces", () => {
  checkTexts([
    ["CR LF", "a\r\nb\r\n", "a\nb\n"],
    ["CR CR LF", "a\r\r\nb\r\r\r\n", "a\nb\n"],
    ["LF CR", "a\n\rb\n\r", "a\nb\n"],
    ["CR before a colour and LF", "a\r\x1b[0m\nb", "a\nb"],
    ["a progress bar", "10 %\r50 %\r100 %\ndone", "100 %\ndone"],
    ["a shorter text over a longer text", "downloading\rdone", "doneloading"],
    ["a progress bar that is cleared with blanks", "10 %\r     \rdone", "done"],
    ["a spinner", "work |\b/\b-\b\\\b done", "work  done"],
    ["bold and underlined text of a manual page", "N\bNA\bAM\bM _\ba_\bb", "NAM ab"],
    ["a backspace at the start of a line", "\b\ba\b", "a"],
    ["a tab", "a\tb\rX", "X       b"],
    ["a tab in another line", "a\tb\nc\rd", "a\tb\nd"],
    ["a combined character", "e\u0301x\ba", "e\u0301a"],
  ]);
});

Deno.test("readableText() erases and moves like a terminal", () => {
  checkTexts([
    ["erase the line", "10 %\r\x1b[Kdone", "done"],
    ["erase the whole line", "10 %\x1b[2K\rdone", "done"],
    ["erase the start of the line", "abc\x1b[1K\rd", "d"],
    ["two progress bars", "a 1\nb 1\n\x1b[2Aa 2\x1b[K\nb 2\x1b[K\n", "a 2\nb 2\n"],
    ["erase the line above", "old\n\x1b[1A\x1b[2Knew", "new\n"],
    ["erase below", "a\nb\nc\x1b[2A\r\x1b[Jnew", "new"],
    ["columns", "\x1b[3Ga\x1b[1G1\x1b[5Cz\x1b[2Dy", "1 a  yz"],
    ["a result at the right", "Starting sshd\x1b[20G[ OK ]", "Starting sshd      [ OK ]"],
    ["ESC 7 and ESC 8", "\x1b7 10 %\x1b8\x1b7 20 %\x1b8", " 20 %"],
    ["CSI s and CSI u", "\x1b[s10\x1b[u20", "20"],
    ["delete, erase and insert characters", "abc\r\x1b[Pd\x1b[X\r\x1b[@x", "xd"],
    ["ESC D, E and M", "a\x1bDb\x1bEc\x1bMd", "a\n d\nc"],
  ]);
});

Deno.test("readableText() keeps the text of a screen that is cleared or addressed by rows", () => {
  checkTexts([
    ["clear", "before\n\x1b[H\x1b[2J\x1b[3Jafter", "before\nafter"],
    ["clear with the cursor in place", "before\x1b[2Jafter", "before\nafter"],
    ["reset", "before\x1bcafter", "before\nafter"],
    ["rows by number", "\x1b[2J\x1b[5;3Hb\x1b[2;1Ha\x1b[5;4Hc", "a\n  bc"],
    ["frames", "\x1b[Hload 1\x1b[Hload 2", "load 2"],
    [
      "the progress bar of apt",
      "one\n\x1b7\x1b[24;0f10 %\x1b8two\n\x1b7\x1b[24;0f20 %\x1b8three\n",
      "one\ntwo\nthree\n20 %",
    ],
  ]);
});

Deno.test("readableText() does not make a short text very long", () => {
  for (const one of ["\x1b[999999999Cx\n", "\x1b[999999999Bx", "\x1b[999999999;999999999Hx", "x\r\x1b[999999999@"]) {
    assert(readableText(one.repeat(2000)).length < 200_000, JSON.stringify(one));
  }
});

Deno.test("readableText() reads hostile text in linear time", () => {
  for (
    const one of [
      "\r",
      "\x1bP",
      "\x1b]",
      "\x1b]52;",
      "\x90",
      "\x9d0;",
      "\x1b[",
      "\x1b[A",
      "\x1b[K",
      "\x1b[Hx\n",
      "\n\x1b[J",
    ]
  ) {
    const text = readableText(one.repeat(50_000) + "\nx");
    assert(text.endsWith("x"), JSON.stringify(one));
  }
});

Deno.test("readableText() reads megabytes of hostile text in linear time", () => {
  const whole = "a".repeat(2 ** 20);
  const texts = [
    ...["\x1b[1K", "a\x1b[1K", "a\x1b[2J", "a\x1b[A", "\x1b[B", "\x9b1", "\x90a", "\x9d0;", "\x80", "\x1bc", "\x1b"]
      .map((piece) => piece.repeat(4 * 2 ** 20 / piece.length)),
    ...["\x1b[1K", "\x1b[2K", "\r\x1b[P", "\r\x1b[@"].map((piece) => whole + piece.repeat(500_000)),
    ...["\x1b]0;", "\x1bP", "\x1bk", "\x1b[", "\x90", "\x9d0;"].map((start) => start + "a".repeat(9 * 2 ** 20)),
    `\x1b[${"1;".repeat(4 * 2 ** 20)}`,
  ];
  for (const text of texts) assert(readableText(`${text}\nlast`).endsWith("last"), JSON.stringify(text.slice(0, 20)));
});

Deno.test("readableText() loses no text if it cannot carry out the sequences of a long text", () => {
  const line = "one\rtwo\x1b[1A\x1b[2Kthree\b\n";
  const text = readableText(line.repeat(100_000));
  assertEquals(text.slice(0, 26), "one\ntwothree\none\ntwothree\n");
});

Deno.test("readableText() and decodeText() give readable text for all bytes, and do not change it again", () => {
  const alphabet = [
    "\x1b",
    "[",
    "]",
    "P",
    "\\",
    "\r",
    "\n",
    "\b",
    "\t",
    "a",
    "1",
    ";",
    "m",
    "K",
    "H",
    "7",
    "8",
    "ä",
    "\x9b",
  ];
  for (let seed = 1; seed <= 3000; seed++) {
    const random = numbersFrom(seed);
    const bytes = seed % 2 === 0
      ? Uint8Array.from({ length: random() % 60 }, () => random() % 256)
      : bytesOf(Array.from({ length: random() % 60 }, () => alphabet[random() % alphabet.length]).join(""));
    const text = readableText(decodeText(bytes));
    // deno-lint-ignore no-control-regex
    assert(text.isWellFormed() && !/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text), `${seed}`);
    assertEquals(readableText(text), text, `${seed}`);
  }
});

Deno.test("readableLine() makes one line, and overwrites nothing", () => {
  assertEquals(readableLine("  Disk\rfull\r\n \x1b[1mnow\tor\u2028later "), "Disk full now or later");
  assertEquals(readableLine(" \r\n\x1b[0m\x00"), "");
});

/** A generator of numbers from a seed (xorshift), so that a failure can be repeated. */
function numbersFrom(seed: number): () => number {
  let state = seed * 2654435761 >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>>= 0;
  };
}

Deno.test("readableText() shows the overwritten lines of a text with millions of carriage returns", () => {
  const states = "10 %\r".repeat(1_500_000);
  const text = readableText(`${states}done`);
  assertEquals([text.length, text.slice(0, 10), text.slice(-10)], [states.length + 4, "10 %\n10 %\n", "\n10 %\ndone"]);
});
