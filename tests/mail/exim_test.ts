import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIM_USER as LOGIN, startExim } from "../../scripts/mail/exim.ts";
import { testFile } from "../fakes/files.ts";
import { readMail } from "../fakes/read_mail.ts";
import { mailSuite, openEmail, refusal } from "./harness.ts";

const eximTest = await mailSuite(startExim);
const STARTTLS = { security: "starttls" } as const;

eximTest("EmailChannel.send() delivers to a mailbox of Exim, with a login over STARTTLS and TLS", async (exim) => {
  await openEmail(exim.port("submission"), { ...STARTTLS, ...LOGIN }).send({ subject: "Größe", message: "one ä" });
  await openEmail(exim.port("smtps"), { security: "tls", ...LOGIN }).send({ subject: "Größe", message: "two ä" });
  const large = [testFile("dump.txt", "text/plain", "x\n".repeat(40_000))];
  await openEmail(exim.port(), STARTTLS).send({ subject: "Größe", message: "three" }, { attachments: large });
  const mails = await Promise.all((await exim.waitForMails(3)).map(readMail));
  const texts = mails.map(({ parts }) => parts["text/plain"]).toSorted();
  assertEquals(texts.map((text) => text.split("\n\n")[1]), ["one ä", "three", "two ä"]);
  assertStringIncludes(texts[1], "📎 dump.txt (78.1 KiB) was not sent here");
});

eximTest("EmailChannel.send() keeps a mail that Exim refuses because of us", async (exim) => {
  const cases: readonly (readonly [string, Record<string, unknown>, string, number, RegExp])[] = [
    ["smtp", { to: "x@other.example" }, "destination", 550, /relay not permitted.*set user and password/],
    ["smtp", { to: "missing@example.test" }, "destination", 550, /Unrouteable address/],
    ["smtp", { to: "full@example.test" }, "destination-busy", 552, /Mailbox full/],
    ["smtp", { from: "missing@example.test" }, "destination", 550, /Sender verify failed/],
    ["smtp", { ehloName: "jump" }, "credentials", 550, /HELO must be a full name.*set "ehloName"/],
    ["submission", { ...STARTTLS }, "credentials", 550, /authentication required/],
    ["submission", { ...STARTTLS, ...LOGIN, password: "wr0ng" }, "credentials", 535, /Incorrect authentication data/],
  ];
  for (const [service, config, expected, status, reason] of cases) {
    const failure = await refusal(openEmail(exim.port(service), config));
    assertEquals([failure.class, failure.status], [expected, status], failure.reason);
    assertMatch(failure.reason, reason);
  }
  await openEmail(exim.port("submission"), { ...STARTTLS, ...LOGIN, to: "x@other.example" }).send({ subject: "Up" });
});

eximTest("EmailChannel.send() tries a recipient again that Exim has greylisted", async (exim) => {
  const channel = openEmail(exim.port(), { to: "grey@example.test" });
  const failure = await refusal(channel);
  assertEquals([failure.class, failure.status], ["destination-busy", 451], failure.reason);
  await channel.send({ subject: "Up", message: "Text" });
});
