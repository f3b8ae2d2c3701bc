import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startPostfix } from "../../scripts/mail/postfix.ts";
import { until } from "../../scripts/synapse/until.ts";
import { testFile } from "../fakes/files.ts";
import { readMail } from "../fakes/read_mail.ts";
import { mailSuite, openEmail, refusal } from "./harness.ts";

const LOGIN = { user: "bot", password: "corréct horse" };
const SASL = { smtpd_tls_security_level: "encrypt", smtpd_sasl_auth_enable: "yes" };

const postfixTest = await mailSuite(() =>
  startPostfix({
    mailboxes: [
      ...["root@example.test", "later@example.test", "full@example.test", "over@example.test", "grey@example.test"],
      ...["utf8@example.test", "root@xn--exmple-cua.test", "big@example.test", "owner@example.test"],
    ],
    users: { [LOGIN.user]: LOGIN.password },
    services: {
      smtp: {},
      submission: { ...SASL, smtpd_client_restrictions: "permit_sasl_authenticated, reject" },
      smtps: { ...SASL, smtpd_tls_wrappermode: "yes" },
      greylist: { smtpd_recipient_restrictions: "check_policy_service $greylist" },
      small: { message_size_limit: "30000" },
      ascii: { smtputf8_enable: "no" },
      helo: { smtpd_helo_required: "yes", smtpd_helo_restrictions: "reject_non_fqdn_helo_hostname" },
      unlisted: { smtpd_reject_unlisted_sender: "yes" },
      owned: {
        ...SASL,
        smtpd_sender_login_maps: "inline:{ { owner@example.test = owner } }",
        smtpd_sender_restrictions: "reject_sender_login_mismatch",
      },
      full: {
        smtpd_recipient_restrictions:
          "check_recipient_access inline:{ { full@example.test = 552 5.2.2 Mailbox full }, { over@example.test = 552 Mailbox full } }",
      },
      deferring: { smtpd_relay_restrictions: "defer_unauth_destination" },
      crowded: { smtpd_client_connection_count_limit: "1" },
    },
  })
);

postfixTest(
  "EmailChannel.send() delivers to a mailbox of Postfix, plain, over STARTTLS and over TLS",
  async (postfix) => {
    await openEmail(postfix.port()).send({ subject: "Größe", message: "plain ä" });
    for (const [service, security] of [["submission", "starttls"], ["smtps", "tls"]] as const) {
      await openEmail(postfix.port(service), { security, ...LOGIN }).send({
        subject: "Größe",
        message: `${security} ä`,
      });
    }
    const mails = await Promise.all((await postfix.waitForMails(3)).map(readMail));
    assertEquals(mails.map(({ parts }) => parts["text/plain"].split("\n").at(-1)), ["plain ä", "starttls ä", "tls ä"]);
    assertEquals(mails[0].headers.subject, "[jump] Größe");
    assertMatch(mails[1].headers.received, /with ESMTPSA id/);
  },
);

postfixTest("EmailChannel.send() keeps a mail that Postfix refuses because of us", async (postfix) => {
  const starttls = { security: "starttls" } as const;
  const cases: readonly (readonly [string, Record<string, unknown>, string, number, RegExp])[] = [
    // The recipient.
    ["smtp", { to: "x@other.example" }, "destination", 554, /Relay access denied.*set user and password/],
    ["deferring", { to: "x@other.example" }, "destination-busy", 454, /Relay access denied/],
    ["smtp", { to: "missing@example.test" }, "rejected", 550, /5\.1\.1.*User unknown/],
    ["full", { to: "full@example.test" }, "destination-busy", 552, /Mailbox full/],
    ["full", { to: "over@example.test" }, "destination-busy", 552, /Mailbox full/],
    // The login.
    ["submission", { ...starttls, ...LOGIN, password: "wr0ng" }, "credentials", 535, /5\.7\.8.*fix user and password/],
    ["submission", starttls, "destination", 554, /Client host rejected: Access denied.*set user and password/],
    ["submission", {}, "credentials", 530, /Must issue a STARTTLS command first/],
    ["smtp", { ...starttls }, "credentials", 502, /does not offer STARTTLS/],
    // The sender.
    ["unlisted", { from: "missing@example.test" }, "credentials", 550, /5\.1\.0.*set "from"/],
    [
      "owned",
      { ...starttls, ...LOGIN, from: "owner@example.test" },
      "credentials",
      553,
      /not owned by user bot.*set "from"/,
    ],
    // The name in EHLO.
    ["helo", { ehloName: "jump" }, "credentials", 504, /need fully-qualified hostname.*set "ehloName"/],
  ];
  for (const [service, config, expected, status, reason] of cases) {
    const failure = await refusal(openEmail(postfix.port(service), config));
    assertEquals([failure.class, failure.status], [expected, status], failure.reason);
    assertMatch(failure.reason, reason);
  }
  await openEmail(postfix.port("helo"), { ehloName: "jump.example.test" }).send({ subject: "Up" });
  // Without a full name, this host introduces itself by its address.
  await openEmail(postfix.port("helo")).send({ subject: "Up" });
});

