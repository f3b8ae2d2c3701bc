/** Plays mails of 10 MiB that cost careless parsers minutes and gigabytes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inheritedConfig } from "../../../scripts/std/argv.ts";
import { MAX_INCOMING_MAIL_BYTES } from "../../../src/ingest/mail/mail.ts";
import { toMailNotification } from "../../../src/ingest/mail/notification.ts";
import { readMail } from "../../../src/ingest/mail/read.ts";
import { createNotification } from "../../../src/notification/notification.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";

const HEAD = "Subject: Disk full\n";
const MIXED = `${HEAD}Content-Type: multipart/mixed; boundary=x\n\n`;
const HTML = `${HEAD}Content-Type: text/html\n\n`;
const FLOWED = `${HEAD}Content-Type: text/plain; format=flowed; delsp=yes\n\n`;
const BASE64 = `${HEAD}Content-Transfer-Encoding: base64\n\n`;
const QUOTED = `${HEAD}Content-Transfer-Encoding: quoted-printable\n\n`;

/** Repeats a text up to the maximum size of a mail. */
function fill(piece: string, before = ""): string {
  return before + piece.repeat(Math.floor((MAX_INCOMING_MAIL_BYTES - before.length - 100) / piece.length));
}

const numbered = (count: number, piece: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => piece(at)).join("");

/** The beginnings of the mails, by name. A last line is added to each of them. */
const MAILS: Readonly<Record<string, () => string>> = {
  "blank lines": () => fill("\n", `${HEAD}\n`),
  "blanks in one line": () => fill(" ", `${HEAD}\nx`),
  "no line break": () => fill("a"),
  "a name without an end": () => fill("a", "a"),
  "dots": () => fill("\n.x", `${HEAD}\n`),
  "millions of parts": () => fill("--x\n\n", MIXED),
  "millions of parts with text": () => fill("--x\n\na\n", MIXED),
  "millions of HTML parts": () => fill("--x\nContent-Type: text/html\n\n<b>a\n", MIXED),
  "millions of ends": () => fill("a\n--x--\n", MIXED),
  "boundaries that nearly match": () => fill(`--x${" ".repeat(1000)}y\n`, MIXED),
  "one boundary that nearly matches": () => fill(" ", `${MIXED}--x`),
  "parts in parts": () => fill("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x\n", HEAD),
  "mails in mails": () => fill("Content-Type: message/rfc822\n\n", HEAD),
  "different boundaries in each other": () =>
    fill("text\n", HEAD + numbered(500, (at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`)),
  "flowed lines": () => fill("a \n", FLOWED),
  "flowed quotes": () => fill(">\n>>\n", FLOWED),
  "flowed blank lines": () => fill("\n", FLOWED),
  "one long header": () => `${fill("a", "Subject: ")}\n\n`,
  "blanks in a header": () => `${fill(" ", "Subject: x")}y\n\n`,
  "a million headers": () => `${HEAD}${numbered(900_000, (at) => `A${at}: b\n`)}\n`,
  "folded lines": () => `${fill(" b\n", "Subject: a\n")}\n`,
  "folded words": () => `${fill(" =?utf-8?Q?a?= b\n", "Subject: a\n")}\n`,
  "one long word": () => `${fill("QUFB", "Subject: =?utf-8?B?")}?=\n\n`,
  "words without an end": () => `${fill("=?a?B?x?= ", "Subject: ")}=\n\n`,
  "a charset for each word": () => `Subject: ${numbered(500_000, (at) => `=?c${at}?Q?x?= `)}\n\n`,
  "sections of a parameter": () =>
    `${HEAD}Content-Type: text/plain;\n${numbered(700_000, (at) => ` name*${at}=a;\n`)}\n`,
  "the same parameter in many parts": () =>
    MIXED + `--x\nContent-Type: text/plain;${" a=b;".repeat(1900)}\n\nx\n`.repeat(1000) + "--x\n\n",
  "base64 of one character": () => fill("QQ==", BASE64),
  "only padding": () => fill("=", BASE64),
  "equals signs and blanks": () => fill(`=${" ".repeat(1000)}x`, QUOTED),
  "open elements": () => fill("<div>", HTML),
  "a million attributes": () => `${HTML}<a ${numbered(900_000, (at) => `a${at} `)}>`,
  "angle brackets, without a subject": () => fill("<", "From: a@b\nContent-Type: text/html\n\n"),
  "HTML beside blank lines": () =>
    `${MIXED}--x\n\n${"\n".repeat(5e6)}\n--x\nContent-Type: text/html\n\n${"<p>x".repeat(1e6)}`,
  "a hundred thousand addresses": () => `From: ${numbered(200_000, (at) => `"n ${at}" <a${at}@b.c>, `)}\n\n`,
  "thousands of attachments": () => fill("--x\nContent-Disposition: attachment; filename=a.txt\n\na\n", MIXED),
  "escape sequences": () => fill("a\x1b[1K", `${HEAD}\n`),
  "control characters": () => fill("\x9b1\x80", `${HEAD}\n`),
};

/** A text that must arrive after every hostile part. */
const LAST = "the last line";

function build(name: string): Uint8Array {
  return new TextEncoder().encode(`${MAILS[name]()}\n${LAST}\n`).subarray(-MAX_INCOMING_MAIL_BYTES);
}

Deno.test("readMail() reads hostile mails of 10 MiB in linear time, and loses no text", () => {
  for (const name of Object.keys(MAILS)) {
    const mail = readMail(build(name), { dotEnds: false });
    const input = toMailNotification(mail, {});
    const { subject, message } = createNotification(input, 0);
    assert(subject !== "", name);
    const files = mail.attachments.map(({ content }) => new TextDecoder().decode(content.slice(-100)));
    // A decoder cannot decode a last line that is not encoded.
    if (!name.startsWith("base64")) assert([message, ...files].some((text) => text.includes(LAST)), name);
  }
});

/** The mails that need the most memory. */
const LARGEST = [
  ...["millions of HTML parts", "parts in parts", "flowed quotes", "folded words", "words without an end"],
  ...["open elements", "HTML beside blank lines", "escape sequences", "control characters", "one long word"],
];

Deno.test("matrix-notify sendmail delivers hostile mails of 10 MiB with 128 MiB of heap", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const directory = await Deno.makeTempDir({ prefix: "hostile-mails-" });
  const env = {
    HOME: directory,
    MATRIX_NOTIFY_STATE_DIR: `${directory}/state`,
    MATRIX_NOTIFY_CONFIG: `${directory}/none.json`,
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
  };
  Deno.writeTextFileSync(env.MATRIX_NOTIFY_CONFIG, "{}");
  const entry = new URL("../../../src/main.ts", import.meta.url).pathname;
  for (const name of LARGEST) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "--v8-flags=--max-old-space-size=128", ...inheritedConfig(), entry],
        ...["sendmail", "--wait", "60s", "--no-background", "-i"],
      ],
      env,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    await new Blob([build(name) as BlobPart]).stream().pipeTo(child.stdin);
    const { code, stderr } = await child.output();
    assertEquals(code, 0, `${name}: ${new TextDecoder().decode(stderr)}`);
  }
  const bodies = homeserver.events(room).filter(({ content }) => content.msgtype === "m.text");
  assertEquals(bodies.length, LARGEST.length);
  for (const { content } of bodies) assertStringIncludes(String(content.body), LAST);
  await Deno.remove(directory, { recursive: true });
});