postfixTest(
  "EmailChannel.send() explains a wrong port and a certificate without a trusted authority",
  async (postfix) => {
    const cases: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
      ["submission", { security: "starttls", caFile: undefined }, /not signed by a trusted authority.*set caFile/],
      ["smtps", { security: "tls", caFile: undefined }, /not signed by a trusted authority.*set caFile/],
      ["submission", { security: "tls" }, /does not expect TLS immediately \(set "security" to "starttls"/],
      ["smtps", { security: "starttls" }, /if the server expects TLS immediately.*set "security" to "tls"/],
    ];
    for (const [service, config, reason] of cases) {
      const failure = await refusal(openEmail(postfix.port(service), config), { timeoutMs: 1000 });
      assertEquals([failure.class, failure.status], ["not-sent", undefined], failure.reason);
      assertMatch(failure.reason, reason);
    }
  },
);

postfixTest("EmailChannel.send() takes leave with QUIT after a refusal", async (postfix) => {
  await refusal(openEmail(postfix.port(), { to: "missing@example.test" }));
  await until(async () => /disconnect .* rcpt=0\/1 .*quit=1 /.test(await postfix.log()) || undefined, {
    what: "QUIT in the log",
  });
});

postfixTest("EmailChannel.send() tries a greylisted recipient again", async (postfix) => {
  const channel = openEmail(postfix.port("greylist"), { to: "grey@example.test" });
  const failure = await refusal(channel);
  assertEquals([failure.class, failure.status], ["destination-busy", 450], failure.reason);
  await channel.send({ subject: "Up", message: "Text" });
  assertEquals((await postfix.waitForMails(1, "grey@example.test")).length, 1);
});

postfixTest("EmailChannel.send() waits when Postfix accepts no more connections", async (postfix) => {
  const port = postfix.port("crowded");
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.read(new Uint8Array(100));
  const failure = await refusal(openEmail(port));
  assertEquals([failure.class, failure.status], ["not-sent", 421], failure.reason);
});

postfixTest("EmailChannel.send() sends the text without files that are too large for Postfix", async (postfix) => {
  const channel = openEmail(postfix.port("small"), { to: "big@example.test" });
  await channel.send({ subject: "Up", message: "Text" }, {
    attachments: [testFile("dump.txt", "text/plain", "x\n".repeat(20_000))],
  });
  const [mail] = await postfix.waitForMails(1, "big@example.test");
  assertStringIncludes((await readMail(mail)).parts["text/plain"], "📎 dump.txt (39.1 KiB) was not sent here");
});

postfixTest("EmailChannel.send() reaches internationalized domains without SMTPUTF8", async (postfix) => {
  const channel = openEmail(postfix.port("ascii"), {
    from: "jump@exämple.test",
    to: '"Doe, John" <root@exämple.test>',
  });
  const { id } = await channel.send({ subject: "Größe" });
  const [mail] = await postfix.waitForMails(1, "root@xn--exmple-cua.test");
  const { headers } = await readMail(mail);
  assertEquals(headers["message-id"], `<${id}>`);
  assertEquals(headers.to, '"Doe, John" <root@xn--exmple-cua.test>');
});

postfixTest("EmailChannel.send() reports an outage of Postfix, and delivers after it", async (postfix) => {
  const channel = openEmail(postfix.port(), { to: "later@example.test" });
  await postfix.stop();
  const failure = await refusal(channel);
  assertEquals(failure.class, "not-sent");
  assertStringIncludes(failure.reason, "Connection refused");
  await postfix.startAgain();
  await channel.send({ subject: "Up" });
  assertEquals((await postfix.waitForMails(1, "later@example.test")).length, 1);
});
